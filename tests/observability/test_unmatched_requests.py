"""Numbers of requests that match no function, and how many entries they may write."""

from __future__ import annotations

from ffhost.observability.unmatched import ENTRIES_A_SECOND, LogEntryLimit, UnmatchedRequestCounters


def test_a_flood_of_them_writes_few_entries_and_the_next_says_how_many_were_left_out() -> None:
    limit = LogEntryLimit()
    admitted = [limit.admit(100) for _ in range(50)]
    assert admitted == [0] * ENTRIES_A_SECOND + [None] * (50 - ENTRIES_A_SECOND)
    assert limit.admit(101) == 50 - ENTRIES_A_SECOND
    assert limit.admit(101) == 0


def test_they_are_counted_by_status() -> None:
    counts = UnmatchedRequestCounters()
    for status in (404, 405, 404):
        counts.add(status)
    assert counts.read() == {"404": 2, "405": 1}
