"""A deadline passes at its time, and stands still while it is paused."""

from __future__ import annotations

import math

import pytest

from ffhost.invocation import deadline as module
from ffhost.invocation.deadline import Deadline


class Clock:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def ending(at: float) -> Deadline:
    deadline = Deadline()
    deadline.at = at
    return deadline


def test_what_is_left_falls_to_zero_and_no_further(clock: Clock) -> None:
    deadline = ending(101.0)
    assert deadline.remaining == 1.0
    clock.now = 100.75
    assert deadline.remaining == 0.25
    clock.now = 105.0
    assert deadline.remaining == 0.0


def test_a_paused_deadline_does_not_pass_and_goes_on_where_it_stood(clock: Clock) -> None:
    deadline = ending(101.0)
    clock.now = 100.4
    deadline.pause()
    clock.now = 130.0
    assert deadline.is_paused
    assert deadline.remaining == math.inf
    deadline.resume()
    assert not deadline.is_paused
    assert deadline.remaining == pytest.approx(0.6)
    assert deadline.at == pytest.approx(130.6)


def test_pausing_twice_counts_from_the_first_and_resuming_twice_adds_nothing(clock: Clock) -> None:
    deadline = ending(101.0)
    deadline.pause()
    clock.now = 110.0
    deadline.pause()
    clock.now = 120.0
    deadline.resume()
    deadline.resume()
    assert deadline.at == 121.0


def test_a_deadline_is_infinite_until_it_is_set() -> None:
    assert Deadline().remaining == math.inf
