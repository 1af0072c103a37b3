"""Bulkheads: how many calls of one function run at once, and how many may wait.

Nothing here waits. A caller that wants to wait for a slot leaves a `SlotTicket` whose ``wake`` is
called, from any thread, once it gets the slot.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ffhost.config.units import UNLIMITED


class SlotTicket:
    """A place in the queue for a slot."""

    __slots__ = ("granted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.granted = False


class Slots:
    """The slots of one function in one worker, given out first come, first served.

    No call waits while a slot is free, so a free slot can be taken without checking the queue.

    Args:
        concurrency: how many calls may run at once; infinite for no limit
        queue: how many may wait for a slot; infinite for no limit
    """

    __slots__ = ("_lock", "_waiting", "concurrency", "queue", "rejected", "running")

    def __init__(self, concurrency: float = UNLIMITED, queue: float = UNLIMITED) -> None:
        self.concurrency = concurrency
        self.queue = queue
        self.running = 0
        self.rejected = 0
        self._waiting: deque[SlotTicket] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Count the calls that wait for a slot."""
        return len(self._waiting)

    def try_acquire(self) -> bool:
        """Take a slot if one is free; if so, no call is waiting."""
        with self._lock:
            if self.running < self.concurrency:
                self.running += 1
                return True
            return False

    def enqueue(self, wake: Callable[[], object]) -> SlotTicket | None:
        """Queue for a slot; None if the queue is full.

        The ticket may be granted before this returns: look at it, or wait for *wake*.
        """
        with self._lock:
            ticket = SlotTicket(wake)
            if self.running < self.concurrency:
                self.running += 1
                ticket.granted = True
                return ticket
            if len(self._waiting) >= self.queue:
                self.rejected += 1
                return None
            self._waiting.append(ticket)
            return ticket

    def leave(self, ticket: SlotTicket) -> bool:
        """Stop waiting; False if the slot was granted meanwhile and must be used or released."""
        with self._lock:
            if ticket.granted:
                return False
            self._waiting.remove(ticket)
            self.rejected += 1
            return True

    def release(self) -> None:
        """Release a slot, or pass it to the call that has waited longest."""
        with self._lock:
            if self._waiting and self.running <= self.concurrency:
                ticket = self._waiting.popleft()
                ticket.granted = True
            else:
                self.running -= 1
                return
        ticket.wake()

    def resize(self, concurrency: float, queue: float) -> None:
        """Set new limits, as after a reload; running and waiting calls are not affected."""
        woken = []
        with self._lock:
            self.concurrency, self.queue = concurrency, queue
            while self._waiting and self.running < self.concurrency:
                ticket = self._waiting.popleft()
                ticket.granted = True
                self.running += 1
                woken.append(ticket)
        for ticket in woken:
            ticket.wake()
