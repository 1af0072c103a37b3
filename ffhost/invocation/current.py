"""The view of a call for user code and hooks, and `current`, which finds the running one."""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ffhost.invocation.call import Call
from ffhost.invocation.ids import choose_execution_id

if TYPE_CHECKING:
    import structlog

    from ffhost.auth.principals import Principal
    from ffhost.invocation.function import Function
    from ffhost.web.messages import Message


class Invocation:
    """One call of one function. It can be read but not changed.

    `current` returns it, and trace hooks get it.

    Args:
        call: the call as the host keeps it; the host makes the invocation

    Example:
        >>> @ffhost.http
        ... def hello(request):
        ...     call = ffhost.current()
        ...     call.log.info("greeting", left=call.remaining)
        ...     return {"id": call.execution_id, "function": call.function_name}

    Since 0.1.
    """

    __slots__ = ("__weakref__", "_call")
    _call: Call

    def __init__(self, call: Call) -> None:
        object.__setattr__(self, "_call", call)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an invocation cannot be changed: {name!r} cannot be set")

    @property
    def function(self) -> Function:
        """Return the function that is called: its name, signature and configuration."""
        return self._call.function

    @property
    def function_name(self) -> str:
        """Return the name of the function in the configuration."""
        return self._call.function.name

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the function's ``config`` of the configuration file."""
        return self._call.function.config

    @property
    def message(self) -> Message:
        """Return the request."""
        return self._call.message

    @property
    def execution_id(self) -> str:
        """Return the id that was sent in ``Function-Execution-Id``, or was made."""
        return self._call.execution_id

    @property
    def trace_id(self) -> str | None:
        """Return the trace that the call belongs to, 32 hexadecimal digits; None without one."""
        found: str | None = self._call.trace_id
        return found

    @property
    def span_id(self) -> str | None:
        """Return the span of the call, else the caller's; None without one."""
        found: str | None = self._call.span_id
        return found

    @property
    def started(self) -> float:
        """Return when the request was accepted, in seconds on the monotonic clock."""
        return self._call.started

    @property
    def deadline(self) -> float | None:
        """Return when the caller is told 504, in seconds on the monotonic clock.

        None without a deadline, and before the call has its slot.
        """
        return None if self._call.deadline is None else self._call.deadline.at

    @property
    def remaining(self) -> float | None:
        """Return the seconds until the deadline, never below zero; None without a deadline."""
        return None if self._call.deadline is None else self._call.deadline.remaining

    @property
    def event(self) -> Any:
        """Return the event, or an event function's context; None unless the call is observed."""
        return self._call.event

    @property
    def error(self) -> BaseException | None:
        """Return the exception that the answer was made of; None if there was none."""
        return self._call.error

    @property
    def principal(self) -> Principal | None:
        """Return who calls, and how that was proved; None for a function that is public.

        Example:
            >>> import ffhost
            >>> def hello(request):
            ...     caller = ffhost.current().principal
            ...     return {"hello": "world" if caller is None else caller.name}
        """
        found: Principal | None = self._call.principal
        return found

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """Return a logger that is bound to the function and the execution id."""
        import structlog

        # Bound, because a thread that the function starts itself has no context of the call.
        logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(
            self.function_name
        ).bind(function=self.function_name, execution_id=self.execution_id)
        return logger

    def __repr__(self) -> str:
        return f"<Invocation {self.execution_id} of {self.function_name}>"


CURRENT: contextvars.ContextVar[Call | None] = contextvars.ContextVar("ffhost_call", default=None)


def invocation_of(call: Call) -> Invocation:
    """Return the invocation of *call*: the same object as long as it is referenced."""
    found: Invocation | None = None if call.view is None else call.view()
    if found is None:
        found = Invocation(call)
        call.view = weakref.ref(found)  # weak, to avoid a reference cycle
    return found


def current() -> Invocation:
    """Return the invocation that this code runs in.

    It is found in the function, in tasks and threads that it starts, in `ffhost.executor`, and
    in what it submits to a ``ThreadPoolExecutor``; not in threads that libraries start.

    Returns:
        The same `Invocation` for the whole call.

    Raises:
        LookupError: no function is being called here

    Example:
        >>> @ffhost.http
        ... def handler(request):
        ...     return {"seconds_left": ffhost.current().remaining}
        >>> ffhost.current()
        Traceback (most recent call last):
        LookupError: no function is being called here

    Since 0.1.
    """
    call = CURRENT.get()
    if call is None:
        raise LookupError("no function is being called here")
    return invocation_of(call)


def execution_id_of_failure(given: str | None) -> str:
    """Return the id of the running call; outside a call *given*, or a new one, as for a call."""
    call = CURRENT.get()
    return choose_execution_id(given) if call is None else call.execution_id


def log_fields() -> dict[str, Any]:
    """Return the fields of every log entry of the running call; empty outside a call."""
    call = CURRENT.get()
    if call is None:
        return {}
    fields: dict[str, Any] = {"function": call.function.name, "execution_id": call.execution_id}
    trace_id = call.trace_id
    if trace_id is not None:
        fields["trace_id"] = trace_id
        if call.span_id is not None:
            fields["span_id"] = call.span_id
    return fields
