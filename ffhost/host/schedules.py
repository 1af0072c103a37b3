"""The schedules of a service, and the ticker that runs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError
from ffhost.invocation.logger import get_logger
from ffhost.observability import notices

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ffhost.host.event_delivery import EventDeliveryAnswer
    from ffhost.host.schedule_plan import Schedule, ScheduleTick, ScheduleTimes
    from ffhost.host.ticker import ScheduleTicker

# For tests of the server, which cannot wait for minutes: every schedule is due this often.
_PERIOD_VARIABLE: Final = "FFHOST_TEST_TICK_SECONDS"


def schedules_of_host(config: LoadedConfig) -> tuple[Schedule, ...]:
    """Return the schedules of the functions that are served and switched on, in order."""
    settings = config.settings
    if not settings.schedules.enabled:
        return ()
    names = list(settings.functions) if config.single is None else [config.single]
    return tuple(
        schedule
        for name in names
        if settings.functions[name].enabled and settings.functions[name].schedules
        for schedule in function_schedules(config, name)
    )


def function_schedules(config: LoadedConfig, name: str) -> tuple[Schedule, ...]:
    """Return the schedules of the function *name*."""
    from ffhost.host.schedule_plan import Schedule

    return tuple(
        Schedule(
            name,
            index,
            _times(each.cron, each.timezone),
            each.timezone,
            each.data,
            each.overlap,
            each.missed,
        )
        for index, each in enumerate(config.settings.functions[name].schedules)
    )


def _times(cron: str, zone: str) -> ScheduleTimes:
    from ffhost.config.cron import CronExpression

    period = os.environ.get(_PERIOD_VARIABLE)
    return CronExpression(cron, zone) if period is None else _Period(cron, float(period))


class _Period:
    """Every so many seconds, from the epoch on."""

    def __init__(self, text: str, seconds: float) -> None:
        self.text = text
        self._step = timedelta(seconds=seconds)

    def times(self, moment: datetime) -> Iterator[datetime]:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        number = (moment - epoch) // self._step
        while True:
            number += 1
            yield epoch + number * self._step


class ScheduledCalls(Protocol):
    """Calls functions for their schedules."""

    def tick(self, tick: ScheduleTick, ended: Callable[[], None]) -> None:
        """Start the call of *tick*; *ended* is called when the function has ended."""

    def tick_now(
        self, schedule: Schedule, identity: str | None = None
    ) -> Future[EventDeliveryAnswer]:
        """Start a call as *schedule* does, with the execution id *identity* or one that is made."""


class Schedules:
    """Runs the schedules of the current host while the service is ready.

    Args:
        config: returns the configuration of the current host
    """

    def __init__(self, config: Callable[[], LoadedConfig]) -> None:
        self._config = config
        self._ticker: ScheduleTicker | None = None
        self._known: tuple[LoadedConfig | None, tuple[Schedule, ...]] = (None, ())
        self._make_calls: Callable[[], ScheduledCalls] | None = None
        self._calls: ScheduledCalls | None = None
        self._ready = False
        self._ended = False

    def run_with(self, calls: Callable[[], ScheduledCalls]) -> None:
        """Start calls with what *calls* returns from now on; a front says so for each host.

        It is asked for at the first tick: a loop must not be started in a process that may
        still fork.
        """
        self._make_calls, self._calls = calls, None
        self._begin()

    def current(self) -> Sequence[Schedule]:
        """Return the schedules of the current host."""
        config = self._config()
        if self._known[0] is not config:
            self._known = (config, schedules_of_host(config))
        return self._known[1]

    def prepare(self, config: LoadedConfig) -> None:
        """Make ready to tick if *config* has schedules.

        Raises:
            StartupError: the workers of the host cannot share a tick file
        """
        if self._ticker is not None or not schedules_of_host(config):
            return
        from ffhost.host.tick_file import ScheduleTickFile, schedule_tick_file_path
        from ffhost.host.ticker import ScheduleTicker

        server = config.settings.server
        names = [str(config.base.resolve()), config.single or "", f"{server.host}:{server.port}"]
        try:
            file = ScheduleTickFile(schedule_tick_file_path(names))
        except OSError as error:
            raise StartupError(
                f"schedules need a folder for temporary files that can be written: {error}; "
                "set TMPDIR, or schedules.enabled: false"
            ) from error
        self._ticker = ScheduleTicker(file, self.current, self._start, _Reports())

    def start(self) -> None:
        """Begin to tick once a front can call functions; look again after a reload."""
        self._ready = True
        self._begin()

    def _begin(self) -> None:
        if self._ticker is None or self._ended or not self._ready or self._make_calls is None:
            return
        if self._ticker.started:
            self._ticker.wake()
        else:
            self._ticker.start()

    def warn_of_waiting(self) -> None:
        """Warn that nothing ticks before the first request, if there is anything to tick."""
        if self.current():
            notices.log_waiting_schedules()

    def stop(self) -> None:
        """Stop ticking, so that another worker takes over."""
        self._ended = True
        if self._ticker is not None:
            self._ticker.stop()

    @property
    def ticks_here(self) -> bool:
        """Whether this worker is the one of its host that ticks."""
        return self._ticker is not None and self._ticker.leads

    def run_now(self, function: str, index: int = 0, identity: str | None = None) -> int:
        """Call a function as its schedule does, and return the status of its answer.

        Must not be called on the loop that serves.

        Raises:
            LookupError: the function has no such schedule, or is not served
        """
        config = self._config()
        known = function in config.settings.functions
        found = function_schedules(config, function) if known else ()
        calls = self._calls_of_host()
        if calls is None or not 0 <= index < len(found):
            raise LookupError(f"{function} has no schedule {index}")
        return calls.tick_now(found[index], identity).result().status

    def _start(self, tick: ScheduleTick, ended: Callable[[], None]) -> None:
        calls = self._calls_of_host()
        assert calls is not None
        calls.tick(tick, ended)

    def _calls_of_host(self) -> ScheduledCalls | None:
        if self._calls is None and self._make_calls is not None:
            self._calls = self._make_calls()
        return self._calls


class _Reports:
    """Logs what does not run."""

    def missed(self, schedule: Schedule, due: datetime) -> None:
        get_logger("ffhost").warning(
            "schedule_missed",
            function=schedule.function,
            schedule=schedule.times.text,
            due=due.isoformat(),
            reason="the host could not run at that time; missed: once makes up for it",
        )

    def overlapping(self, tick: ScheduleTick) -> None:
        get_logger("ffhost").warning(
            "schedule_skipped",
            function=tick.schedule.function,
            schedule=tick.schedule.times.text,
            due=tick.due.isoformat(),
            reason="its last call still runs; overlap: allow runs it all the same",
        )

    def failed(self, error: Exception) -> None:
        get_logger("ffhost").error("ticking_failed", exc_info=error)
