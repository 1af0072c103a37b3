"""The times at which calls of one function have waited long enough for a slot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ffhost.execution.loop_caller import EXACT_SECONDS

T = TypeVar("T")


class QueueTimes(Generic[T]):
    """Ends waits that take too long, on one loop.

    All of them may take equally long, so they end in the order in which they began: one timer, set
    for the oldest, is enough. It fires at most once in that time however many come and go.

    Args:
        seconds: how long a wait may take
        over: called with a wait that has taken so long
    """

    __slots__ = ("_loop", "_over", "_seconds", "_timer", "_waits")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, over: Callable[[T], object]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._over = over
        self._waits: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, wait: T) -> None:
        """Begin to count the time of *wait*."""
        self._waits[wait] = time.monotonic() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def end(self, wait: T) -> None:
        """Forget *wait*, which may be over already."""
        self._waits.pop(wait, None)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._waits:
            wait, at = next(iter(self._waits.items()))
            if at - now > EXACT_SECONDS:
                self._timer = self._loop.call_later(at - now, self._look)
                return
            del self._waits[wait]
            self._over(wait)
