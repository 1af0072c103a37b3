"""The snapshot of one worker, and the sum over all workers. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

Numbers = dict[str, int]
"""By function; functions with none are left out."""


@dataclass
class WorkerMetrics:
    """The present state of a worker.

    Args:
        phase: of its service
        revision: of the configuration that it serves
        running, waiting, stuck: calls in flight, queued, and running past their deadline
        refused: calls that got no slot, ever
        unmatched: answers to requests that match no function, by status, ever
        reloads_good, reloads_bad: reloads of the configuration, ever
        last_reload: when one succeeded, in seconds since the epoch; None if none has
        reload_refused: whether the last one was refused
    """

    phase: str = "new"
    revision: str = ""
    running: Numbers = field(default_factory=dict)
    waiting: Numbers = field(default_factory=dict)
    stuck: Numbers = field(default_factory=dict)
    refused: Numbers = field(default_factory=dict)
    unmatched: Numbers = field(default_factory=dict)
    reloads_good: int = 0
    reloads_bad: int = 0
    last_reload: float | None = None
    reload_refused: bool = False


@dataclass
class ProcessMetrics:
    """Statistics of a process from the system; 0 for unknown values."""

    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    virtual_bytes: int = 0
    open_fds: int = 0
    max_fds: int = 0
    threads: int = 0
    started: float = 0.0


@dataclass
class MetricsSnapshot:
    """One worker at one moment.

    Args:
        pid: of the worker
        ended: whether it has ended: then only its counters are valid
        counts: as `counting.Counts.read` gives them
        events: as `event_counters.EventCounters.read` returns them
    """

    pid: int
    ended: bool
    counts: list[list[Any]]
    worker: WorkerMetrics
    process: ProcessMetrics
    events: list[list[Any]] = field(default_factory=list)

    def encode(self) -> bytes:
        """Write the snapshot as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> MetricsSnapshot:
        """Read what `encode` has written.

        Raises:
            ValueError, KeyError, TypeError: it is something else
        """
        values = orjson.loads(data)
        return cls(
            values["pid"],
            values["ended"],
            values["counts"],
            WorkerMetrics(**values["worker"]),
            ProcessMetrics(**values["process"]),
            values["events"],
        )


@dataclass
class MetricsTotals:
    """The sum over the living workers, and the counters of those before them.

    Args:
        workers: how many live
        counts: (function, signature) to the lists and sums of `counting.Counts.read`
        events: (what, function, type) to how often, of `event_counters.EventCounters.read`
        revisions: how many workers serve which revision
        last_reload: of the worker whose last success is longest ago; None if one has none
        started: when the oldest living worker was started, in seconds since the epoch
    """

    workers: int = 0
    counts: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    events: dict[tuple[str, str, str], int] = field(default_factory=dict)
    running: Numbers = field(default_factory=dict)
    waiting: Numbers = field(default_factory=dict)
    stuck: Numbers = field(default_factory=dict)
    refused: Numbers = field(default_factory=dict)
    unmatched: Numbers = field(default_factory=dict)
    revisions: Numbers = field(default_factory=dict)
    phases: Numbers = field(default_factory=dict)
    reloads_good: int = 0
    reloads_bad: int = 0
    last_reload: float | None = None
    reload_refused: bool = False
    process: ProcessMetrics = field(default_factory=ProcessMetrics)

    def calls(self, function: str) -> list[int]:
        """Return how often *function* was called, by outcome in the order of `OUTCOMES`."""
        found = [each[0] for (name, _), each in self.counts.items() if name == function]
        return [sum(numbers) for numbers in zip(*found, strict=True)] if found else []


def add_up_metrics(snapshots: Iterable[MetricsSnapshot]) -> MetricsTotals:
    """Add snapshots up."""
    totals = MetricsTotals()
    reloaded: list[float | None] = []
    for each in snapshots:
        _add_counted(totals, each)
        if not each.ended:
            _add_living(totals, each)
            reloaded.append(each.worker.last_reload)
    if reloaded and None not in reloaded:
        totals.last_reload = min(filter(None, reloaded), default=None)
    return totals


def _add_counted(totals: MetricsTotals, snapshot: MetricsSnapshot) -> None:
    for function, signature, *numbers in snapshot.counts:
        before = totals.counts.get((function, signature))
        totals.counts[function, signature] = (
            numbers
            if before is None
            else [_sum(*pair) for pair in zip(before, numbers, strict=True)]
        )
    for what, function, kind, number in snapshot.events:
        key = (what, function, kind)
        totals.events[key] = totals.events.get(key, 0) + number
    worker = snapshot.worker
    _add(totals.refused, worker.refused)
    _add(totals.unmatched, worker.unmatched)
    totals.reloads_good += worker.reloads_good
    totals.reloads_bad += worker.reloads_bad
    totals.process.cpu_seconds += snapshot.process.cpu_seconds


def _add_living(totals: MetricsTotals, snapshot: MetricsSnapshot) -> None:
    worker, process = snapshot.worker, snapshot.process
    totals.workers += 1
    for mine, theirs in (
        (totals.running, worker.running),
        (totals.waiting, worker.waiting),
        (totals.stuck, worker.stuck),
        (totals.revisions, {worker.revision: 1}),
        (totals.phases, {worker.phase: 1}),
    ):
        _add(mine, theirs)
    totals.reload_refused = totals.reload_refused or worker.reload_refused
    summed = totals.process
    summed.resident_bytes += process.resident_bytes
    summed.virtual_bytes += process.virtual_bytes
    summed.open_fds += process.open_fds
    summed.max_fds = max(summed.max_fds, process.max_fds)
    summed.threads += process.threads
    summed.started = min(filter(None, (summed.started, process.started)), default=0.0)


def _add(mine: Numbers, theirs: Numbers) -> None:
    for name, number in theirs.items():
        mine[name] = mine.get(name, 0) + number


def _sum(first: Any, second: Any) -> Any:
    if isinstance(first, list):
        return [one + other for one, other in zip(first, second, strict=True)]
    return first + second


def metrics_of_ended_workers(snapshots: Iterable[MetricsSnapshot]) -> MetricsSnapshot:
    """Return one snapshot of what workers that have ended have counted."""
    totals = add_up_metrics(snapshots)
    counts = [[*key, *numbers] for key, numbers in totals.counts.items()]
    worker = WorkerMetrics(
        refused=totals.refused,
        unmatched=totals.unmatched,
        reloads_good=totals.reloads_good,
        reloads_bad=totals.reloads_bad,
    )
    process = ProcessMetrics(cpu_seconds=totals.process.cpu_seconds)
    events: list[list[Any]] = [[*key, number] for key, number in totals.events.items()]
    return MetricsSnapshot(0, True, counts, worker, process, events)
