"""What the sender of an event is told, from what each function said. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

# Knative repeats 5xx and these (Knative Eventing, "delivery failure handling").
_REPEATED: Final = (429, 408, 409, 404)


class EventVerdict(NamedTuple):
    """What became of an event at one function.

    ``outcome`` is one word for people and logs: ``taken``, ``remembered`` for an event that
    the function had taken before, ``failed``, or ``reply_failed`` where the function took it
    and another did not take what it replied with.
    """

    function: str
    status: int
    outcome: str = "taken"
    retry_after: str | None = None
    replies: tuple[EventVerdict, ...] = ()

    @property
    def taken(self) -> bool:
        return self.status < 300

    def as_json(self) -> dict[str, Any]:
        """Return the line of the answer about this function."""
        line: dict[str, Any] = {"function": self.function, "status": self.status}
        line["outcome"] = self.outcome
        if self.replies:
            line["replies"] = [each.as_json() for each in self.replies]
        return line


def worst_event_status(statuses: Iterable[int]) -> int:
    """Return the status that makes the sender deliver again if any of *statuses* should.

    A 5xx comes first, then what Knative repeats besides, then any other failure; 204 if there
    is not a failure.
    """
    return max((status for status in statuses if status >= 300), key=_badness, default=204)


def _badness(status: int) -> tuple[int, int]:
    if status >= 500:
        return 3, status
    if status in _REPEATED:
        return 2, -_REPEATED.index(status)
    return (1, status) if status >= 400 else (0, status)


def event_retry_after(verdicts: Iterable[EventVerdict], status: int) -> Mapping[str, str]:
    """Return the ``Retry-After`` of the functions that answered with *status*, the longest."""
    waits = [each.retry_after for each in verdicts if each.status == status and each.retry_after]
    seconds = [int(each) for each in waits if each.isascii() and each.isdigit()]
    return {"Retry-After": str(max(seconds))} if seconds else {}
