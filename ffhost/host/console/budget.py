"""How many calls are kept: as many as somebody can look at, so that keeping them costs little."""

from __future__ import annotations

CALLS_PER_SECOND = 20.0
BURST = 200.0
BYTES_PER_SECOND = 1024 * 1024.0


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
        self.is_spent = False
        """Whether no call may be kept until it is filled up; looked at for every call."""

    def fill_up(self, now: float) -> None:
        """Add what has become free since the last time; called some times a second."""
        passed, self._since = now - self._since, now
        self._calls = min(BURST, self._calls + passed * CALLS_PER_SECOND)
        self._bytes = min(4 * BYTES_PER_SECOND, self._bytes + passed * BYTES_PER_SECOND)
        self._look()

    def spend(self, size: int) -> None:
        """Take a call of *size* bytes out."""
        self._calls -= 1
        self._bytes -= size
        self._look()

    def _look(self) -> None:
        self.is_spent = self._calls < 1 or self._bytes < 0
