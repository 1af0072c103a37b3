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


def is_body_limited(app: flask.Flask, request: flask.Request) -> bool:
    """Whether the body of *request* may be too large for its application or its function."""
    limit = app.config.get("MAX_CONTENT_LENGTH")
    return limit is not None or request._max_content_length is not None


def mark_body_as_read(request: flask.Request) -> None:
    """Mark the body as read and kept for Werkzeug, within the limits of that time."""
    limit, request._max_content_length = request._max_content_length, None
    flask.Request.get_data(request)
    request._max_content_length = limit


current_app_context = _cv_app.get
"""Returns the context of the application that the running code is inside of, or its argument."""
_new = object.__new__
_set_app, _reset_app = _cv_app.set, _cv_app.reset
_set_request, _reset_request = _cv_request.set, _cv_request.reset


def enter_flask_contexts(
    app: flask.Flask, request: flask.Request
) -> tuple[AppContext, RequestContext]:
    """Return contexts for *request*, which are those of the running code from here."""
    outer, inner = _new(AppContext), _new(RequestContext)
    outer.app = inner.app = app
    inner.request = request
    inner._after_request_functions = []
    outer._cv_tokens = [_set_app(outer)]
    inner._cv_tokens = [(_set_request(inner), outer)]
    return outer, inner


def leave_flask_contexts(
    outer: AppContext, inner: RequestContext, error: BaseException | None, *, is_made: bool
) -> None:
    """Leave the contexts; nothing was registered for their end.

    Args:
        is_made: whether the request has an environ
    """
    tokens, outer_tokens = inner._cv_tokens, outer._cv_tokens
    if len(tokens) != 1 or len(outer_tokens) != 1:  # the function has entered it, too
        if tokens:
            inner.pop(error)
        return
    if is_made:
        inner.request.close()
        # Or only the garbage collector would find it.
        inner.request.environ["werkzeug.request"] = None
    _reset_request(tokens.pop()[0])
    _reset_app(outer_tokens.pop())
