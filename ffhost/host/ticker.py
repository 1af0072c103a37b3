"""The thread that runs schedules. One worker of a host does; the others wait to take over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ffhost.host.schedule_plan import (
    GRACE,
    Schedule,
    ScheduleTick,
    next_schedule_time,
    plan_schedule,
)
from ffhost.host.tick_file import ScheduleTickFile

TAKE_OVER_SECONDS: Final = 1.0
"""Seconds between two attempts of another worker to take over."""
LONGEST_WAIT_SECONDS: Final = 10.0
"""Longest wait of the worker that ticks, in seconds: the clock may be set meanwhile."""


class ScheduleReports(Protocol):
    """Receives reports on ticks that do not run."""

    def missed(self, schedule: Schedule, due: datetime) -> None:
        """Report that times passed while the host could not run; *due* was the last of them."""

    def overlapping(self, tick: ScheduleTick) -> None:
        """Report that the last call of the schedule still runs."""

    def failed(self, error: Exception) -> None:
        """Report that ticking itself failed; it is tried again."""


Run = Callable[[ScheduleTick, Callable[[], None]], None]
"""Starts the call of a tick, and calls its second argument when the function has ended."""


class ScheduleTicker:
    """Runs the schedules of a host while this worker is the one that ticks.

    Args:
        file: shared by the workers
        schedules: returns those of the current host; none while nothing is to tick
        run: starts the call of a tick
        reports: receives reports on ticks that do not run
        clock: returns the time, in UTC
    """

    def __init__(
        self,
        file: ScheduleTickFile,
        schedules: Callable[[], Sequence[Schedule]],
        run: Run,
        reports: ScheduleReports,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file = file
        self._schedules = schedules
        self._run = run
        self._reports = reports
        self._clock = clock
        self._wake = threading.Event()
        self._stopped = False
        self._leads = False
        self._last: dict[str, datetime] = {}
        self._running: dict[str, int] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="ffhost-ticker", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this worker is the one that ticks."""
        return self._leads

    @property
    def started(self) -> bool:
        """Whether it was started."""
        return self._thread.ident is not None

    def start(self) -> None:
        """Begin to tick, or to wait until the other worker stops."""
        self._thread.start()

    def wake(self) -> None:
        """Check the schedules again: they may have changed."""
        self._wake.set()

    def stop(self) -> None:
        """Stop ticking and leave it to another worker. Calls that run go on."""
        self._stopped = True
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopped:
            try:
                seconds = self.turn()
            except Exception as error:  # such as a full disk; a ticker must not end for it
                self._reports.failed(error)
                seconds = TAKE_OVER_SECONDS
            self._wake.wait(seconds)
            self._wake.clear()
        if self._leads:
            self._leads = False
            self._file.stop_leading()

    def turn(self) -> float:
        """Run what is due, if this worker ticks; return after how many seconds to look again."""
        schedules = self._schedules()
        if not self._leads and not self._begin_to_lead():
            return TAKE_OVER_SECONDS
        self._file.touch()
        self._note_new(schedules)
        now = self._clock()
        for schedule in schedules:
            self._turn_of(schedule, now)
        due = next_schedule_time(schedules, self._clock())
        if due is None:
            return LONGEST_WAIT_SECONDS
        return min(max((due - self._clock()) / timedelta(seconds=1), 0), LONGEST_WAIT_SECONDS)

    def _begin_to_lead(self) -> bool:
        self._leads = self._file.try_to_lead()
        if self._leads:
            # Older times belong to a host that the same process had started before this one.
            is_ours = self._file.age() < GRACE / timedelta(seconds=1)
            self._last = self._file.read() if is_ours else {}
        return self._leads

    def _note_new(self, schedules: Sequence[Schedule]) -> None:
        """Count new schedules from now on, and forget those that are gone."""
        known = {each.key: self._last.get(each.key) for each in schedules}
        if None not in known.values() and known.keys() == self._last.keys():
            return
        now = self._clock()
        self._last = {key: now if last is None else last for key, last in known.items()}
        self._file.write(self._last)

    def _turn_of(self, schedule: Schedule, now: datetime) -> None:
        last = self._last[schedule.key]
        planned = plan_schedule(schedule, last, now)
        if planned.skipped is not None:
            self._reports.missed(schedule, planned.skipped)
        for tick in planned.ticks:
            if self._stopped:
                return
            # Written down first: a worker that is killed from here on loses this tick, and
            # none is ever run twice.
            self._write(schedule, tick.due)
            self._start(tick)
        if planned.last != self._last[schedule.key]:
            self._write(schedule, planned.last)

    def _write(self, schedule: Schedule, time: datetime) -> None:
        self._last[schedule.key] = time
        self._file.write(self._last)

    def _start(self, tick: ScheduleTick) -> None:
        key = tick.schedule.key
        with self._lock:
            elsewhere = not self._file.try_to_claim(key)
            if tick.schedule.overlap == "skip" and (elsewhere or self._running.get(key)):
                self._reports.overlapping(tick)
                return
            self._running[key] = self._running.get(key, 0) + 1
        try:
            self._run(tick, lambda: self._ended(key))
        except BaseException:
            self._ended(key)
            raise

    def _ended(self, key: str) -> None:
        with self._lock:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
                self._file.release(key)
