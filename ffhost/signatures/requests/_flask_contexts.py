"""Flask's contexts, of which each part is made when it is asked for.

They stand in the variables that ``flask.request``, ``g``, ``session`` and ``current_app`` read, and
all that Flask does with a context (pushing it again, copying it) works with them. What they replace
is private, so that they are used only with versions that were tried (`LAZY_VERSIONS` of `_flask`).
"""

from __future__ import annotations

from typing import Any

import flask
from flask.ctx import AppContext as FlaskAppContext
from flask.ctx import RequestContext as FlaskRequestContext
from flask.globals import _cv_app, _cv_request
from werkzeug.exceptions import HTTPException

from ffhost._lazy import LateAttribute

SIGNALS = (
    flask.request_started,
    flask.request_finished,
    flask.request_tearing_down,
    flask.appcontext_pushed,
    flask.appcontext_popped,
    flask.appcontext_tearing_down,
)
"""The signals that Flask sends for each call."""


class AppContext(FlaskAppContext):
    """Flask's application context; its ``g`` and URL adapter are made when asked for."""

    url_adapter = LateAttribute(lambda context: context.app.create_url_adapter(None))
    g = LateAttribute(lambda context: context.app.app_ctx_globals_class())


def _session(context: FlaskRequestContext) -> Any:
    interface = context.app.session_interface
    opened = interface.open_session(context.app, context.request)
    return interface.make_null_session(context.app) if opened is None else opened


def _url_adapter(context: FlaskRequestContext) -> Any:
    try:
        return context.app.create_url_adapter(context.request)
    except HTTPException as error:
        context.request.routing_exception = error
        return None


class RequestContext(FlaskRequestContext):
    """Flask's request context; its session and URL adapter are made when asked for."""

    flashes = None
    url_adapter = LateAttribute(_url_adapter)
    _session = LateAttribute(_session)
    _after_request_functions = LateAttribute(lambda _context: [])

    def was_asked_to_go_on(self) -> bool:
        """Whether something is to run with the response (``after_this_request``)."""
        return "_after_request_functions" in self.__dict__


def is_inside_flask_context() -> bool:
    """Whether the running code is inside a context of an application."""
    return _cv_app.get(None) is not None


def new_flask_contexts(
    app: flask.Flask, request: flask.Request
) -> tuple[AppContext, RequestContext]:
    """Return contexts for *request*, which are not entered yet."""
    outer, inner = (
        AppContext.__new__(AppContext),
        RequestContext.__new__(RequestContext),
    )
    outer.app = inner.app = app
    inner.request = request
    outer._cv_tokens, inner._cv_tokens = [], []
    return outer, inner


def enter_flask_contexts(outer: AppContext, inner: RequestContext) -> None:
    """Make the contexts those of the running code."""
    outer._cv_tokens.append(_cv_app.set(outer))
    inner._cv_tokens.append((_cv_request.set(inner), outer))


def leave_flask_contexts(
    outer: AppContext, inner: RequestContext, error: BaseException | None
) -> None:
    """Leave the contexts; nothing was registered for their end."""
    if len(inner._cv_tokens) != 1 or len(outer._cv_tokens) != 1:  # the function has entered it, too
        if inner._cv_tokens:
            inner.pop(error)
        return
    made = inner.request.__dict__
    if "environ" in made:
        inner.request.close()
        made["environ"]["werkzeug.request"] = None  # or only the garbage collector would find it
    token, _ = inner._cv_tokens.pop()
    _cv_request.reset(token)
    _cv_app.reset(outer._cv_tokens.pop())
