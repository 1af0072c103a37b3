"""Bulkheads: how many calls of one function run at once, and how many may wait.

Nothing here waits. A caller that wants to wait for a slot leaves a `SlotTicket` whose ``wake`` is
called, from any thread, once it gets the slot.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from ffhost.config.units import UNLIMITED


class SlotTicket(ABC):
    """A place in the queue for a slot.

    Attributes:
        granted: whether it has become a slot; False at first
    """

    __slots__ = ("granted",)

    granted: bool

    @abstractmethod
    def wake(self) -> object:
        """End the wait, from any thread: it has become a slot."""


class _PlainTicket(SlotTicket):
    """A place in the queue of who waits for a call of *wake*."""

    __slots__ = ("_call",)

    def __init__(self, wake: Callable[[], object]) -> None:
        self._call = wake
        self.granted = False

    def wake(self) -> object:
        return self._call()


class Slots:
    """The slots of one function in one worker, given out first come, first served.

    No call waits while a slot is free, so a free slot can be taken without checking the queue.

    Args:
        concurrency: how many calls may run at once; infinite for no limit
        queue: how many may wait for a slot; infinite for no limit

    Attributes:
        line: the tickets that wait and were not promised anything, the oldest first
    """

    __slots__ = ("_lock", "_promised", "concurrency", "line", "queue", "rejected", "running")

    def __init__(self, concurrency: float = UNLIMITED, queue: float = UNLIMITED) -> None:
        self.concurrency = concurrency
        self.queue = queue
        self.running = 0
        self.rejected = 0
        self.line: deque[SlotTicket] = deque()
        self._promised = 0
        """How many tickets have left the line, each for the slot of a call that runs."""
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Count the calls that wait for a slot."""
        return len(self.line) + self._promised

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
        ticket = _PlainTicket(wake)
        return ticket if self.join(ticket) else None

    def join(self, ticket: SlotTicket) -> bool:
        """Queue for a slot with a new *ticket*, as `enqueue` does; False if the queue is full."""
        with self._lock:
            if self.running < self.concurrency:
                self.running += 1
                ticket.granted = True
                return True
            if len(self.line) + self._promised >= self.queue:
                self.rejected += 1
                return False
            self.line.append(ticket)
            return True

    def leave(self, ticket: SlotTicket) -> bool:
        """Stop waiting; False if the slot was granted meanwhile and must be used or released."""
        with self._lock:
            if ticket.granted:
                return False
            self.line.remove(ticket)
            self.rejected += 1
            return True

    def release(self) -> None:
        """Release a slot, or pass it to the call that has waited longest."""
        with self._lock:
            if self.line and self.running <= self.concurrency:
                ticket = self.line.popleft()
                ticket.granted = True
            else:
                self.running -= 1
                return
        ticket.wake()

    # A call that is sent to a process ahead of its turn keeps its place, but gets no other slot
    # than that of the call before it in its process.

    def first(self) -> SlotTicket | None:
        """Return the ticket that has waited longest; None if there is none."""
        try:
            return self.line[0] if self.line else None
        except IndexError:  # another thread has just taken it
            return None

    def join_promised(self) -> bool:
        """Queue with a ticket that is promised at once; False if `join` must be asked."""
        with self._lock:
            if self.line or self.running < self.concurrency or self._promised >= self.queue:
                return False
            self._promised += 1
            return True

    def promise(self, ticket: SlotTicket) -> bool:
        """Take *ticket* out of the line if it is the first, to be granted or restored later."""
        with self._lock:
            if not self.line or self.line[0] is not ticket:
                return False
            self.line.popleft()
            self._promised += 1
            return True

    def grant(self, ticket: SlotTicket) -> None:
        """Make a promised ticket a slot, without waking it: the call before it has ended.

        The slot of that one is released in a moment; until then one too many are taken.
        """
        with self._lock:
            self._promised -= 1
            self.running += 1
            ticket.granted = True

    def restore(self, tickets: Sequence[SlotTicket]) -> None:
        """Put promised tickets back, the first of them first, to the head of the line."""
        with self._lock:
            self._promised -= len(tickets)
            self.line.extendleft(reversed(tickets))
            woken = self._grant_free()
        for ticket in woken:
            ticket.wake()

    def _grant_free(self) -> list[SlotTicket]:
        """Make tickets slots while there are free ones, and return them; under the lock."""
        granted = []
        while self.line and self.running < self.concurrency:
            ticket = self.line.popleft()
            ticket.granted = True
            self.running += 1
            granted.append(ticket)
        return granted

    def resize(self, concurrency: float, queue: float) -> None:
        """Set new limits, as after a reload; running and waiting calls are not affected."""
        with self._lock:
            self.concurrency, self.queue = concurrency, queue
            woken = self._grant_free()
        for ticket in woken:
            ticket.wake()
