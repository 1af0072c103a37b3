"""How many calls are kept: as many as somebody can look at, so that keeping them costs little."""

from __future__ import annotations

CALLS_PER_SECOND = 50.0
BURST = 200.0
BYTES_PER_SECOND = 1024 * 1024.0


class Budget:
    """Calls that may be kept now. Failed calls have a budget of their own.

    A budget fills up with time. It is spent from one thread at a time, or nearly so: a call too
    many does no harm.
    """

    def __init__(self, now: float) -> None:
        self._calls = BURST
        self._bytes = 4 * BYTES_PER_SECOND
        self._since = now

    def take(self, now: float, size: int) -> bool:
        """Whether a call of *size* bytes may be kept at *now*, on the monotonic clock."""
        passed = now - self._since
        if passed > 0.01:
            self._since = now
            self._calls = min(BURST, self._calls + passed * CALLS_PER_SECOND)
            self._bytes = min(4 * BYTES_PER_SECOND, self._bytes + passed * BYTES_PER_SECOND)
        if self._calls < 1 or self._bytes < 0:
            return False
        self._calls -= 1
        self._bytes -= size
        return True
