"""Calls that are sent to a process before it is free, so that it need not wait for the next one.

A call that waits for a slot may be sent to a process that runs another one, if calls of the
function have been short lately. It goes on waiting: it has no deadline yet, it can be refused when
its time in the queue is over, and it gets the slot of the call before it in its process. If that
one takes long, the call is taken back, and is again the first that waits. Whether the process has
begun a call is never a guess: the socket hands it to one of the two.

Calls are sent early in the order of the queue. What cannot be sent early, such as a call by another
function, stops that until it has its slot: nobody is overtaken for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ffhost.execution.isolation.call_frames import call_frame_head
from ffhost.execution.isolation.frames import CALL
from ffhost.execution.isolation.isolated_process import IsolatedProcess
from ffhost.execution.isolation.loop_connection import LoopProcessConnection, SentRequest
from ffhost.invocation.call import Call
from ffhost.invocation.slots import Slots, SlotTicket

if TYPE_CHECKING:
    from ffhost.execution.isolation.process_pool import ProcessPool

MOST_SENT = 8
"""How many calls a process has at most, with the one that it runs."""
MOST_BYTES = 8 << 10
"""How large a call may be that is sent early: all of them are in the memory of the kernel."""
SHORT_SECONDS = 0.001
"""How long a call may take that counts as short."""
LATE_SECONDS = 0.004
"""After how long the calls behind one that runs are taken back."""
_LOOK_SECONDS = 0.002
_LONG_LIMIT, _LONG_STEP = 8, 4
"""A long call counts four, a short one takes one away; from eight on nothing is sent early."""


class EarlyCall(SlotTicket):
    """A place in the queue of a call that may be sent to a process before it has a slot.

    Args:
        call: the call
        seconds: how long it may run, from when the process begins it; None for no limit
        watch: called with the call when its process begins it; None if it has no deadline
        calls: what sends it

    Attributes:
        answer: the future of the answer, or of None once it has a slot and must be sent
        process: what it was sent to
        seconds: as given
        sent: the request that it was sent as; None if it was not sent, or was taken back
    """

    __slots__ = ("_loop", "_watch", "answer", "call", "calls", "process", "seconds", "sent")

    def __init__(
        self,
        call: Call,
        seconds: float | None,
        watch: Callable[[Call], object] | None,
        calls: EarlyCalls,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.granted = False
        self.call = call
        self.calls = calls
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.process: IsolatedProcess | None = None
        self.sent: SentRequest | None = None
        self._loop = loop
        self.seconds = seconds
        self._watch = watch

    def begin(self) -> None:
        """Take the slot of the call before it in its process."""
        self.calls.slots.grant(self)
        self.call.move("running")
        if self._watch is not None:
            self._watch(self.call)

    def wake(self) -> None:
        """End the wait: it has a slot, and is in no process."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake_here)

    def _wake_here(self) -> None:
        if not self.answer.done():
            self.answer.set_result(None)

    def withdraw(self) -> bool:
        """Make sure that it never runs without a slot of its own; False if it has begun."""
        if self.sent is None:
            return True
        assert self.process is not None
        assert self.process.calls is not None
        self.calls.restore(self.process.calls.take_back_early(self.sent))
        return self.sent is None


class EarlyCalls:
    """Sends calls to the processes of one pool before these are free.

    Attributes:
        slots: those of the function
    """

    def __init__(self, pool: ProcessPool) -> None:
        self.slots = Slots()
        self._pool = pool
        self._long = _LONG_LIMIT
        self._timer: asyncio.TimerHandle | None = None

    def note(self, seconds: float) -> None:
        """Record how long a call ran."""
        if seconds >= SHORT_SECONDS:
            self._long = min(self._long + _LONG_STEP, 2 * _LONG_LIMIT)
        elif self._long:
            self._long -= 1

    def join(self, ticket: EarlyCall) -> bool:
        """Queue for a slot as `Slots.join` does, and send the call if it is the first."""
        slots = self.slots
        if self._long < _LONG_LIMIT and not slots.line:
            request = self._request_with_room(ticket.call, ticket.seconds)
            if request is not None and slots.join_promised():
                self._send(ticket, *request)
                return True
        return slots.join(ticket)

    def offer(self) -> None:
        """Send calls early, those that have waited longest first, while processes have room."""
        slots = self.slots
        while slots.line and self._long < _LONG_LIMIT:
            ticket = slots.first()
            if not isinstance(ticket, EarlyCall) or ticket.calls is not self:
                return
            request = self._request_with_room(ticket.call, ticket.seconds)
            if request is None or not slots.promise(ticket):
                return
            self._send(ticket, *request)

    def _send(self, ticket: EarlyCall, process: IsolatedProcess, head: bytes) -> None:
        connection, call = process.calls, ticket.call
        assert connection is not None
        ticket.process = process
        # The process may be about to begin it, so it may get its slot here.
        ticket.sent = connection.ask(CALL, head, call.message.body, call, ticket)
        if self._timer is None:
            self._timer = ticket.answer.get_loop().call_later(_LOOK_SECONDS, self._look)

    def _request_with_room(
        self, call: Call, seconds: float | None
    ) -> tuple[IsolatedProcess, bytes] | None:
        """Return the process that was sent least, and the head of the request that asks for *call*.

        It is None if all have enough, one is idle, or the request is too large to be sent early.
        """
        pool = self._pool
        if pool.idle or pool.leasing or pool.closed:
            return None
        revision = pool.config.revision
        late = time.monotonic() - LATE_SECONDS
        best, fewest = None, MOST_SENT
        for process in pool.processes:
            calls = process.calls
            if (
                calls is not None
                and len(calls.sent) < fewest
                and calls.begun_at > late
                and process.revision == revision
                and not calls.is_closing
            ):
                best, fewest = process, len(calls.sent)
        size = len(call.message.body)
        if best is None or size > MOST_BYTES:
            return None
        head = call_frame_head(call, seconds)
        return (best, head) if size + len(head) <= MOST_BYTES else None

    def restore(self, early: Sequence[EarlyCall]) -> None:
        """Put calls that were taken back at the head of the line."""
        for each in early:
            each.sent = None
        if early:
            self.slots.restore(early)

    def _look(self) -> None:
        """Take back what waits for a call that takes long."""
        self._timer = None
        waits = False
        for process in self._pool.processes:
            calls = process.calls
            if calls is None or len(calls.sent) < 2:
                continue
            if self._is_late(calls):
                calls.read()  # the loop may be what is late
            if len(calls.sent) > 1 and self._is_late(calls):
                self.restore(calls.take_back_early())
            waits = waits or len(calls.sent) > 1
        self.offer()
        if waits and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    @staticmethod
    def _is_late(calls: LoopProcessConnection) -> bool:
        return time.monotonic() - calls.begun_at > LATE_SECONDS
