"""One call, as user code, hooks and logs see it, and how to find the one that is running.

Nothing here waits or knows a server. An `Invocation` lives from the request's admission to
the end of its function; its `Outcome` is settled once, for the caller.
"""

from __future__ import annotations

import contextvars
import random
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import structlog

    from ffhost.messages import Message

EXECUTION_ID_HEADER = "function-execution-id"
_EXECUTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_random_bits = random.Random().getrandbits

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


class Invocation:
    """One call of one function.

    Attributes:
        function: the function that is called
        message: the request
        execution_id: as sent in ``Function-Execution-Id``, or made
        started: when the request was taken, on the monotonic clock
        deadline: when the caller is told that the function timed out, on the monotonic
            clock; None for no deadline, and before the call has its slot
        trace_id, span_id: of the W3C trace context, or None
        error: the exception that the function raised, once it has
    """

    # Class attributes are the defaults: a call that needs none of them does not pay for them.
    deadline: float | None = None
    trace_id: str | None = None
    span_id: str | None = None
    error: BaseException | None = None
    # What follows belongs to the runner.
    expired: bool = False  # the caller has been told 504, or is gone
    ended: bool = False  # the function has really ended
    job: Any = None  # the thread or task that runs it
    waiter: Any = None  # what the front waits for
    channel: Any = None  # of a streamed response
    context: contextvars.Context
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

            self._log = structlog.get_logger(self.function.name)
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
    return f"{_random_bits(64):016x}"


def log_fields() -> dict[str, Any]:
    """Give what every log line of the running invocation carries; empty outside of one."""
    invocation = CURRENT.get()
    if invocation is None:
        return {}
    fields: dict[str, Any] = {
        "function": invocation.function.name,
        "execution_id": invocation.execution_id,
    }
    if invocation.trace_id is not None:
        fields["trace_id"] = invocation.trace_id
        fields["span_id"] = invocation.span_id
    return fields
