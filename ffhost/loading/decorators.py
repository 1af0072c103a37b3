"""Decorators that mark what user code means. They return the function itself.

A mark is an attribute of the function, so that it travels with it: through imports, and
into any module that the function is imported from. Nothing here calls or wraps anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

SIGNATURE = "__ffhost_signature__"
"""Attribute of a decorated function: a `SignatureMark`."""
HANDLES = "__ffhost_handles__"
"""Attribute of an error handler: a tuple of exception types."""
LIFECYCLE = "__ffhost_lifecycle__"
"""Attribute of a hook: ``startup`` or ``shutdown``."""
TRACE_HOOK = "__ffhost_trace_hook__"
"""Attribute of a trace hook: True."""


class SignatureMark(NamedTuple):
    """What a signature decorator says.

    ``kind`` is ``http``, ``cloudevent``, ``event`` or ``typed``; ``input_type`` is the type
    named by ``@typed(Type)``, else None; ``request`` is the request class that the decorator
    implies (``starlette`` for ``functions_framework.aio``), else None.
    """

    kind: str
    input_type: type | None = None
    request: str | None = None


def _mark(function: F, mark: SignatureMark) -> F:
    if not callable(function):
        raise TypeError(f"expected a function to decorate, got {function!r}")
    setattr(function, SIGNATURE, mark)
    return function


def http(function: F) -> F:
    """Mark an HTTP function: it gets a request and returns a response."""
    return _mark(function, SignatureMark("http"))


def cloud_event(function: F) -> F:
    """Mark a CloudEvent function: it gets one event."""
    return _mark(function, SignatureMark("cloudevent"))


def event(function: F) -> F:
    """Mark a background function: it gets ``data, context``."""
    return _mark(function, SignatureMark("event"))


@overload
def typed(function: F) -> F: ...
@overload
def typed(*, input_type: type | None = None) -> Callable[[F], F]: ...
def typed(function: Any = None, *, input_type: type | None = None) -> Any:
    """Mark a typed function: it gets the annotated type, or the type named here.

    Works as ``@typed``, ``@typed(Type)`` and ``@typed(input_type=Type)``.
    """
    if isinstance(function, type):
        function, input_type = None, function
    if function is None:
        return lambda inner: _mark(inner, SignatureMark("typed", input_type))
    return _mark(function, SignatureMark("typed", input_type))


def error_handler(*exceptions: type[Exception]) -> Callable[[F], F]:
    """Mark a function of the module that answers for *exceptions* raised by its functions.

    It gets the exception and returns what an HTTP function may return.
    """
    if not exceptions or not all(
        isinstance(each, type) and issubclass(each, Exception) for each in exceptions
    ):
        raise TypeError("error_handler takes one or more exception classes")

    def decorate(function: F) -> F:
        setattr(function, HANDLES, (*getattr(function, HANDLES, ()), *exceptions))
        return function

    return decorate


def on_startup(function: F) -> F:
    """Mark a function, sync or async, that runs in every worker before it serves."""
    setattr(function, LIFECYCLE, "startup")
    return function


def on_shutdown(function: F) -> F:
    """Mark a function, sync or async, that runs in every worker after its last call."""
    setattr(function, LIFECYCLE, "shutdown")
    return function


def trace_hook(function: F) -> F:
    """Mark a generator function over the invocation as a trace hook."""
    setattr(function, TRACE_HOOK, True)
    return function
