"""Which events a function has taken, for as long as a worker remembers. No I/O.

A sender that repeats an event because one function failed would otherwise have the others
called again. This is a saving and not a promise: it is bounded in time and in number, and
another worker does not know of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic
from typing import Final

REMEMBERED_LIMIT: Final = 100_000
"""How many deliveries are remembered: some 18 MB, and ten minutes at 160 a second."""


class TakenEventDeliveries:
    """The deliveries that were taken; safe to use from several threads."""

    def __init__(
        self, limit: int = REMEMBERED_LIMIT, clock: Callable[[], float] = monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._taken)

    def add(self, function: str, key: tuple[str, str]) -> None:
        """Record that *function* has taken the event with this source and id."""
        name = _digest(function, key)
        with self._lock:
            self._taken[name] = self._clock()
            self._taken.move_to_end(name)
            while len(self._taken) > self._limit:
                self._taken.popitem(last=False)

    def has(self, function: str, key: tuple[str, str], seconds: float) -> bool:
        """Whether *function* took that event within the last *seconds*."""
        oldest = self._clock() - seconds
        with self._lock:
            self._forget_before(oldest)
            return _digest(function, key) in self._taken

    def _forget_before(self, oldest: float) -> None:
        while self._taken and next(iter(self._taken.values())) < oldest:
            self._taken.popitem(last=False)


def _digest(function: str, key: tuple[str, str]) -> bytes:
    # Sources and ids are as long as their senders like; a digest is not.
    text = "\0".join((function, *key))
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
