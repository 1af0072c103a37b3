"""Times of schedules, against a plain reading of what Debian's cron does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from ffhost.config.cron import CronExpression

ZONES = {
    "Europe/Berlin": [(2026, 3, 28), (2026, 10, 24)],
    "America/New_York": [(2026, 3, 7), (2026, 10, 31)],
    "Australia/Lord_Howe": [(2026, 4, 4), (2026, 10, 3)],
}
CHANGES = [(zone, day) for zone, days in ZONES.items() for day in days]
MINUTE = timedelta(minutes=1)


def minutes(field: str, size: int) -> set[int]:
    if field == "*":
        return set(range(size))
    if field.startswith("*/"):
        return set(range(0, size, int(field[2:])))
    return {int(each) for each in field.split(",")}


def plain_times(fields: str, zone: str, start: datetime, days: int) -> list[datetime]:
    """The times in three days: each minute is looked at, by the clock on the wall."""
    minute, hour = fields.split()[:2]
    wanted = (minutes(minute, 60), minutes(hour, 24))
    found: set[datetime] = set()
    if minute.startswith("*") or hour.startswith("*"):
        for step in range(days * 1440):
            now = (start + step * MINUTE).astimezone(ZoneInfo(zone))
            if now.minute in wanted[0] and now.hour in wanted[1]:
                found.add(now.astimezone(UTC))
        return sorted(found)
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    for step in range(-180, days * 1440 + 180):
        now = wall + step * MINUTE
        if now.minute in wanted[0] and now.hour in wanted[1]:
            while (there := now.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) and (
                there.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != now
            ):
                now += MINUTE
            if start <= there < start + timedelta(days=days):
                found.add(there)
    return sorted(found)


MINUTES = st.sampled_from(["0", "30", "15,45", "*", "*/20", "0,30"])
HOURS = st.sampled_from(["*", "*/2", "1", "2", "3", "0,1,2,3", "1,2", "23"])


@given(st.sampled_from(CHANGES), MINUTES, HOURS, st.integers(0, 80 * 60))
@example(("Europe/Berlin", (2026, 10, 24)), "0,30", "*", 48 * 60 + 42)  # the hour's first time
def test_daylight_saving_follows_the_cron_of_debian(
    change: tuple[str, tuple[int, int, int]], minute: str, hour: str, offset: int
) -> None:
    zone, day = change
    fields = f"{minute} {hour} * * *"
    first = datetime(*day, tzinfo=UTC) - timedelta(days=1)
    start = first + offset * MINUTE
    wanted = [each for each in plain_times(fields, zone, first, 4) if each > start]
    count = min(len(wanted), 200)
    assert list(islice(CronExpression(fields, zone).times(start), count)) == wanted[:count]


def test_within_the_hour_that_comes_twice_no_time_lies_in_the_past() -> None:
    second = datetime(2026, 10, 25, 2, 15, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    found = CronExpression("30 2 * * *", "Europe/Berlin").after(second)
    assert found == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_the_next_time_is_found_without_going_through_the_times_of_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = []

    class Counting(CronSim):
        def __next__(self) -> datetime:
            looked_at.append(super().__next__())
            return looked_at[-1]

    cron = CronExpression("* * * * *", "Europe/Berlin")
    monkeypatch.setattr("ffhost.config.cron.CronSim", Counting)
    cron.after(datetime(2026, 5, 1, tzinfo=UTC))
    assert len(looked_at) == 1


def test_two_times_in_the_gap_are_one() -> None:
    times = CronExpression("0,30 2 * * *", "Europe/Berlin").times(datetime(2026, 3, 29, tzinfo=UTC))
    assert list(islice(times, 2)) == [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 0, tzinfo=UTC),
    ]


def test_a_leap_day_comes_every_four_years() -> None:
    times = CronExpression("0 12 29 2 *").times(datetime(2026, 1, 1, tzinfo=UTC))
    assert [each.year for each in islice(times, 3)] == [2028, 2032, 2036]


def test_a_time_is_never_its_own_next() -> None:
    due = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
    assert CronExpression("0 3 * * *").after(due) == due + timedelta(days=1)
    assert CronExpression("0 3 * * *").after(due - timedelta(microseconds=1)) == due


@pytest.mark.parametrize(
    ("word", "fields"),
    [("@hourly", "0 * * * *"), ("@Daily", "0 0 * * *"), ("@weekly", "0 0 * * 0")],
)
def test_words_stand_for_fields(word: str, fields: str) -> None:
    assert CronExpression(word).fields == fields


@pytest.mark.parametrize(
    ("text", "zone", "message"),
    [
        ("* * * * * *", "UTC", "expected five fields, got six: a schedule cannot name seconds"),
        (
            "* * *",
            "UTC",
            "expected five fields (minute, hour, day of month, month, day of week), got 3",
        ),
        ("60 * * * *", "UTC", "'60' is not a valid minute"),
        ("0 3 * JANUARY *", "UTC", "'JANUARY' is not a valid month"),
        ("0 0 30 2 *", "UTC", "'0 0 30 2 *' never matches"),
        (
            "@reboot",
            "UTC",
            "unknown word '@reboot'; expected one of @yearly, @annually, @monthly, @weekly, "
            "@daily, @midnight, @hourly",
        ),
        ("0 3 * * *", "Europe/Berln", "unknown time zone 'Europe/Berln'"),
        ("0 3 * * *", "../etc/passwd", "unknown time zone '../etc/passwd'"),
    ],
)
def test_what_is_not_a_schedule_is_told(text: str, zone: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        CronExpression(text, zone)
    assert str(caught.value) == message


@given(st.text(alphabet="0123456789*/,-#LWmon @\u0661", max_size=30))
def test_any_text_is_a_schedule_or_an_error_of_ours(text: str) -> None:
    try:
        found = CronExpression(text).after(datetime(2026, 1, 1, tzinfo=UTC))
    except ValueError:
        return
    assert found is not None
