"""Rates: how many calls a second somebody may make. Each worker counts for itself."""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

BUCKETS = 10_000
"""Callers whose use is remembered at once; about 1 MB a limiter."""
_PERIODS = {"s": 1, "m": 60, "h": 3600}


class CallerRate(NamedTuple):
    """So many calls in so many seconds; also how many may come at once."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> CallerRate:
        """Read ``100/s``, ``20/m`` or ``1000/h``.

        Raises:
            ValueError: *text* is not a rate
        """
        match = re.fullmatch(r"([1-9][0-9]{0,8})/(s|m|h)", text)
        if match is None:
            raise ValueError(f"{text!r} is not a rate")
        return cls(int(match[1]), _PERIODS[match[2]])

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in _PERIODS.items() if seconds == self.seconds)
        return f"{self.calls}/{unit}"


class CallerRateLimiter:
    """A token bucket for each caller, all of one rate.

    A bucket holds what a caller may still take and the time of that count. The oldest is
    forgotten when there are too many, which can only be to its owner's advantage.
    """

    def __init__(self, rate: CallerRate, buckets: int = BUCKETS) -> None:
        self.rate = rate
        self._limit = buckets
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, caller: str, now: float) -> float:
        """Count one call of *caller*; return 0, or the seconds until one more is allowed."""
        calls, seconds = self.rate
        with self._lock:
            left, since = self._buckets.pop(caller, (float(calls), now))
            left = min(calls, left + max(0.0, now - since) * calls / seconds)
            wait = 0.0 if left >= 1 else (1 - left) * seconds / calls
            self._buckets[caller] = (left if wait else left - 1, now)
            if len(self._buckets) > self._limit:
                del self._buckets[next(iter(self._buckets))]
        return wait
