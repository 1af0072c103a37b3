"""When a worker may do what on its way out. Reads the clock, and nothing else.

First it drains: it serves as before, and its answers close their connections. Then listeners
and idle connections close, and what is in flight may finish. A little of the time is kept
for the shut-down hooks, because the master kills when all of it is over.
"""

from __future__ import annotations

import time

_HOOKS_SHARE = 0.1
_HOOKS_MOST_SECONDS = 1.0
LINGER_SECONDS = 0.25
"""How long a new connection may stay silent after the listeners closed."""


class WorkerEnding:
    """The last part of a worker's life.

    Args:
        drain_seconds: how long to serve on
        grace_seconds: how long what is in flight may take after that
        accepting: whether connections are accepted while draining. A worker that is
            replaced leaves them to the others at once.
    """

    def __init__(self, drain_seconds: float, grace_seconds: float, *, accepting: bool) -> None:
        reserve = min(_HOOKS_MOST_SECONDS, grace_seconds * _HOOKS_SHARE)
        self._grace = grace_seconds - reserve
        self.accepting = accepting
        self.close_at = worker_time() + drain_seconds

    @property
    def give_up_at(self) -> float:
        """Return when what is still in flight is cut."""
        return self.close_at + self._grace

    def hurry(self) -> None:
        """End the drain now."""
        self.close_at = min(self.close_at, worker_time())


def worker_time() -> float:
    """Return the time that all deadlines of the server are counted in."""
    return time.monotonic()
