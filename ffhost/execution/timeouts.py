"""Times that may run out, with a timer only while one can: of connections, of waits for a slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from ffhost.config.units import UNLIMITED

T = TypeVar("T")

_EXACT_SECONDS = 0.002
"""uvloop counts in milliseconds, and a timer may fire one too early."""


class Timeouts(Generic[T]):
    """Things that wait equally long, so that they expire in the order in which they began.

    One timer serves all of them, set for the oldest. When the last has stopped it fires once
    more, and is not set again.

    Args:
        loop: whose clock counts
        seconds: how long each may take; `UNLIMITED` switches it off
        expire: what is called with each whose time is over
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expire: Callable[[T], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expire = expire
        self._ends: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def start(self, thing: T) -> None:
        """Start the time of *thing*, or start it anew."""
        if self._seconds == UNLIMITED:
            return
        self._ends.pop(thing, None)  # a dict keeps the place of a key that it has
        self._ends[thing] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self, thing: T) -> None:
        """Stop the time of *thing*, if it runs."""
        self._ends.pop(thing, None)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._ends:
            thing, end = next(iter(self._ends.items()))
            if end > now + _EXACT_SECONDS:
                if self._timer is None:
                    self._timer = self._loop.call_later(end - now, self._look)
                return
            del self._ends[thing]
            self._expire(thing)
