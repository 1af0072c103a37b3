"""Planning of ticks: which are due. Nothing here waits, writes or reads the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Final, Literal, NamedTuple, Protocol

GRACE: Final = timedelta(seconds=30)
"""How late a tick may run and still be on time.

Another worker takes over within two seconds of a ticker's death; a loaded machine may take
longer. Schedules name no seconds, so that at most one time of each falls into it.
"""
CORRECTION: Final = timedelta(hours=3)
"""A clock that was set back by more than this was wrong before; Debian's cron says the same."""
_WINDOWS: Final = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 31, 24 * 366, 24 * 36525))


class ScheduleTimes(Protocol):
    """When something is due."""

    text: str

    def times(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times later than *moment*."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """One schedule of a function.

    Args:
        function: the name of the function
        index: its place among the schedules of the function
        times: when it is due
        zone: the name of the time zone that it is written in
        data: what the event carries; None for nothing
        overlap: whether it runs while its last call still does
        missed: what is done about times that passed while the host could not run
    """

    function: str
    index: int
    times: ScheduleTimes
    zone: str = "UTC"
    data: Any = field(default=None, repr=False)
    overlap: Literal["skip", "allow"] = "skip"
    missed: Literal["skip", "once"] = "skip"

    @property
    def key(self) -> str:
        """Identity in later hosts and other workers: a schedule with a new time begins anew."""
        return f"{self.function} {self.index} {self.times.text} {self.zone}"


class ScheduleTick(NamedTuple):
    """A time at which a schedule must run; ``late`` for a missed time that is made up for."""

    schedule: Schedule
    due: datetime
    late: bool = False


class SchedulePlan(NamedTuple):
    """What is due of one schedule, in order.

    ``last`` is the time before which nothing will be due any more. ``skipped`` is the latest
    time that was missed, or None.
    """

    ticks: tuple[ScheduleTick, ...]
    last: datetime
    skipped: datetime | None = None


def plan_schedule(schedule: Schedule, last: datetime, now: datetime) -> SchedulePlan:
    """Return what is due of *schedule*, which last ran, or began to count, at *last*."""
    if last - now > CORRECTION:
        return SchedulePlan((), now)
    recent = max(last, now - GRACE)
    due = [ScheduleTick(schedule, time) for time in _between(schedule.times, recent, now)]
    passed = _latest(schedule.times, last, recent)
    skipped = None
    if passed is not None and schedule.missed == "once":
        due.insert(0, ScheduleTick(schedule, passed, late=True))
    elif passed is not None:
        skipped = passed
    return SchedulePlan(tuple(due), due[-1].due if due else passed or last, skipped)


def next_schedule_time(schedules: Sequence[Schedule], after: datetime) -> datetime | None:
    """Return the next time at which any of *schedules* is due."""
    times = [next(schedule.times.times(after), None) for schedule in schedules]
    return min((time for time in times if time is not None), default=None)


def _between(times: ScheduleTimes, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the times after *start*, up to and with *end*."""
    return takewhile(lambda time: time <= end, times.times(start))


def _latest(times: ScheduleTimes, start: datetime, end: datetime) -> datetime | None:
    """Return the last time after *start* and up to *end*, without looking at all of them."""
    if start >= end or next(_between(times, start, end), None) is None:
        return None
    for window in _WINDOWS:
        found = list(_between(times, max(start, _earlier(end, window)), end))
        if found:
            return found[-1]
    return None


def _earlier(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment - by
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
