"""Counting events: bounded types, and the sum over workers."""

from __future__ import annotations

from ffhost.observability.metrics.event_counters import OTHER, TYPES_LIMIT, EventCounts
from ffhost.observability.metrics.exposition import render
from ffhost.observability.metrics.worker_totals import (
    ProcessMetrics,
    Snapshot,
    Totals,
    WorkerMetrics,
    remains,
    total,
)


def counted() -> EventCounts:
    counts = EventCounts()
    counts.received("a", matched=True)
    counts.received("b", matched=False)
    counts.delivered("f", "a", taken=True)
    counts.delivered("g", "a", taken=False)
    return counts


def snapshot(counts: EventCounts, ended: bool = False) -> Snapshot:
    return Snapshot(1, ended, [], WorkerMetrics(), ProcessMetrics(), counts.read())


def lines(totals: Totals) -> list[str]:
    text = render(totals)[1].decode()
    return sorted(line for line in text.splitlines() if line.startswith("ffhost_events_"))


def test_a_sender_cannot_invent_types_without_end() -> None:
    counts = EventCounts()
    for number in range(TYPES_LIMIT + 50):
        counts.received(f"t{number}", matched=True)
    counts.received("t0", matched=True)
    numbers = {row[2]: row[3] for row in counts.read()}
    assert len(numbers) == TYPES_LIMIT + 1
    assert (numbers["t0"], numbers[OTHER]) == (2, 50)


def test_events_are_counted_by_what_became_of_them() -> None:
    assert lines(total([snapshot(counted())])) == [
        'ffhost_events_delivered_total{function="f",type="a"} 1.0',
        'ffhost_events_failed_total{function="g",type="a"} 1.0',
        'ffhost_events_matched_total{type="a"} 1.0',
        'ffhost_events_received_total{type="a"} 1.0',
        'ffhost_events_received_total{type="b"} 1.0',
        'ffhost_events_unmatched_total{type="b"} 1.0',
    ]


def test_the_numbers_of_all_workers_are_added_also_of_those_that_have_ended() -> None:
    first, second = snapshot(counted()), snapshot(counted(), ended=True)
    past = Snapshot.decode(remains([second]).encode())
    assert total([first, past]).events == {
        ("matched", "", "a"): 2,
        ("unmatched", "", "b"): 2,
        ("delivered", "f", "a"): 2,
        ("failed", "g", "a"): 2,
    }


def test_a_host_without_events_has_no_series_of_them() -> None:
    assert lines(Totals()) == []
