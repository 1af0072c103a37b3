"""Cron expressions: when a schedule is due. Nothing here waits or reads the clock.

Five fields, as Debian's cron reads them, or a word such as ``@hourly``. On the days of daylight
saving a schedule with a fixed time runs once: right after the gap if its time is skipped, and
the first time if its time comes twice. A schedule whose hour or minute begins with ``*``
follows elapsed time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

WORDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LENGTH_LIMIT: Final = 256
_FIELDS: Final = ("minute", "hour", "day of month", "month", "day of week")
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
# Any moment will do to validate an expression.
_TRIAL: Final = datetime(2024, 1, 1, tzinfo=UTC)


class CronExpression:
    """A cron expression in a time zone.

    Raises:
        ValueError: the expression or the zone is not valid, or it never matches.
    """

    def __init__(self, text: str, zone: str = "UTC") -> None:
        self.text = text
        self.fields = _fields_of(text)
        self.zone = cron_time_zone(zone)
        if self.after(_TRIAL) is None:
            raise ValueError(f"{text!r} never matches")

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time later than *moment*, in UTC; None if there is none in 50 years."""
        return next(self.times(moment), None)

    def times(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times later than *moment*, in UTC and in order."""
        last = moment.astimezone(UTC)
        wall = self._start(last)
        for time in self._passing(wall) if self._follows_clock else self._fixed(wall):
            if time > last:  # two times that fall into a gap are the same moment
                yield (last := time)

    def _start(self, moment: datetime) -> datetime:
        """Return the local time from which to look for times after *moment*.

        That is a day before if clocks are changed about then: they may show an hour again.
        """
        wall = moment.astimezone(self.zone)
        earlier, later = ((moment + day).astimezone(self.zone) for day in (-_DAY, _DAY))
        changing = earlier.utcoffset() != later.utcoffset()
        return (earlier if changing else wall).replace(tzinfo=None)

    @property
    def _follows_clock(self) -> bool:
        minute, hour = self.fields.split()[:2]
        return minute.startswith("*") or hour.startswith("*")

    def _passing(self, wall: datetime) -> Iterator[datetime]:
        """Yield every moment at which local time matches."""
        repeated: list[datetime] = []
        for shown in _wall_times(self.fields, wall):
            first, second = (self._moment(shown, fold) for fold in (0, 1))
            if not self._is_real(shown, first):
                continue
            while repeated and repeated[0] < first:
                yield repeated.pop(0)
            if first != second:
                repeated.append(second)
            yield first

    def _fixed(self, wall: datetime) -> Iterator[datetime]:
        """Yield the first moment at which local time reaches or passes each matching time."""
        for shown in _wall_times(self.fields, wall):
            while not self._is_real(shown, self._moment(shown)):
                shown += _MINUTE
            yield self._moment(shown)

    def _moment(self, shown: datetime, fold: int = 0) -> datetime:
        return shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _is_real(self, shown: datetime, moment: datetime) -> bool:
        """Whether this local time exists; times skipped by daylight saving do not."""
        return moment.astimezone(self.zone).replace(tzinfo=None) == shown


def _wall_times(fields: str, wall: datetime) -> Iterator[datetime]:
    # Without a zone: cronsim goes wrong where clocks are set by half an hour, and gives times
    # in the past when it begins in an hour that comes twice.
    try:
        yield from CronSim(fields, wall)
    except (RuntimeError, OverflowError):  # no time in 50 years; the end of the calendar
        return


def _fields_of(text: str) -> str:
    fields = WORDS.get(text.strip().lower(), text)
    if text.strip().startswith("@") and fields is text:
        raise ValueError(f"unknown word {text!r}; expected one of {', '.join(WORDS)}")
    count = len(fields.split())
    if count == 6:
        raise ValueError("expected five fields, got six: a schedule cannot name seconds")
    if count != 5:
        raise ValueError(f"expected five fields ({', '.join(_FIELDS)}), got {count}")
    if len(fields) > _LENGTH_LIMIT:
        raise ValueError(f"expected at most {_LENGTH_LIMIT} characters")
    _check_fields(fields.split())
    return fields


def _check_fields(fields: list[str]) -> None:
    for index, name in enumerate(_FIELDS):
        trial = ["*"] * 5
        trial[index] = fields[index]
        try:
            CronSim(" ".join(trial), _TRIAL)
        except CronSimError as error:
            raise ValueError(f"{fields[index]!r} is not a valid {name}") from error
    try:
        CronSim(" ".join(fields), _TRIAL)
    except CronSimError as error:
        raise ValueError(f"{' '.join(fields)!r} never matches") from error


def cron_time_zone(name: str) -> tzinfo:
    """Return the time zone *name*.

    Raises:
        ValueError: there is no zone of that name.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error
