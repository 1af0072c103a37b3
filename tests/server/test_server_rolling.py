"""In which order workers are replaced; no process is started here."""

from __future__ import annotations

from ffhost.server.replacement import RollingReplacement


def test_the_next_worker_is_replaced_when_the_one_before_has_gone() -> None:
    rolling = RollingReplacement()
    rolling.restart([1, 2])
    assert rolling.next({1, 2}, {1, 2}) == 1
    rolling.began(1, 3)
    assert rolling.next({1, 2, 3}, {1, 2, 3}) is None
    assert rolling.succeeded() == 1
    assert rolling.next({2, 3}, {1, 2, 3}) is None
    assert rolling.next({2, 3}, {2, 3}) == 2


def test_a_failed_replacement_ends_the_whole_round() -> None:
    rolling = RollingReplacement()
    rolling.restart([1, 2])
    rolling.began(1, 3)
    rolling.failed()
    assert rolling.next({1, 2}, {1, 2}) is None


def test_a_new_round_does_not_wait_for_those_that_are_leaving() -> None:
    rolling = RollingReplacement()
    rolling.restart([1])
    assert rolling.next({1}, {1}) == 1
    rolling.began(1, 2)
    rolling.succeeded()
    rolling.restart([2])
    assert rolling.next({2}, {1, 2}) == 2


def test_workers_that_died_in_the_meantime_are_passed_over() -> None:
    rolling = RollingReplacement()
    rolling.restart([1, 2, 3])
    assert rolling.next({3}, {3}) == 3


def test_a_worker_that_asks_twice_is_replaced_once() -> None:
    rolling = RollingReplacement()
    rolling.add(1)
    rolling.add(1)
    assert rolling.next({1}, {1}) == 1
    rolling.began(1, 2)
    rolling.add(1)
    rolling.succeeded()
    assert rolling.next({2}, {2}) is None
