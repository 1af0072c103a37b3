"""What is due, by a clock that the test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config.cron import CronExpression
from ffhost.host.schedule_plan import Schedule, SchedulePlan, next_schedule_time, plan_schedule

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def schedule(cron: str, missed: Literal["skip", "once"] = "skip", zone: str = "UTC") -> Schedule:
    return Schedule("f", 0, CronExpression(cron, zone), zone, missed=missed)


def due_times(planned: SchedulePlan) -> list[datetime]:
    return [tick.due for tick in planned.ticks]


def test_a_tick_runs_at_its_time_and_once() -> None:
    every_hour = schedule("0 * * * *")
    assert plan_schedule(every_hour, START, START + 59 * MINUTE).ticks == ()
    planned = plan_schedule(every_hour, START, START + 60 * MINUTE)
    assert due_times(planned) == [START + 60 * MINUTE]
    assert plan_schedule(every_hour, planned.last, START + 60 * MINUTE + SECOND).ticks == ()


def test_a_tick_that_another_worker_could_not_run_is_still_on_time() -> None:
    planned = plan_schedule(schedule("0 * * * *"), START, START + 60 * MINUTE + 29 * SECOND)
    assert due_times(planned) == [START + 60 * MINUTE]
    assert not planned.ticks[0].late
    assert planned.skipped is None


def test_missed_times_are_skipped_and_told() -> None:
    planned = plan_schedule(schedule("*/10 * * * *"), START, START + 65 * MINUTE)
    assert planned == SchedulePlan((), START + 60 * MINUTE, START + 60 * MINUTE)


def test_missed_times_run_once_if_asked() -> None:
    planned = plan_schedule(schedule("*/10 * * * *", "once"), START, START + 65 * MINUTE)
    assert due_times(planned) == [START + 60 * MINUTE]
    assert planned.ticks[0].late
    again = plan_schedule(schedule("*/10 * * * *", "once"), planned.last, START + 66 * MINUTE)
    assert again.ticks == ()


def test_what_was_missed_comes_before_what_is_due() -> None:
    planned = plan_schedule(schedule("*/10 * * * *", "once"), START, START + 60 * MINUTE + SECOND)
    assert due_times(planned) == [START + 50 * MINUTE, START + 60 * MINUTE]


def test_years_of_missed_minutes_cost_no_time() -> None:
    planned = plan_schedule(schedule("* * * * *", "once"), START, START + timedelta(days=3650))
    assert due_times(planned)[-1] == START + timedelta(days=3650)
    assert len(planned.ticks) == 2


def test_a_clock_that_is_set_back_a_little_repeats_nothing() -> None:
    every_minute = schedule("* * * * *")
    assert plan_schedule(every_minute, START, START - 10 * MINUTE) == SchedulePlan((), START)
    assert due_times(plan_schedule(every_minute, START, START + MINUTE)) == [START + MINUTE]


def test_a_clock_that_is_set_back_a_day_begins_anew() -> None:
    yesterday = START - timedelta(days=1)
    planned = plan_schedule(schedule("* * * * *"), START, yesterday)
    assert planned == SchedulePlan((), yesterday)
    assert due_times(plan_schedule(schedule("* * * * *"), planned.last, yesterday + MINUTE)) == [
        yesterday + MINUTE
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_year_of_turns_runs_a_daily_schedule_once_a_day(zone: str) -> None:
    daily = schedule("30 2 * * *", zone=zone)
    last = now = datetime(2026, 1, 1, tzinfo=UTC)
    days = []
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        planned = plan_schedule(daily, last, now)
        days += [tick.due.astimezone(ZoneInfo(zone)).date() for tick in planned.ticks]
        # Turns are close together on the days on which clocks are changed.
        pause = 10 * MINUTE if clocks_change(now, zone) else 13 * HOUR
        last, now = planned.last, now + pause
        if (
            not planned.ticks
            and (due := next_schedule_time([daily], last)) is not None
            and due < now
        ):
            now = due
    assert len(days) == len(set(days)) == 365


def clocks_change(now: datetime, zone: str) -> bool:
    before, after = ((now + hours * HOUR).astimezone(ZoneInfo(zone)) for hours in (-12, 12))
    return before.utcoffset() != after.utcoffset()


@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "@hourly"]),
    st.sampled_from(["skip", "once"]),
    st.lists(st.integers(-7200, 86_400), max_size=8),
)
def test_however_the_clock_jumps_no_time_runs_twice(
    cron: str, missed: Literal["skip", "once"], jumps: list[int]
) -> None:
    one = schedule(cron, missed)
    last = now = START
    seen: list[datetime] = []
    for jump in jumps:
        now += jump * SECOND
        planned = plan_schedule(one, last, now)
        seen += due_times(planned)
        last = planned.last
    assert len(seen) == len(set(seen))


def test_the_next_time_is_that_of_the_earliest() -> None:
    assert (
        next_schedule_time([schedule("0 3 * * *"), schedule("0 13 * * *")], START)
        == START + 60 * MINUTE
    )
    assert next_schedule_time([], START) is None
