"""How long the master waits before it replaces a worker that died early."""

from __future__ import annotations

import pytest

from ffhost.server import replacement
from ffhost.server.replacement import ReplacementPauses


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(replacement, "time", clock)
    return clock


def test_pauses_grow_from_a_tenth_of_a_second_to_ten(clock: Clock) -> None:
    pauses = ReplacementPauses()
    found = [pauses.begin([]) for _ in range(9)]
    assert found == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert pauses.left() == pytest.approx(10)
    clock.now += 10.01
    assert pauses.left() == 0


def test_a_worker_that_was_fine_all_the_time_does_not_shorten_the_pauses(clock: Clock) -> None:
    pauses = ReplacementPauses()
    healthy = clock.now - 500
    assert [pauses.begin([healthy]) for _ in range(3)] == [0.1, 0.2, 0.4]


def test_a_replacement_that_serves_for_a_while_begins_the_pauses_anew(clock: Clock) -> None:
    pauses = ReplacementPauses()
    pauses.begin([])
    pauses.begin([])
    clock.now += 1
    replaced = clock.now
    clock.now += 9
    assert pauses.begin([replaced]) == 0.4
    clock.now += 1
    again = clock.now
    clock.now += 10
    assert pauses.begin([again]) == 0.1
