"""Counting events: bounded types, and the sum over workers."""

from __future__ import annotations

from ffhost.observability.metrics.event_counters import OTHER, TYPES_LIMIT, EventCounters
from ffhost.observability.metrics.exposition import render_metrics
from ffhost.observability.metrics.worker_totals import (
    MetricsSnapshot,
    MetricsTotals,
    ProcessMetrics,
    WorkerMetrics,
    add_up_metrics,
    metrics_of_ended_workers,
)


def counted() -> EventCounters:
    counts = EventCounters()
    counts.received("a", matched=True)
    counts.received("b", matched=False)
    counts.delivered("f", "a", taken=True)
    counts.delivered("g", "a", taken=False)
    return counts


def snapshot(counts: EventCounters, ended: bool = False) -> MetricsSnapshot:
    return MetricsSnapshot(1, ended, [], WorkerMetrics(), ProcessMetrics(), counts.read())


def lines(totals: MetricsTotals) -> list[str]:
    text = render_metrics(totals)[1].decode()
    return sorted(line for line in text.splitlines() if line.startswith("ffhost_events_"))


def test_a_sender_cannot_invent_types_without_end() -> None:
    counts = EventCounters()
    for number in range(TYPES_LIMIT + 50):
        counts.received(f"t{number}", matched=True)
    counts.received("t0", matched=True)
    numbers = {row[2]: row[3] for row in counts.read()}
    assert len(numbers) == TYPES_LIMIT + 1
    assert (numbers["t0"], numbers[OTHER]) == (2, 50)


def test_events_are_counted_by_what_became_of_them() -> None:
    assert lines(add_up_metrics([snapshot(counted())])) == [
        'ffhost_events_delivered_total{function="f",type="a"} 1.0',
        'ffhost_events_failed_total{function="g",type="a"} 1.0',
        'ffhost_events_matched_total{type="a"} 1.0',
        'ffhost_events_received_total{type="a"} 1.0',
        'ffhost_events_received_total{type="b"} 1.0',
        'ffhost_events_unmatched_total{type="b"} 1.0',
    ]


def test_the_numbers_of_all_workers_are_added_also_of_those_that_have_ended() -> None:
    first, second = snapshot(counted()), snapshot(counted(), ended=True)
    past = MetricsSnapshot.decode(metrics_of_ended_workers([second]).encode())
    assert add_up_metrics([first, past]).events == {
        ("matched", "", "a"): 2,
        ("unmatched", "", "b"): 2,
        ("delivered", "f", "a"): 2,
        ("failed", "g", "a"): 2,
    }


def test_a_host_without_events_has_no_series_of_them() -> None:
    assert lines(MetricsTotals()) == []
