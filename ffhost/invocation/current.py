"""One call, as user code, hooks and logs see it, and how to find the one that is running.

Nothing here waits or knows a server. An `Invocation` lives from the request's admission to
the end of its function; its `Outcome` is settled once, for the caller.
"""

from __future__ import annotations

import contextvars
import re
import time
from collections.abc import Mapping
from random import getrandbits
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import structlog

    from ffhost.web.messages import Message

EXECUTION_ID_HEADER = "function-execution-id"
_EXECUTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;.*)?")

OutcomeKind = Literal["ok", "client_error", "crash", "timeout", "rejected"]


class FunctionLike(Protocol):
    """What an invocation needs to know of its function."""

    name: str
    signature: str
    config: Mapping[str, Any]


class Outcome:
    """How a call ended for its caller.

    ``kind`` is one of ``ok``, ``client_error``, ``crash``, ``timeout`` and ``rejected``;
    ``error`` is the exception of a crash, else None; ``sent_bytes`` counts the body.
    """

    __slots__ = ("duration_seconds", "error", "kind", "sent_bytes", "status")

    def __init__(
        self,
        kind: OutcomeKind,
        status: int,
        duration_seconds: float,
        sent_bytes: int = 0,
        error: BaseException | None = None,
    ) -> None:
        self.kind = kind
        self.status = status
        self.duration_seconds = duration_seconds
        self.sent_bytes = sent_bytes
        self.error = error

    def __repr__(self) -> str:
        return f"Outcome({self.kind!r}, {self.status}, {self.duration_seconds:.3f} s)"


class _FromHeaders:
    """An id of the call's span, or else of the caller's; written out when somebody asks.

    The first look sets both ids, so there is only one.
    """

    def __init__(self, part: int) -> None:
        self._part = part

    def __get__(self, invocation: Invocation | None, owner: type) -> Any:
        if invocation is None:
            return self
        ids = invocation.ids
        if ids is None:
            if invocation.span_context is None:
                ids = trace_ids(invocation.message)
            else:
                own = invocation.span_context()
                ids = (f"{own.trace_id:032x}", f"{own.span_id:016x}")
            invocation.ids = ids
        return ids[self._part]


def trace_ids(message: Message) -> tuple[str | None, str | None]:
    """Give trace and span id that the caller sent, in W3C's form or in Google Cloud's."""
    given = message.header("traceparent")
    if given is not None:
        found = _TRACEPARENT.fullmatch(given)
        if found is not None and given[:2] != "ff" and found[1].strip("0") and found[2].strip("0"):
            return found[1], found[2]
    given = message.header("x-cloud-trace-context")
    found = None if given is None else _CLOUD_TRACE.fullmatch(given)
    if found is None or not found[1].strip("0"):
        return None, None
    span = int(found[2] or 0)
    return found[1].lower(), f"{span:016x}" if 0 < span < 1 << 64 else None


class Invocation:
    """One call of one function.

    Attributes:
        function: the function that is called
        message: the request
        execution_id: as sent in ``Function-Execution-Id``, or made
        started: when the request was taken, on the monotonic clock
        deadline: when the caller is told that the function timed out, on the monotonic
            clock; None for no deadline, and before the call has its slot
        trace_id, span_id: of the call's span if it is traced, else as the caller sent them
            (``traceparent`` or ``X-Cloud-Trace-Context``), or None
        event: what a ``cloudevent`` function is called with, or the context of an ``event``
            function, once it is read; kept only while hooks, metrics or summaries are on
        error: the exception that the function raised, once it has
    """

    # Class attributes are the defaults: a call that needs none of them does not pay for them.
    deadline: float | None = None
    trace_id: Any = _FromHeaders(0)
    span_id: Any = _FromHeaders(1)
    span_context: Any = None  # gives the ids of the call's own span; set by a trace hook
    ids: tuple[str | None, str | None] | None = None  # trace and span id, once somebody has asked
    pair_state: Any = None  # what the first half of the innermost hook gave, if it is a pair
    event: Any = None
    schedule: str | None = None  # the times of the schedule that has called it
    error: BaseException | None = None
    # What follows belongs to the runner.
    expired: bool = False  # the caller has been told 504, or is gone
    ended: bool = False  # the function has really ended
    answered: bool = False  # the caller was told so while the function held the front's task
    job: Any = None  # the thread or task that runs it
    waiter: Any = None  # what the front waits for
    channel: Any = None  # of a streamed response
    context: Any = None  # in which the function runs
    _log: Any = None

    def __init__(self, function: FunctionLike, message: Message, execution_id: str) -> None:
        self.function = function
        self.message = message
        self.execution_id = execution_id
        self.started = time.monotonic()

    @property
    def remaining(self) -> float | None:
        """Give the seconds until the deadline, never below zero; None without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def function_name(self) -> str:
        """Give the name of the function in the configuration."""
        return self.function.name

    @property
    def config(self) -> Mapping[str, Any]:
        """Give the function's ``config`` of the configuration file."""
        return self.function.config

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """Give a logger that is bound to the function and the execution id."""
        if self._log is None:
            import structlog

            # Bound, because a thread of the function's own has no context that tells.
            self._log = structlog.get_logger(self.function.name).bind(
                function=self.function.name, execution_id=self.execution_id
            )
        logger: structlog.typing.FilteringBoundLogger = self._log
        return logger

    def __repr__(self) -> str:
        return f"<Invocation {self.execution_id} of {self.function.name}>"


CURRENT: contextvars.ContextVar[Invocation | None] = contextvars.ContextVar(
    "ffhost_invocation", default=None
)


def current() -> Invocation:
    """Give the invocation that this code runs in, also in its tasks and `ffhost.executor`.

    Raises:
        LookupError: no invocation is running here.
    """
    invocation = CURRENT.get()
    if invocation is None:
        raise LookupError("no function is being called here")
    return invocation


def execution_id(given: str | None) -> str:
    """Take the caller's execution id if it is a sane one, else make one."""
    if given is not None and _EXECUTION_ID.fullmatch(given):
        return given
    return f"{getrandbits(64):016x}"


def log_fields() -> dict[str, Any]:
    """Give what every log line of the running invocation carries; empty outside of one."""
    invocation = CURRENT.get()
    if invocation is None:
        return {}
    fields: dict[str, Any] = {
        "function": invocation.function.name,
        "execution_id": invocation.execution_id,
    }
    trace_id = invocation.trace_id
    if trace_id is not None:
        fields["trace_id"] = trace_id
        if invocation.span_id is not None:
            fields["span_id"] = invocation.span_id
    return fields
