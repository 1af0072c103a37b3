"""The thread that holds the processes of a function to its limit of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from ffhost.execution.isolation.isolated_process import IsolatedProcess

BUSY_LOOK_SECONDS = 0.02
"""How often memory is measured while a call runs; it bounds how far a call can exceed the limit."""
IDLE_LOOK_SECONDS = 0.5


class IsolatedMemoryWatch:
    """Kills processes that use too much.

    Args:
        limit_bytes: what each may use, with all that it has started
        processes: returns those to look at
        closed: whether it is time to end
    """

    def __init__(
        self,
        limit_bytes: int,
        processes: Callable[[], Iterable[IsolatedProcess]],
        closed: Callable[[], bool],
    ) -> None:
        self.called = threading.Event()
        """Set at each call, so that the next look is soon."""
        self._limit_bytes = limit_bytes
        self._processes = processes
        self._closed = closed

    def run(self) -> None:
        """Look until it is time to end."""
        while not self._closed():
            busy = False
            for process in self._processes():
                process.kill_above(self._limit_bytes)
                busy = busy or process.busy
            if busy:
                time.sleep(BUSY_LOOK_SECONDS)
            else:
                self.called.wait(IDLE_LOOK_SECONDS)
                self.called.clear()
