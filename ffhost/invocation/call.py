"""One call of one function, as the host sees it, and its states.

    queued ──→ running ──→ answered ──→ ended
       │          └──────────────────────↑
       └──→ refused

A call is *queued* until it has its slot, *running* while its caller waits, *answered* when
the caller has its answer while the function runs on (the head of a stream, or 504 at the
deadline), and *ended* when the function has really ended. One that ends before it was answered
is answered with its result. A call that never gets a slot is *refused*: its caller may
not call, its body was too large, the queue was full, or it is a delivery that was processed before.
A path or method that no function answers makes no call at all.

Nothing here waits. User code sees an `ffhost.Invocation`, which can only be read.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ffhost.config.units import UNLIMITED
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.ids import read_trace_ids
from ffhost.web.messages import Message

if TYPE_CHECKING:
    from ffhost.invocation.function import Function

State: TypeAlias = Literal["queued", "running", "answered", "ended", "refused"]

TRANSITIONS: dict[State, frozenset[State]] = {
    "queued": frozenset({"running", "refused"}),
    "running": frozenset({"answered", "ended"}),
    "answered": frozenset({"ended"}),
    "ended": frozenset(),
    "refused": frozenset(),
}
"""The allowed transitions. There are no others."""


class ImpossibleCallState(Exception):
    """A transition that is not allowed: a bug of the host."""


class _FromHeaders:
    """An id of the call's span, or else of the caller's span; computed at the first access.

    The first access sets both ids, so there is only one.
    """

    def __init__(self, part: int) -> None:
        self._part = part

    def __get__(self, call: Call | None, owner: type) -> Any:
        if call is None:
            return self
        ids = call.ids
        if ids is None:
            if call.span_context is None:
                ids = read_trace_ids(call.message)
            else:
                own = call.span_context()
                ids = (f"{own.trace_id:032x}", f"{own.span_id:016x}")
            call.ids = ids
        return ids[self._part]


class Call:
    """One call of one function.

    Args:
        function: the function that is called
        message: the request
        execution_id: as sent in ``Function-Execution-Id``, or made

    Attributes:
        started: when the request was accepted, on the monotonic clock
        state: where it stands; only `move` changes it
        deadline: None for no deadline, and before the call has its slot
        trace_id, span_id: of the call's span if it is traced, else as the caller sent them
            (``traceparent`` or ``X-Cloud-Trace-Context``), or None
        event: what a ``cloudevent`` function is called with, or the context of an ``event``
            function, once it is read; kept only while hooks, metrics or summaries are on
        schedule: the times of the schedule that makes the call; None for all other calls
        caller: the function that makes the call; None if it came from outside
        chain: the functions that wait for this call, the first caller first
        ends_at: when the deadline of the caller passes, on the monotonic clock
        error: the exception that the answer was made of, once there is one
        principal: who calls; None unless the function has auth
        denied: whether the caller failed authentication or authorization
        cancelled: whether the function that makes the call has stopped waiting for it
        repeated: whether it is a delivery that was processed before, so the function is not called
        job: the thread or task that runs the function; None when nothing runs
        waiter: what the front waits on for the answer
        channel: through which a streamed answer reaches the front; None if it is not a stream
        context: the context variables that the function runs with
        is_context_released: whether hooks have ended in it, which may be before the function has
        span_context: returns the ids of the call's own span; set by a trace hook
        ids: trace and span id, once they were accessed
        view: refers to the `ffhost.Invocation` that user code holds; None if there is none
        source: what makes the call: ``http`` for a request, ``event``, ``schedule`` or ``console``
        kept_reply: what the function answered, or the beginning of its stream, while the console
            keeps it
        kept_entries: what the process of an isolated function has logged, while the console keeps
            it, each entry as JSON
        streams: what the functions that it calls stream to it, closed when it ends; None for none
        early: the place in the queue with which it was sent to a process before it had a slot
        pair_state: what the first half of the innermost hook returned, if it is a pair
    """

    # What every call uses has a slot, which Python reads fastest.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "cancelled",
        "channel",
        "context",
        "deadline",
        "execution_id",
        "function",
        "job",
        "message",
        "started",
        "state",
        "streams",
        "waiter",
    )

    # Class attributes are the defaults: they cost nothing for a call that does not set them.
    trace_id: Any = _FromHeaders(0)
    span_id: Any = _FromHeaders(1)
    span_context: Any = None
    ids: tuple[str | None, str | None] | None = None
    view: Callable[[], Any] | None = None
    pair_state: Any = None
    early: Any = None
    event: Any = None
    schedule: str | None = None
    source: str = "http"
    kept_reply: Any = None
    kept_entries: Any = ()
    caller: str | None = None
    chain: tuple[str, ...] = ()
    ends_at: float = UNLIMITED
    error: BaseException | None = None
    principal: Any = None
    denied: bool = False
    repeated: bool = False
    is_context_released: bool = False

    def __init__(self, function: Function, message: Message, execution_id: str) -> None:
        self.function = function
        self.message = message
        self.execution_id = execution_id
        self.started = time.monotonic()
        self.state: State = "queued"
        self.deadline: Deadline | None = None
        self.context: contextvars.Context | None = None
        self.cancelled = False
        self.job: Any = None
        self.waiter: Any = None
        self.channel: Any = None
        self.streams: Any = None

    def move(self, state: State) -> None:
        """Move the call into *state*.

        Raises:
            ImpossibleCallState: the present state does not allow it
        """
        if state not in TRANSITIONS[self.state]:
            raise ImpossibleCallState(f"{self!r} cannot become {state}")
        self.state = state

    def end(self, *, keep_context: bool) -> None:
        """Record that the function has really ended, and drop the references to what ran it.

        Context and task refer to the call. The cycle would cost the garbage collector work for
        every call.

        Args:
            keep_context: whether hooks end in the context of the call

        Raises:
            ImpossibleCallState: it was not running
        """
        if "ended" not in TRANSITIONS[self.state]:
            raise ImpossibleCallState(f"{self!r} cannot become ended")
        self.state = "ended"
        self.job = None
        if self.streams is not None:
            for stream in tuple(self.streams):
                stream.close()
        if not keep_context or self.is_context_released:
            self.context = None

    def release_context(self) -> None:
        """Drop the context once the function has ended: no hook needs it any more."""
        self.is_context_released = True
        if self.state == "ended":
            self.context = None

    def refuse(self, error: BaseException) -> None:
        """End a call that gets no slot, because of *error*."""
        self.move("refused")
        self.error = error

    def repeat(self) -> None:
        """End a delivery that was processed before: it is answered without calling the function."""
        self.move("refused")
        self.repeated = True

    @property
    def timed_out(self) -> bool:
        """Whether the caller was told 504 because the deadline had passed."""
        deadline = self.deadline
        return deadline is not None and deadline.passed

    @property
    def timeout_seconds(self) -> float:
        """Return the seconds from the request to the deadline; zero without one."""
        return 0.0 if self.deadline is None else self.deadline.at - self.started

    def __repr__(self) -> str:
        return f"<Call {self.execution_id} of {self.function.name}, {self.state}>"


class NestedCall(Call):
    """A call that a function of the host makes by name, which sets `caller` and all it knows."""

    # Without them, each of these calls would need a dictionary for its attributes.
    __slots__ = ("caller", "chain", "ends_at")
