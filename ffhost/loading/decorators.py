"""Decorators that mark functions. They return the function itself.

A mark is an attribute of the function, so it is kept when the function is imported into another
module. Nothing here calls or wraps a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ffhost._records import Record

F = TypeVar("F", bound=Callable[..., Any])

SIGNATURE = "__ffhost_signature__"
"""Attribute of a decorated function: a `SignatureMark`."""
HANDLES = "__ffhost_handles__"
"""Attribute of an error handler: a tuple of exception types."""
LIFECYCLE = "__ffhost_lifecycle__"
"""Attribute of a hook: ``startup`` or ``shutdown``."""
TRACE_HOOK = "__ffhost_trace_hook__"
"""Attribute of a trace hook: True."""


class SignatureMark(Record):
    """The mark of a signature decorator.

    ``kind`` is ``http``, ``cloudevent``, ``event`` or ``typed``; ``input_type`` is the type
    named by ``@typed(Type)``, else None; ``request`` is the request class that the decorator
    implies: ``flask`` for ``functions_framework``, ``starlette`` for ``functions_framework.aio``,
    else None.
    """

    kind: str
    input_type: type | None = None
    request: str | None = None


def mark_function(function: F, signature: SignatureMark) -> F:
    """Mark *function* with its signature and return it.

    Raises:
        TypeError: it is not callable
    """
    if not callable(function):
        raise TypeError(f"expected a function to decorate, got {function!r}")
    setattr(function, SIGNATURE, signature)
    return function


def http(function: F) -> F:
    """Mark an HTTP function: it gets a request and returns a response.

    Args:
        function: a function, a coroutine function or another callable. It takes one request,
            or Falcon's ``(req, resp)`` if it has two required parameters.

    Returns:
        *function* itself, so that a test can call it directly.

    Raises:
        TypeError: *function* is not callable

    Example:
        >>> @ffhost.http
        ... def hello(request):
        ...     return "Hello, " + request.args.get("name", "world")

    Since 0.1.
    """
    return mark_function(function, SignatureMark("http"))


def cloud_event(function: F) -> F:
    """Mark a CloudEvent function: it gets one event (CloudEvents 1.0 or 0.3).

    Google's background events and Pub/Sub push messages are converted to CloudEvents. The
    function returns nothing, or an event that becomes the body of the answer.

    Args:
        function: takes one event

    Returns:
        *function* itself.

    Raises:
        TypeError: *function* is not callable

    Example:
        >>> @ffhost.cloud_event
        ... def on_upload(event):
        ...     print(event["type"], event.data["name"])

    Since 0.1.
    """
    return mark_function(function, SignatureMark("cloudevent"))


def event(function: F) -> F:
    """Mark a background function: it gets ``data, context``, as on Google Cloud Functions.

    CloudEvents that Google defines are converted to background events. What the function
    returns is ignored.

    Args:
        function: takes the data and a context with ``event_id``, ``event_type``,
            ``timestamp`` and ``resource``

    Returns:
        *function* itself.

    Raises:
        TypeError: *function* is not callable

    Example:
        >>> @ffhost.event
        ... def on_message(data, context):
        ...     print(context.event_type, data)

    Since 0.1.
    """
    return mark_function(function, SignatureMark("event"))


@overload
def typed(function: F) -> F: ...
@overload
def typed(*, input_type: type | None = None) -> Callable[[F], F]: ...
def typed(function: Any = None, *, input_type: type | None = None) -> Any:
    """Mark a typed function: it gets an object that was made from the JSON of the body.

    Works as ``@typed``, ``@typed(Type)`` and ``@typed(input_type=Type)``. A body that does not
    validate is answered with 422.

    Args:
        function: takes one object; or the type, for ``@typed(Type)``
        input_type: a pydantic model, a dataclass, a TypedDict, or a class with ``from_dict``;
            None for the annotation of the function's parameter

    Returns:
        *function* itself, or a decorator if a type was passed.

    Raises:
        TypeError: what is decorated is not callable

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Order:
        ...     item: str
        ...     quantity: int = 1
        >>> @ffhost.typed
        ... def order(wanted: Order):
        ...     return {"ordered": wanted.quantity, "of": wanted.item}
        >>> order(Order("tea"))
        {'ordered': 1, 'of': 'tea'}

    Since 0.1.
    """
    if isinstance(function, type):
        function, input_type = None, function
    if function is None:
        return lambda inner: mark_function(inner, SignatureMark("typed", input_type))
    return mark_function(function, SignatureMark("typed", input_type))


def error_handler(*exceptions: type[Exception]) -> Callable[[F], F]:
    """Mark a function that handles *exceptions* raised by functions of its module.

    It runs in place of the answer for a crash, and the most specific class wins. What it
    returns is encoded like the result of an HTTP function.

    Args:
        exceptions: exception classes, at least one

    Returns:
        A decorator that returns the function itself. The function takes the exception.

    Raises:
        TypeError: *exceptions* is empty, or holds something else than exception classes

    Example:
        >>> @ffhost.error_handler(KeyError)
        ... def missing(error):
        ...     return {"missing": str(error)}, 404

    Since 0.1.
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
    """Mark a function that runs in every worker before it takes calls.

    A hook that raises ends the worker. A reload runs the hooks of added functions only.

    Args:
        function: a function or a coroutine function without parameters

    Returns:
        *function* itself.

    Example:
        >>> @ffhost.on_startup
        ... async def connect():
        ...     print("connected")

    Since 0.1.
    """
    setattr(function, LIFECYCLE, "startup")
    return function


def on_shutdown(function: F) -> F:
    """Mark a function that runs in every worker after its last call.

    Args:
        function: a function or a coroutine function without parameters

    Returns:
        *function* itself.

    Example:
        >>> @ffhost.on_shutdown
        ... def disconnect():
        ...     print("disconnected")

    Since 0.1.
    """
    setattr(function, LIFECYCLE, "shutdown")
    return function


def trace_hook(function: F) -> F:
    """Mark a generator function as a trace hook, which runs around each call.

    It takes the `Invocation`, and its options if it has a second parameter. It yields once and
    is sent the `Outcome` once the caller's answer is decided. A hook that raises fails no call.

    Args:
        function: a generator function; ``tracing.hooks`` names it in the configuration

    Returns:
        *function* itself.

    Example:
        >>> @ffhost.trace_hook
        ... def slow_calls(invocation):
        ...     outcome = yield
        ...     if outcome.duration_seconds > 1.0:
        ...         invocation.log.warning("slow_call", seconds=outcome.duration_seconds)

    Since 0.1.
    """
    setattr(function, TRACE_HOOK, True)
    return function
