"""How many calls are kept: as many as somebody can look at, so that keeping them costs little."""

from __future__ import annotations

CALLS_PER_SECOND = 20.0
BURST = 200.0
BYTES_PER_SECOND = 1024 * 1024.0
_REFILL_SECONDS = 0.05


class ConsoleCallBudget:
    """Calls that may be kept now. Failed calls have a budget of their own.

    A budget fills up with time. It is spent from one thread at a time, or nearly so: a call too
    many does no harm.

    Args:
        now: on the monotonic clock
    """

    def __init__(self, now: float) -> None:
        self._calls = BURST
        self._bytes = 4 * BYTES_PER_SECOND
        self._since = now

    def has_room(self, now: float) -> bool:
        """Whether a call may be kept at *now*; asked for every call."""
        passed = now - self._since
        if passed > _REFILL_SECONDS:
            self._since = now
            self._calls = min(BURST, self._calls + passed * CALLS_PER_SECOND)
            self._bytes = min(4 * BYTES_PER_SECOND, self._bytes + passed * BYTES_PER_SECOND)
        return self._calls >= 1 and self._bytes >= 0

    def spend(self, size: int) -> None:
        """Take a call of *size* bytes out."""
        self._calls -= 1
        self._bytes -= size
