"""Durations and sizes: how they are read, and how they are written again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config.units import UNLIMITED, ByteSize, Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("10s", 10),
        ("1.5 m", 90),
        (" 2h\n", 7200),
        ("0s", 0),
        ("0.5ms", 0.0005),
        ("1m30s", 90),
    ],
)
def test_a_duration_is_a_number_and_its_unit(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "10", "s", "-1s", "1.s", ".5s", "1d", "1 s m", "1S", "1e3s", "30s1m", "1s1s", "1\xa0s"],
)
def test_what_is_not_a_duration_says_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        Duration.parse(text)
    assert str(caught.value) == (
        "expected a duration with its unit, such as '250ms', '10s' or '2m'"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0005, "0.5ms"),
        (0.25, "250ms"),
        (1, "1s"),
        (1.5, "1500ms"),
        (60, "1m"),
        (90, "90s"),
        (3600, "1h"),
        (3660, "61m"),
        (0.1 + 0.2, "300ms"),
        (1234.5678, "1234567.8ms"),
        (UNLIMITED, "unlimited"),
    ],
)
def test_a_duration_is_written_in_the_largest_unit_without_a_fraction(
    seconds: float, text: str
) -> None:
    assert str(Duration(seconds)) == text
    assert repr(Duration(seconds)) == f"Duration('{text}')"


@given(st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h"]))
def test_a_duration_that_was_written_reads_as_itself(number: int, unit: str) -> None:
    duration = Duration.parse(f"{number}{unit}")
    assert Duration.parse(str(duration)) == pytest.approx(duration)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512B", 512),
        ("1kB", 1000),
        ("1KB", 1000),
        ("10MB", 10_000_000),
        ("2GB", 2_000_000_000),
        ("1KiB", 1024),
        (" 1.5 MiB ", 3 * 512 * 1024),
        ("1GiB", 1024**3),
        ("10Mi", 10 * 1024**2),
    ],
)
def test_a_size_is_a_number_and_its_unit(text: str, size: int) -> None:
    assert ByteSize.parse(text) == size


@pytest.mark.parametrize("text", ["", "10", "MiB", "-1B", "1 TB", "1mib", "1 MiB x"])
def test_what_is_not_a_size_says_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        ByteSize.parse(text)
    assert str(caught.value) == (
        "expected a size with its unit, such as '512KiB', '32MiB' or '10MB'"
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1024, "1KiB"),
        (1_000_000, "1MB"),
        (1024**2, "1MiB"),
        (10**9, "1GB"),
        (1024**3, "1GiB"),
        (1536, "1536B"),
        (1024 * 1000, "1000KiB"),
    ],
)
def test_a_size_is_written_in_the_largest_unit_without_a_fraction(size: int, text: str) -> None:
    assert str(ByteSize(size)) == text
    assert repr(ByteSize(size)) == f"ByteSize('{text}')"


@given(st.integers(0, 10**13))
def test_a_size_that_was_written_reads_as_itself(size: int) -> None:
    assert ByteSize.parse(str(ByteSize(size))) == size
