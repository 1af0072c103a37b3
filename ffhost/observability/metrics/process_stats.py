"""Statistics of this process from Linux, or what Python knows on other systems."""

from __future__ import annotations

import os
import resource
import threading
import time
from contextlib import suppress
from pathlib import Path

from ffhost.observability.metrics.worker_totals import Process

_loaded = time.time()


def measure() -> Process:
    """Measure this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    measured = Process(
        cpu_seconds=used.ru_utime + used.ru_stime,
        max_fds=max(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        threads=threading.active_count(),
        started=_loaded,
    )
    with suppress(OSError, ValueError, IndexError):
        pages = Path("/proc/self/statm").read_text().split()
        size = resource.getpagesize()
        measured.virtual_bytes, measured.resident_bytes = int(pages[0]) * size, int(pages[1]) * size
        measured.open_fds = len(os.listdir("/proc/self/fd")) - 1
    return measured
