"""The totals in Prometheus' text format, by prometheus-client's own classes."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from ffhost import __version__
from ffhost.observability.metrics.counters import DURATIONS, LAGS, OUTCOMES
from ffhost.observability.metrics.worker_totals import MetricsTotals


def render_metrics(totals: MetricsTotals, accept: str = "") -> tuple[str, bytes]:
    """Return content type and body in the format that *accept* asks for, else plain text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(totals))
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


class _Collector(Collector):
    def __init__(self, totals: MetricsTotals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        yield from _calls(self._totals)
        yield from _events(self._totals)
        yield from _now(self._totals)
        yield from _configuration(self._totals)
        yield from _processes(self._totals)


def _calls(totals: MetricsTotals) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "ffhost_calls",
        "Calls that were answered, by outcome.",
        labels=["function", "signature", "outcome"],
    )
    durations = HistogramMetricFamily(
        "ffhost_call_duration_seconds",
        "From the request to the last byte of the answer.",
        labels=["function"],
    )
    lags = HistogramMetricFamily(
        "ffhost_event_lag_seconds",
        "Age of events when they came, by their own time.",
        labels=["function"],
    )
    by_function: dict[str, list[list[float]]] = {}
    for (function, signature), counts in totals.counts.items():
        for outcome, number in zip(OUTCOMES, counts[0], strict=True):
            if number:
                calls.add_metric([function, signature, outcome], number)
        numbers = by_function.setdefault(function, [])
        numbers.append([*counts[1], counts[2], *counts[3], counts[4]])
    for function, several in by_function.items():
        # The signature of a function changes only with a reload.
        summed = [sum(column) for column in zip(*several, strict=True)]
        split = len(DURATIONS) + 1
        durations.add_metric(
            [function], _cumulated(DURATIONS, summed[:split]), sum_value=summed[split]
        )
        ages = summed[split + 1 : -1]
        if any(ages):
            lags.add_metric([function], _cumulated(LAGS, ages), sum_value=summed[-1])
    yield calls
    yield durations
    yield lags


def _events(totals: MetricsTotals) -> Iterator[Metric]:
    """Yield what arrived at the address for events; nothing where there is none."""
    if not totals.events:
        return
    received = CounterMetricFamily(
        "ffhost_events_received",
        "Events that arrived, and replies routed in turn.",
        labels=["type"],
    )
    matched = CounterMetricFamily(
        "ffhost_events_matched", "Those that a function wanted.", labels=["type"]
    )
    unmatched = CounterMetricFamily(
        "ffhost_events_unmatched", "Those that no function wanted.", labels=["type"]
    )
    delivered = CounterMetricFamily(
        "ffhost_events_delivered", "Events that a function took.", labels=["function", "type"]
    )
    failed = CounterMetricFamily(
        "ffhost_events_failed", "Events that a function did not take.", labels=["function", "type"]
    )
    for kind, number in _by_type(totals).items():
        received.add_metric([kind], number)
    for (what, function, kind), number in totals.events.items():
        if what in ("matched", "unmatched"):
            (matched if what == "matched" else unmatched).add_metric([kind], number)
        else:
            (delivered if what == "delivered" else failed).add_metric([function, kind], number)
    yield from (received, matched, unmatched, delivered, failed)


def _by_type(totals: MetricsTotals) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for (what, _, kind), number in totals.events.items():
        if what in ("matched", "unmatched"):
            numbers[kind] = numbers.get(kind, 0) + number
    return numbers


def _cumulated(bounds: Sequence[float], numbers: Sequence[float]) -> list[tuple[str, float]]:
    buckets: list[tuple[str, float]] = []
    below = 0.0
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    for name, number in zip(names, numbers, strict=True):
        below += number
        buckets.append((name, below))
    return buckets


def _now(totals: MetricsTotals) -> Iterator[Metric]:
    functions = sorted({*totals.running, *totals.waiting, *totals.stuck})
    for name, text, numbers in (
        ("in_flight", "Calls that have a slot, stuck ones included.", totals.running),
        ("queued", "Calls that wait for a slot.", totals.waiting),
        ("stuck", "Calls that run on past their deadline.", totals.stuck),
    ):
        gauge = GaugeMetricFamily(f"ffhost_calls_{name}", text, labels=["function"])
        for function in functions:
            gauge.add_metric([function], numbers.get(function, 0))
        yield gauge
    refused = CounterMetricFamily(
        "ffhost_calls_refused", "Calls that got no slot: 429.", labels=["function"]
    )
    for function, number in totals.refused.items():
        refused.add_metric([function], number)
    yield refused
    unmatched = CounterMetricFamily(
        "ffhost_requests_unmatched", "Requests that match no function.", labels=["status"]
    )
    for status, number in totals.unmatched.items():
        unmatched.add_metric([status], number)
    yield unmatched


def _configuration(totals: MetricsTotals) -> Iterator[Metric]:
    reloads = CounterMetricFamily(
        "ffhost_config_reloads",
        "Reloads of the configuration, each worker's counted.",
        labels=["result"],
    )
    reloads.add_metric(["good"], totals.reloads_good)
    reloads.add_metric(["bad"], totals.reloads_bad)
    yield reloads
    yield GaugeMetricFamily(
        "ffhost_config_last_reload_successful",
        "1 unless a worker has refused the last configuration.",
        value=float(not totals.reload_refused),
    )
    if totals.last_reload is not None:
        yield GaugeMetricFamily(
            "ffhost_config_last_reload_success_timestamp_seconds",
            "When the worker that lags behind most has last reloaded.",
            value=totals.last_reload,
        )
    config = GaugeMetricFamily(
        "ffhost_config_info", "Workers by the revision that they serve.", labels=["revision"]
    )
    for revision, workers in totals.revisions.items():
        config.add_metric([revision], workers)
    yield config
    yield InfoMetricFamily(
        "ffhost_build",
        "What runs here.",
        value={"version": __version__, "python": platform.python_version()},
    )


def _processes(totals: MetricsTotals) -> Iterator[Metric]:
    process = totals.process
    yield GaugeMetricFamily("ffhost_workers", "Workers that live.", value=totals.workers)
    yield CounterMetricFamily(
        "process_cpu_seconds", "CPU time of all workers there were.", value=process.cpu_seconds
    )
    for name, text, number in (
        ("resident_memory_bytes", "Resident memory of all workers.", process.resident_bytes),
        ("virtual_memory_bytes", "Virtual memory of all workers.", process.virtual_bytes),
        ("open_fds", "Open file descriptors of all workers.", process.open_fds),
        ("max_fds", "File descriptors that one worker may open.", process.max_fds),
        ("threads", "Threads of all workers.", process.threads),
        ("start_time_seconds", "When the oldest worker was started.", process.started),
    ):
        yield GaugeMetricFamily(f"process_{name}", text, value=number)
