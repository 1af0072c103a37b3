"""Reports on a worker whose functions take long to load: which line it is at."""

from __future__ import annotations

import linecache
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ffhost.execution.thread_frames import frame_of_thread
from ffhost.loading.modules import SCOPE_KEY

_PAUSES = (1.0, 4.0, 10.0, 30.0)
"""Seconds between two reports; the last one is repeated."""


@contextmanager
def reporting_slow_worker(report: Callable[[str], object]) -> Iterator[None]:
    """Call *report* with a line of user code now and then while the block runs.

    It is called on a thread of its own.
    """
    loaded = threading.Event()
    thread = threading.get_ident()

    def look() -> None:
        pauses = list(_PAUSES)
        while not loaded.wait(pauses[0]):
            place = line_of_loading_worker(thread)
            if place is not None:
                report(place)
            pauses = pauses[1:] or pauses

    watcher = threading.Thread(target=look, name="ffhost-loading", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        loaded.set()
        watcher.join()


def line_of_loading_worker(thread: int) -> str | None:
    """Return the line of user code that *thread* is at, as ``file:line: text``.

    None if it runs no user code.
    """
    frame = frame_of_thread(thread)
    while frame is not None:
        if SCOPE_KEY in frame.f_builtins:
            file = frame.f_code.co_filename
            text = linecache.getline(file, frame.f_lineno).strip()
            return f"{os.path.relpath(file)}:{frame.f_lineno}: {text}"
        frame = frame.f_back
    return None
