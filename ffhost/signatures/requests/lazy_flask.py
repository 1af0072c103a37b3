"""Flask's request and contexts, of which each part is made when it is asked for.

A small function asks for little: of the 32 microseconds that Flask takes for a call, most make what
nobody looks at. The objects are Flask's own, and all that it does with them works; only when they
are made differs. A call goes this way while nothing hangs on the application that would have to run
for each call, see `FlaskAppWatch`. Otherwise, and for versions of Flask that were not tried, Flask
runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask

from ffhost._lazy import LateAttribute
from ffhost.signatures.requests._flask_contexts import (
    SIGNALS,
    RequestContext,
    enter_flask_contexts,
    is_inside_flask_context,
    leave_flask_contexts,
    new_flask_contexts,
)
from ffhost.signatures.requests.flask_answers import QuickFlaskEncoder
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.signatures.requests.flask_request import FlaskFunctionApp

MakeEnviron = Callable[[Message], dict[str, Any]]
_ORIGIN = "_ffhost_origin"


def _matched(name: str) -> Callable[[Request], Any]:
    """Return what matches the request's path, for `url_rule` or `view_args`."""

    def make(request: Request) -> Any:
        origin = request.__dict__.get(_ORIGIN)
        if origin is None:
            return None
        rule, arguments = origin[0].create_url_adapter(request).match(return_rule=True)
        return rule if name == "url_rule" else arguments

    return make


def _json_module(request: Request) -> Any:
    origin = request.__dict__.get(_ORIGIN)
    return flask.json if origin is None else origin[0].json


class Request(flask.Request):
    """A request whose environ is made at the first look at anything that needs it."""

    __module__ = flask.Request.__module__  # code that looks at names finds Flask's

    url_rule = LateAttribute(_matched("url_rule"))
    view_args = LateAttribute(_matched("view_args"))
    json_module = LateAttribute(_json_module)

    def __getattr__(self, name: str) -> Any:
        """Make what Werkzeug's constructor would have set."""
        origin = self.__dict__.get(_ORIGIN)
        if origin is None or name not in _MADE or "environ" in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        _, message, make_environ = origin
        if name == "method":
            found: Any = message.method.upper()
        elif name == "query_string":
            found = message.query.encode("latin-1")
        else:
            own = dict(self.__dict__)
            flask.Request.__init__(self, make_environ(message))
            self.__dict__.update(own)
            return self.__dict__[name]
        self.__dict__[name] = found
        return found


_MADE = frozenset(vars(flask.Request({}, populate_request=False)))
"""The names that Werkzeug's constructor sets."""


class FlaskAppWatch:
    """Looks whether something hangs on an application that has to run for each call."""

    def __init__(self, app: FlaskFunctionApp) -> None:
        self._app = app
        self._config = app.config
        self._session_interface = flask.Flask.session_interface
        self._hooks = (
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
            app.teardown_appcontext_funcs,
            app.url_value_preprocessors,
            *(signal.receivers for signal in SIGNALS),
        )

    def is_needed(self, message: Message) -> bool:
        """Whether all of Flask must run for *message*."""
        app, setting = self._app, self._config.get
        return bool(
            any(self._hooks)
            or app.is_changed
            or setting("SECRET_KEY")  # sessions may be refreshed at the end of each call
            or setting("TRUSTED_HOSTS") is not None
            or app.session_interface is not self._session_interface
            or is_inside_flask_context()
            or (app.serves_static and "static" in message.path)
        )


def call_with_lazy_flask_request(
    app: FlaskFunctionApp,
    target: Callable[[Any], Any],
    make_environ: MakeEnviron,
    run_all: Callable[[Message], Any],
) -> Callable[[Message], Any]:
    """Return what calls *target* with a request of which each part is made when asked for.

    What it returns is a `Reply`, or Flask's response.

    Args:
        app: its application
        make_environ: makes the environ of a message
        run_all: calls *target* inside all of Flask
    """
    watch = FlaskAppWatch(app)
    quick = QuickFlaskEncoder(app)

    def call(message: Message) -> Any:
        if watch.is_needed(message):
            return run_all(message)
        vars(app)["_got_first_request"] = True
        request = Request.__new__(Request)
        request.__dict__[_ORIGIN] = (app, message, make_environ)
        outer, inner = new_flask_contexts(app, request)
        error: BaseException | None = None
        try:
            enter_flask_contexts(outer, inner)
            try:
                return _answer(app, inner, target, quick)
            except Exception as raised:
                error = raised
                return app.handle_exception(raised).taken_from(request.environ)
            except BaseException as raised:
                error = raised
                raise
        finally:
            leave_flask_contexts(outer, inner, error)

    return call


def _answer(
    app: FlaskFunctionApp,
    context: RequestContext,
    target: Callable[[Any], Any],
    quick: QuickFlaskEncoder,
) -> Reply | flask.Response:
    """Call *target*, and return its answer as Flask's ``full_dispatch_request`` does."""
    try:
        result = target(context.request)
    except Exception as error:
        result = app.handle_user_exception(error)
    if not context.was_asked_to_go_on():
        reply = quick(result)
        if reply is not None:
            return reply
    response = app.finalize_request(result)
    response.headers = response.get_wsgi_headers(context.request.environ)
    return response
