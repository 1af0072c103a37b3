"""Which worker is replaced next. Forks nothing and kills nothing.

One at a time: the new worker is ready before the old one is told to go, and the next one is
begun when the old one has gone, so that there is never more than one worker too many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable


class Rolling:
    """The replacements that are due, and the one that is under way."""

    def __init__(self) -> None:
        self._due: deque[int] = deque()
        self._leaving: int | None = None
        self.old: int | None = None
        self.new: int | None = None

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
