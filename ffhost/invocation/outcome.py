"""The outcome of a call for its caller, decided once: with the answer or the stream's end."""

from __future__ import annotations

from typing import Literal

from ffhost.errors import RequestError, TooManyRequests, Unavailable
from ffhost.invocation.call import Call

OutcomeKind = Literal[
    "ok",
    "client_error",
    "crash",
    "timeout",
    "rejected",
    "unauthenticated",
    "forbidden",
    "duplicate",
    "cancelled",
]


_DENIED: dict[int, OutcomeKind] = {401: "unauthenticated", 403: "forbidden"}


class Outcome:
    """How a call ended for its caller. A trace hook gets it from its ``yield``.

    Args:
        kind: ``ok``, ``client_error``, ``crash``, ``timeout`` or ``rejected``; also
            ``unauthenticated`` or ``forbidden`` if the caller may not call the function, and
            ``duplicate`` for a delivery that was processed before, and ``cancelled`` if the
            function that called this one stopped waiting
        status: the HTTP status of the answer
        duration_seconds: seconds from the request to the answer, or to the end of its stream
        sent_bytes: length of the body that was sent, in bytes
        error: the exception that the answer was made of; None if there was none

    Example:
        >>> ffhost.Outcome("timeout", 504, 60.0)
        Outcome('timeout', 504, 60.000 s)

    Since 0.1.
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


def outcome_kind_of_call(call: Call, status: int) -> OutcomeKind:
    """Return the kind of outcome of *call*, which was answered with *status*."""
    deadline, error = call.deadline, call.error
    if deadline is not None and deadline.passed:
        return "timeout"
    if call.cancelled:
        return "cancelled"
    if call.denied and status in _DENIED:
        return _DENIED[status]
    if call.repeated:
        return "duplicate"
    if call.function.unavailable is not None:
        return "rejected"
    if error is not None:
        if isinstance(error, (TooManyRequests, Unavailable)):
            return "rejected"
        if not isinstance(error, RequestError):
            return "crash"
    if status >= 500:
        return "crash"
    return "client_error" if status >= 400 else "ok"
