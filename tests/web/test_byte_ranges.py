"""The field Range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.web.byte_ranges import UnsatisfiableRange, parse_ranges


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("bytes=5-", [(5, 100)]),
        ("bytes=-5", [(95, 100)]),
        ("bytes=-500", [(0, 100)]),
        ("bytes=90-500", [(90, 100)]),
        ("Bytes = 1 - 2", [(1, 3)]),
        ("bytes=0-1, 50-59,,", [(0, 2), (50, 60)]),
        ("bytes=50-59, 0-1", [(0, 2), (50, 60)]),
        ("bytes=0-9, 5-19, 20-29", [(0, 30)]),
        ("bytes=0-4, 500-", [(0, 5)]),
        (f"bytes=0-{'9' * 5000}", [(0, 100)]),
    ],
)
def test_what_is_wanted_is_first_byte_and_the_one_after_the_last(
    text: str, ranges: list[tuple[int, int]]
) -> None:
    assert parse_ranges(text, 100) == ranges


@pytest.mark.parametrize(
    "text",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "lines=0-4"),
        *("bytes=0-4, x", "bytes=1-2-3", "bytes=\u0661-", "bytes=" + "0-1," * 101),
    ],
)
def test_what_cannot_be_read_is_ignored(text: str) -> None:
    assert parse_ranges(text, 100) == []


@pytest.mark.parametrize(
    ("text", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_what_lies_behind_the_end_cannot_be_satisfied(text: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange):
        parse_ranges(text, size)


@given(st.text("0123456789-, =bytes", max_size=30).map("bytes=".__add__), st.integers(0, 50))
def test_ranges_are_sorted_apart_and_within_the_body(text: str, size: int) -> None:
    try:
        ranges = parse_ranges(text, size)
    except UnsatisfiableRange:
        return
    flat = [position for part in ranges for position in part]
    assert flat == sorted(set(flat))
    assert not flat or (flat[0] >= 0 and flat[-1] <= size)
