"""Statistics of this process from Linux, or what Python knows on other systems."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from ffhost.observability.metrics.worker_totals import ProcessMetrics

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_loaded = time.time()


def measure_process() -> ProcessMetrics:
    """Measure this process."""
    measured = ProcessMetrics(
        cpu_seconds=time.process_time(), threads=threading.active_count(), started=_loaded
    )
    if resource is None:
        return measured
    measured.max_fds = max(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    with suppress(OSError, ValueError, IndexError):
        pages = Path("/proc/self/statm").read_text().split()
        size = resource.getpagesize()
        measured.virtual_bytes, measured.resident_bytes = int(pages[0]) * size, int(pages[1]) * size
        measured.open_fds = len(os.listdir("/proc/self/fd")) - 1
    return measured
