"""Which worker is replaced next, and when one that died is. Forks nothing and kills nothing.

One at a time: the new worker is ready before the old one is told to go, and the next one is
begun when the old one has gone, so that there is never more than one worker too many.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Container, Iterable

SOON_SECONDS = 10.0
"""A worker that has served for this long did not die of its start."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
"""Short enough to be back soon when the cause is gone, and long enough to spare the machine."""


class ReplacementPauses:
    """How long to wait until a worker is replaced that died before it had served for a while.

    Each pause is twice as long as the one before. They begin anew when a worker that was
    started after the last one has served for a while.
    """

    def __init__(self) -> None:
        self._next = _FIRST_PAUSE_SECONDS
        self._last = 0.0
        self.over_at = 0.0
        """When the next worker may be started."""

    def begin(self, ready_since: Iterable[float]) -> float:
        """Begin a pause; return its seconds.

        Args:
            ready_since: since when each of the workers that serve is ready
        """
        now = time.monotonic()
        if any(self._last < since <= now - SOON_SECONDS for since in ready_since):
            self._next = _FIRST_PAUSE_SECONDS
        pause, self._last = self._next, now
        self._next = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self.over_at = now + pause
        return pause

    def left(self) -> float:
        """Return how many seconds of the pause are left."""
        return max(0.0, self.over_at - time.monotonic())


class RollingReplacement:
    """The replacements that are due, and the one that is under way."""

    def __init__(self) -> None:
        self._due: deque[int] = deque()
        self._leaving: int | None = None
        self.old: int | None = None
        self.new: int | None = None

    @property
    def pending(self) -> bool:
        """Whether a replacement is due or under way."""
        return bool(self._due) or self.new is not None

    def add(self, pid: int) -> None:
        """Queue the worker *pid* for replacement."""
        if pid != self.old and pid not in self._due:
            self._due.append(pid)

    def restart(self, pids: Iterable[int]) -> None:
        """Queue all of *pids* for replacement, whatever was due before."""
        self._due = deque(pids)
        self._leaving = None

    def next(self, active: Container[int], alive: Container[int]) -> int | None:
        """Return the worker that is to be replaced now, if any.

        Args:
            active: the workers that are to stay
            alive: those, and those that are on their way out
        """
        if self.new is not None or self._leaving in alive:
            return None
        while self._due:
            pid = self._due.popleft()
            if pid in active:
                return pid
        return None

    def began(self, old: int, new: int) -> None:
        """Record that *new* was started to take the place of *old*."""
        self.old, self.new = old, new

    def succeeded(self) -> int | None:
        """Record that the new worker is ready; return the one that is to leave."""
        self._leaving, self.old, self.new = self.old, None, None
        return self._leaving

    def failed(self) -> None:
        """Cancel the replacement: the new worker did not come up, and the next would not either."""
        self.old = self.new = None
        self._due.clear()
