"""Our replacement of ``functions_framework.execution_id``: the ids of the running call.

The host keeps execution id and span of each call, and writes them into its log entries. The
names below hand out the same ids, also in code that runs without the host: there a context is
what `set_execution_context` or a test has set.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import io
import json
import logging
import random
import re
import string
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

EXECUTION_ID_REQUEST_HEADER = "Function-Execution-Id"
TRACE_CONTEXT_REQUEST_HEADER = "X-Cloud-Trace-Context"
_TRACE_CONTEXT = re.compile(r"^\w+/(?P<span_id>\d+);o=[01]$")
_CHARACTERS = string.digits + string.ascii_letters
_LABELS = "logging.googleapis.com/labels"
_SPAN_ID = "logging.googleapis.com/spanId"

logger = logging.getLogger(__name__)


class ExecutionContext:
    """Execution id and span of a call; None where there is none."""

    def __init__(self, execution_id: str | None = None, span_id: str | None = None) -> None:
        self.execution_id = execution_id
        self.span_id = span_id


class _ContextVariable:
    """What the original's context variable is asked for: what was set, else the running call."""

    name = "execution_context"

    def __init__(self) -> None:
        self._given: contextvars.ContextVar[ExecutionContext | None] = contextvars.ContextVar(
            self.name, default=None
        )

    def get(self, default: ExecutionContext | None = None, /) -> ExecutionContext | None:
        """Return the context of this code, *default* outside a call."""
        return self._given.get() or _context_of_call() or default

    def set(self, value: ExecutionContext | None, /) -> contextvars.Token[Any]:
        """Set a context; return the token for `reset`."""
        return self._given.set(value)

    def reset(self, token: contextvars.Token[Any], /) -> None:
        """Undo the `set` that returned *token*."""
        self._given.reset(token)


def _context_of_call() -> ExecutionContext | None:
    # By name: user code imports this module, and it lies below the records of calls.
    call = import_module("ffhost.invocation.current").CURRENT.get()
    return None if call is None else ExecutionContext(call.execution_id, call.span_id)


execution_context_var = _ContextVariable()


def _get_current_context() -> ExecutionContext | None:
    return execution_context_var.get()


def _set_current_context(context: ExecutionContext | None) -> None:
    execution_context_var.set(context)
    _set_in_flask(context)


def _set_in_flask(context: ExecutionContext | None) -> None:
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_request_context():
        flask.g.execution_id_context = context


def _generate_execution_id() -> str:
    return "".join(random.choices(_CHARACTERS, k=12))


def _extract_context_from_headers(headers: Mapping[str, str]) -> ExecutionContext:
    trace = _TRACE_CONTEXT.match(headers.get(TRACE_CONTEXT_REQUEST_HEADER, ""))
    span_id = None if trace is None else trace["span_id"]
    return ExecutionContext(headers.get(EXECUTION_ID_REQUEST_HEADER), span_id)


class WsgiMiddleware:
    """A WSGI application that gives each request an execution id before *wsgi_app* gets it."""

    def __init__(self, wsgi_app: Callable[..., Any]) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not environ.get("HTTP_FUNCTION_EXECUTION_ID"):
            environ["HTTP_FUNCTION_EXECUTION_ID"] = _generate_execution_id()
        return self.wsgi_app(environ, start_response)


class AsgiMiddleware:
    """An ASGI application that gives each request an execution id before *app* gets it."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        name = EXECUTION_ID_REQUEST_HEADER.lower().encode()
        if scope["type"] == "http":
            fields = list(scope.get("headers", ()))
            if not any(key.lower() == name and value for key, value in fields):
                scope["headers"] = [*fields, (name, _generate_execution_id().encode())]
        await self.app(scope, receive, send)


def set_execution_context(request: Any, enable_id_logging: bool = False) -> Callable[..., Any]:
    """Return a decorator for functions that run while *request* is the current one.

    The context of the decorated function is read from the request's fields. With
    *enable_id_logging* what the function prints becomes JSON with its execution id.
    """

    def decorator(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _context_of(request), _captured(enable_id_logging):
                return view(*args, **kwargs)

        return wrapper

    return decorator


def set_execution_context_async(enable_id_logging: bool = False) -> Callable[..., Any]:
    """Return a decorator for functions, coroutine functions too, whose first argument is a request.

    It does what `set_execution_context` does.
    """

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def waiting(request: Any, *args: Any, **kwargs: Any) -> Any:
            with _context_of(request), _captured(enable_id_logging):
                return await function(request, *args, **kwargs)

        @functools.wraps(function)
        def plain(request: Any, *args: Any, **kwargs: Any) -> Any:
            with _context_of(request), _captured(enable_id_logging):
                return function(request, *args, **kwargs)

        return waiting if inspect.iscoroutinefunction(function) else plain

    return decorator


@contextlib.contextmanager
def _context_of(request: Any) -> Any:
    context = _extract_context_from_headers(request.headers)
    token = execution_context_var.set(context)
    _set_in_flask(context)
    try:
        yield
    finally:
        execution_context_var.reset(token)


def _captured(enabled: bool) -> contextlib.AbstractContextManager[Any]:
    stack = contextlib.ExitStack()
    if enabled:
        stack.enter_context(contextlib.redirect_stdout(LoggingHandlerAddExecutionId(sys.stdout)))
        stack.enter_context(contextlib.redirect_stderr(LoggingHandlerAddExecutionId(sys.stderr)))
    return stack


class LoggingHandlerAddExecutionId(io.TextIOBase):
    """A text stream that writes each text to *stream* as JSON with the ids of the call.

    Text that is a JSON object keeps its members. Outside a call text is written as it is.
    """

    stream: Any

    def __new__(cls, stream: Any = None) -> LoggingHandlerAddExecutionId:
        """Return *stream* itself if it is such a stream already."""
        return stream if isinstance(stream, cls) else super().__new__(cls)

    def __init__(self, stream: Any = None) -> None:
        if stream is not self:
            super().__init__()
            self.stream = sys.stdout if stream is None else stream

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, contents: str, /) -> int:
        """Write one line for *contents*; a newline alone writes nothing, as after `print`."""
        if contents != "\n":
            context = _get_current_context()
            line = contents if context is None else json.dumps(_payload(contents, context))
            self.stream.write(f"{line}\n")
            self.stream.flush()
        return len(contents)


def _payload(contents: str, context: ExecutionContext) -> dict[str, Any]:
    try:
        payload = json.loads(contents)
    except json.JSONDecodeError:
        payload = {"message": contents.removesuffix("\n")}
    if not isinstance(payload, dict):
        payload = {"message": contents}
    if context.execution_id:
        payload.setdefault(_LABELS, {})["execution_id"] = context.execution_id
    if context.span_id:
        payload[_SPAN_ID] = context.span_id
    return payload


class _PresentStderr:
    """``sys.stderr`` as it is at each use."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


logging_stream = LoggingHandlerAddExecutionId(_PresentStderr())

__all__ = [
    "EXECUTION_ID_REQUEST_HEADER",
    "TRACE_CONTEXT_REQUEST_HEADER",
    "AsgiMiddleware",
    "ExecutionContext",
    "LoggingHandlerAddExecutionId",
    "WsgiMiddleware",
    "_get_current_context",
    "_set_current_context",
    "execution_context_var",
    "logger",
    "logging_stream",
    "set_execution_context",
    "set_execution_context_async",
]
