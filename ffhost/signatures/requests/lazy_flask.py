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
from flask.json.provider import DefaultJSONProvider

from ffhost._lazy import LateAttribute
from ffhost.invocation.current import CURRENT
from ffhost.signatures.requests._flask_contexts import (
    SIGNALS,
    RequestContext,
    current_app_context,
    enter_flask_contexts,
    is_body_limited,
    leave_flask_contexts,
    mark_body_as_read,
)
from ffhost.signatures.requests.flask_answers import QuickFlaskEncoder
from ffhost.web.json_text import read_json
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.signatures.requests.flask_request import FlaskFunctionApp, MakeEnviron

_new: Any = object.__new__
_flask_arguments: Any = flask.Request.args
_flask_stream: Any = flask.Request.stream
_ORIGIN = "_ffhost_origin"
"""Attribute of a request: its application, message, call, and what makes its environ."""
_IS_READ = "_ffhost_is_read"
"""Attribute of a request whose body was given out without an environ."""
_JSON = "_ffhost_json"
"""Attribute of a request: what its body is as JSON."""


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


def _arguments(request: Request) -> Any:
    text = request.query_string.decode()
    if "%" in text or "+" in text:
        return _flask_arguments.__get__(request)
    pairs = [each.partition("=")[::2] for each in text.split("&") if each]
    return request.parameter_storage_class(pairs)


def _stream(request: Request) -> Any:
    _ = request.environ  # made first, because making it keeps the stream of a body that was read
    return _flask_stream.__get__(request)


class Request(flask.Request):
    """A request whose environ is made at the first look at anything that needs it."""

    __module__ = flask.Request.__module__  # code that looks at names finds Flask's

    url_rule = LateAttribute(_matched("url_rule"))
    view_args = LateAttribute(_matched("view_args"))
    json_module = LateAttribute(_json_module)
    args = LateAttribute(_arguments)
    stream = LateAttribute(_stream)

    def __getattr__(self, name: str) -> Any:
        """Make what Werkzeug's constructor would have set."""
        origin = self.__dict__.get(_ORIGIN)
        if origin is None or name not in _MADE or "environ" in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        _, message, call, make_environ = origin
        if name == "method":
            found: Any = message.method.upper()
        elif name == "query_string":
            found = message.query.encode("latin-1")
        else:
            own = dict(self.__dict__)
            flask.Request.__init__(self, make_environ(message, call))
            if _IS_READ in own:
                mark_body_as_read(self)
            self.__dict__.update(own)
            self._ffhost_is_made = True
            return self.__dict__[name]
        self.__dict__[name] = found
        return found

    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Any:
        """Return the body, as Werkzeug does."""
        made = self.__dict__
        body: bytes | None = None
        if _IS_READ in made:  # what was kept is returned, whatever is asked
            body = made[_ORIGIN][1].body
        elif cache and not parse_form_data:
            body = self._plain_body()
        if body is None:
            return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload]
        made[_IS_READ] = True
        return body.decode(errors="replace") if as_text else body

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON, as Werkzeug does."""
        made = self.__dict__
        if cache and _JSON in made:
            return made[_JSON]
        body = self._plain_body() if cache else None
        if body is None or not (force or made[_ORIGIN][1].header("content-type") in _JSON_TYPES):
            return super().get_json(force, silent, cache)
        try:
            found = made[_JSON] = _reader(self.json_module)(body)
        except ValueError:
            return super().get_json(force, silent, cache)
        made[_IS_READ] = True
        return found

    def _plain_body(self) -> bytes | None:
        """Return the body if nothing of it was read by Werkzeug, and nothing limits it."""
        origin = self.__dict__.get(_ORIGIN)
        if origin is None or "environ" in self.__dict__ or is_body_limited(origin[0], self):
            return None
        body: bytes = origin[1].body
        return body


def _reader(json: Any) -> Callable[[bytes], Any]:
    """Return what reads JSON for an application's *json*."""
    is_own = json.__class__ is DefaultJSONProvider and "loads" not in json.__dict__
    return read_json if is_own else json.loads


_JSON_TYPES = frozenset({"application/json", "application/json; charset=utf-8"})
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

    def is_needed(self, message: Message) -> Any:
        """Return something true if all of Flask must run for *message*."""
        app, config = self._app, self._config
        return (
            any(self._hooks)
            or app.is_changed
            or config.get("SECRET_KEY")  # sessions may be refreshed at the end of each call
            or config.get("TRUSTED_HOSTS") is not None
            or app.session_interface is not self._session_interface
            or current_app_context(None) is not None
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
    quick = QuickFlaskEncoder(app).answer
    state = vars(app)
    current_call = CURRENT.get

    def call(message: Message) -> Any:
        if watch.is_needed(message):
            return run_all(message)
        state["_got_first_request"] = True
        request = _new(Request)
        request._ffhost_origin = app, message, current_call(), make_environ
        request._ffhost_is_made = False
        outer, inner = enter_flask_contexts(app, request)
        error: BaseException | None = None
        try:
            try:
                return _answer(app, inner, target, quick)
            except Exception as raised:
                error = raised
                return app.handle_exception(raised).taken_from(request.environ)
            except BaseException as raised:
                error = raised
                raise
        finally:
            leave_flask_contexts(outer, inner, error, is_made=request._ffhost_is_made)

    return call


def _answer(
    app: FlaskFunctionApp,
    context: RequestContext,
    target: Callable[[Any], Any],
    quick: Callable[[Any], Reply | None],
) -> Reply | flask.Response:
    """Call *target*, and return its answer as Flask's ``full_dispatch_request`` does."""
    try:
        result = target(context.request)
    except Exception as error:
        result = app.handle_user_exception(error)
    if not context._after_request_functions:
        reply = quick(result)
        if reply is not None:
            return reply
    response = app.finalize_request(result)
    response.headers = response.get_wsgi_headers(context.request.environ)
    return response
