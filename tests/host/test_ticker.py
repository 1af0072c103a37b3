"""The ticker, turn by turn, by a clock that the test sets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from ffhost.config.cron import CronExpression
from ffhost.host.schedule_plan import Schedule, ScheduleTick
from ffhost.host.tick_file import ScheduleTickFile
from ffhost.host.ticker import LONGEST_WAIT_SECONDS, ScheduleTicker

START = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)


class World:
    """A clock, and what a ticker did."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.file = ScheduleTickFile(folder / "ticks")
        self.schedules = [every_minute()]
        self.ran: list[datetime] = []
        self.running: list[Callable[[], None]] = []
        self.told: list[str] = []
        self.ticker = self.new_ticker()

    def new_ticker(self) -> ScheduleTicker:
        return ScheduleTicker(self.file, lambda: self.schedules, self._run, self, lambda: self.now)

    def _run(self, tick: ScheduleTick, ended: Callable[[], None]) -> None:
        # Written down before it is run.
        assert self.file.read()[tick.schedule.key] == tick.due
        self.ran.append(tick.due)
        self.running.append(ended)

    def pass_time(self, seconds: float) -> float:
        self.now += timedelta(seconds=seconds)
        return self.ticker.turn()

    def end_calls(self) -> None:
        while self.running:
            self.running.pop()()

    def missed(self, schedule: Schedule, due: datetime) -> None:
        self.told.append(f"missed {due:%H:%M}")

    def overlapping(self, tick: ScheduleTick) -> None:
        self.told.append(f"overlapping {tick.due:%H:%M}")

    def failed(self, error: Exception) -> None:
        self.told.append(f"failed: {error}")


def every_minute(overlap: Literal["skip", "allow"] = "skip", function: str = "f") -> Schedule:
    return Schedule(function, 0, CronExpression("* * * * *"), overlap=overlap)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_waits_until_the_next_time_and_not_too_long(world: World) -> None:
    assert world.ticker.turn() == LONGEST_WAIT_SECONDS
    assert world.pass_time(25) == pytest.approx(5)
    world.pass_time(5)
    assert world.ran == [START + timedelta(seconds=30)]


def test_a_new_schedule_counts_from_when_it_was_first_seen(world: World) -> None:
    world.ticker.turn()
    world.pass_time(40)
    world.schedules = [every_minute(function="g")]
    world.pass_time(10)
    assert [f"{each:%H:%M}" for each in world.ran] == ["12:01"]
    world.end_calls()
    world.pass_time(60)
    assert [f"{each:%H:%M}" for each in world.ran] == ["12:01", "12:02"]


def test_another_ticker_goes_on_where_the_first_ended(world: World) -> None:
    world.ticker.turn()
    world.pass_time(30)
    world.end_calls()
    world.ticker = world.new_ticker()
    world.pass_time(5)
    assert len(world.ran) == 1
    world.pass_time(57)
    assert [f"{each:%H:%M}" for each in world.ran] == ["12:01", "12:02"]


def test_a_host_that_was_started_anew_makes_up_for_nothing(world: World) -> None:
    world.schedules = [Schedule("f", 0, CronExpression("* * * * *"), missed="once")]
    world.ticker.turn()
    world.now += timedelta(hours=1)
    os.utime(world.file.path, (time.time() - 60, time.time() - 60))
    world.ticker = world.new_ticker()
    world.ticker.turn()
    assert world.ran == []


def test_a_tick_is_skipped_while_the_last_call_still_runs(world: World) -> None:
    world.ticker.turn()
    world.pass_time(30)
    world.pass_time(60)
    assert len(world.ran) == 1
    assert world.told == ["overlapping 12:02"]
    world.end_calls()
    world.pass_time(60)
    assert [f"{each:%H:%M}" for each in world.ran] == ["12:01", "12:03"]


def test_a_tick_that_may_overlap_does(world: World) -> None:
    world.schedules = [every_minute("allow")]
    world.ticker.turn()
    world.pass_time(30)
    world.pass_time(60)
    assert len(world.ran) == 2
    assert world.told == []


def test_missed_times_are_told_once(world: World) -> None:
    world.ticker.turn()
    world.pass_time(3600 + 5)
    world.pass_time(1)
    assert world.ran == []
    assert world.told == ["missed 13:00"]


def test_a_call_that_cannot_be_started_does_not_block_the_next(world: World) -> None:
    world.ticker.turn()

    def refuse(tick: ScheduleTick, ended: Callable[[], None]) -> None:
        raise RuntimeError("no loop")

    world.ticker._run = refuse
    with pytest.raises(RuntimeError):
        world.pass_time(30)
    world.ticker._run = world._run
    world.pass_time(60)
    assert [f"{each:%H:%M}" for each in world.ran] == ["12:02"]


def test_a_stopped_ticker_leaves_the_rest_to_another(world: World) -> None:
    world.schedules = [every_minute(function="f"), every_minute(function="g")]
    world.ticker.turn()

    def stop(tick: ScheduleTick, ended: Callable[[], None]) -> None:
        world.ran.append(tick.due)
        world.ticker.stop()
        ended()

    world.ticker._run = stop
    world.pass_time(30)
    assert len(world.ran) == 1
    world.ticker = world.new_ticker()
    world.pass_time(1)
    assert len(world.ran) == 2
