"""Memory of large bodies, which the C library keeps after they have been freed.

glibc keeps up to twice the size of the largest block that was freed, for the next one. That is
what makes uploads fast, and when no more of them come it is given back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ffhost.execution.executor import executor

QUIET_SECONDS = 10.0


class FreedMemory:
    """The memory that the bodies of one loop have left. There is a timer only while there is any.

    Args:
        loop: whose clock counts
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def note(self) -> None:
        """Take note of a large body."""
        self._last = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(QUIET_SECONDS, self._look)

    def _look(self) -> None:
        left = self._last + QUIET_SECONDS - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._timer = None
            executor.submit(return_freed_memory)


def return_freed_memory() -> None:
    """Return free memory to the system, where the C library can be told to."""
    from ctypes import CDLL

    with suppress(OSError, AttributeError, TypeError):  # it is not glibc
        CDLL(None).malloc_trim(0)
