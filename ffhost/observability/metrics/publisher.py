"""Publishes this worker's numbers to the others, a few times a second and at its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ffhost.invocation.logger import get_logger
from ffhost.observability.metrics.counters import read_call_counters
from ffhost.observability.metrics.event_counters import event_counts
from ffhost.observability.metrics.process_stats import measure_process
from ffhost.observability.metrics.totals_files import MetricsStorage
from ffhost.observability.metrics.worker_totals import (
    MetricsSnapshot,
    MetricsTotals,
    ProcessMetrics,
    WorkerMetrics,
    add_up_metrics,
)

INTERVAL_SECONDS = 0.25
_MEASURE_SECONDS = 1.0
_MOST_OF_THE_TIME = 0.02
"""How much of its time a worker may spend copying; thousands of functions are copied less often."""


class MetricsPublisher:
    """Shares the numbers of this worker with the others.

    Args:
        folder: where all workers leave them; None for a process that is alone
        look: returns the present state of this worker
    """

    def __init__(self, folder: Path | None, look: Callable[[], WorkerMetrics]) -> None:
        self._folder = folder
        self._look = look
        self._storage: MetricsStorage | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._last: MetricsSnapshot | None = None
        self._measured = 0.0
        self._process = ProcessMetrics()
        self._running = False

    def start(self) -> None:
        """Start; without a folder, each worker reports only its own numbers."""
        if self._running:
            return
        self._running = True
        self._storage = self._open()
        self.copy()
        threading.Thread(target=self._serve, name="ffhost-metrics", daemon=True).start()

    def _open(self) -> MetricsStorage | None:
        if self._folder is None:
            return None
        try:
            return MetricsStorage(self._folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            get_logger("ffhost").warning(
                "metrics_not_shared", folder=str(self._folder), reason=str(error)
            )
            return None

    def stop(self) -> None:
        """Copy for the last time, after the last call."""
        self._stop.set()
        if self._running:
            self.copy(ended=True)

    def totals(self) -> MetricsTotals:
        """Add up the numbers of all workers, with the present ones of this worker."""
        mine = self.copy()
        if self._storage is None:
            return add_up_metrics([mine])
        try:
            return add_up_metrics(self._storage.read())
        except (OSError, ValueError, KeyError, TypeError) as error:
            get_logger("ffhost").error("metrics_unreadable", exc_info=error)
            return add_up_metrics([mine])

    def copy(self, *, ended: bool = False) -> MetricsSnapshot:
        """Copy now."""
        with self._lock:
            if self._last is not None and self._last.ended:
                return self._last
            now = time.monotonic()
            if now - self._measured >= _MEASURE_SECONDS or ended:
                self._measured, self._process = now, measure_process()
            snapshot = MetricsSnapshot(
                os.getpid(),
                ended,
                read_call_counters(),
                self._look(),
                replace(self._process),
                event_counts.read(),
            )
            if self._storage is not None and snapshot != self._last:
                try:
                    self._storage.write(snapshot)
                except OSError as error:
                    get_logger("ffhost").error("metrics_not_copied", exc_info=error)
            self._last = snapshot
            return snapshot

    def _serve(self) -> None:
        pause = INTERVAL_SECONDS
        while not self._stop.wait(pause):
            begun = time.thread_time()
            try:
                self.copy()
            except Exception as error:
                get_logger("ffhost").error("metrics_not_copied", exc_info=error)
            pause = max(INTERVAL_SECONDS, (time.thread_time() - begun) / _MOST_OF_THE_TIME)
