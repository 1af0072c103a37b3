"""A caller for servers with threads: the thread blocks until the reply or the deadline.

The function runs on one of our threads, or on the background loop. That is the only way in
Python for the server's thread to stop waiting at the deadline.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from ffhost.config.units import UNLIMITED
from ffhost.execution.caller import PAUSED_LOOK_SECONDS, FunctionCaller
from ffhost.execution.channels import EMPTY, StreamChannel, StreamCut
from ffhost.execution.failures import answer_crashed_call
from ffhost.execution.loops import BackgroundLoop
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.thread_signals import LONGEST_SECONDS, OwnSignals, ThreadSignal, own_locks
from ffhost.execution.threads import Threads
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.function import Function
from ffhost.invocation.slots import SlotTicket
from ffhost.web.messages import Reply


class _Waiter:
    """What a thread waits for: the reply, or first its slot."""

    __slots__ = ("reply", "signal")

    def __init__(self, signal: ThreadSignal) -> None:
        self.signal = signal
        self.reply: Reply | None = None

    def set(self, reply: Reply) -> None:
        """Deliver *reply*; only the first counts."""
        if self.reply is None:
            self.reply = reply
            try:
                self.signal.wake()
            except RuntimeError:  # another thread has just ended the wait
                return

    def wake(self) -> None:
        """End the wait."""
        try:
            self.signal.wake()
        except RuntimeError:  # another thread has just ended it
            return

    def wait_on(self, deadline: Deadline | None) -> None:
        """Wait for the reply until *deadline*, which may be paused."""
        while self.reply is None:
            seconds = -1.0
            if deadline is not None:
                longest = PAUSED_LOOK_SECONDS if deadline.is_paused else LONGEST_SECONDS
                seconds = min(deadline.remaining, longest)
                if not seconds:
                    return
            self.signal.wait(timeout=seconds)

    def wait_for_slot(self, ticket: SlotTicket, seconds: float) -> None:
        """Wait at most *seconds* until *ticket* is a slot, or nobody wants the reply any more."""
        ends_at = time.monotonic() + seconds
        while not ticket.granted and self.reply is None:
            left = ends_at - time.monotonic()
            if left <= 0:
                return
            self.signal.wait(timeout=min(left, LONGEST_SECONDS))


class BlockingCaller(FunctionCaller):
    """Calls one function from threads of a WSGI server.

    Attributes:
        signals: what these threads wait on
    """

    signals: OwnSignals = own_locks

    def __init__(self, function: Function, pool: Threads, background: BackgroundLoop) -> None:
        super().__init__(function, pool)
        self._background = background
        self._moving = threading.Lock()  # a call is answered and ended by two threads

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the background loop of this process."""
        return self._background.get()

    def answer(self, call: Call) -> Reply:
        """Call the function and wait for its reply, or for the deadline.

        Raises:
            TooManyRequests: no slot was free, and none became free in time
        """
        if not self.slots.try_acquire():
            self._queue(call, self.queue_seconds)
        call.move("running")
        waiter = call.waiter = _Waiter(self.signals.signal)
        timeout = -1.0
        seconds, ends_at = self.timeout_seconds, call.ends_at
        if seconds != UNLIMITED or ends_at != UNLIMITED:
            now = time.monotonic()
            if seconds > ends_at - now:
                seconds = ends_at - now if ends_at > now else 0.0
            timeout = seconds if seconds < LONGEST_SECONDS else LONGEST_SECONDS
            call.deadline = Deadline()
            call.deadline.at = now + seconds
        call.context = self.make_context()
        if self.function.is_async:
            self.loop().call_soon_threadsafe(self._begin, call, context=call.context)
        else:
            try:
                self.pool.submit(self.work, call, self.end)
            except RuntimeError as error:
                self.end_without_thread(call, error)
        # A thread that was woken may have run in between.
        if waiter.reply is None:
            waiter.signal.wait(timeout=timeout)
            if waiter.reply is None:
                waiter.wait_on(call.deadline)
        return waiter.reply or self.expire(call)

    def answer_timed_out(self, call: Call) -> None:
        """Record that the caller gets 504; the call may end on its thread at the same time."""
        with self._moving:
            super().answer_timed_out(call)

    def chunks_of(self, call: Call) -> BlockingStream:
        """Return the chunks of a streamed reply, for the server to iterate over and close."""
        return BlockingStream(self, call)

    def _begin(self, call: Call) -> None:
        if call.cancelled:
            self.end(call, None)
            return
        context = call.context if self.has_context else None
        call.job = asyncio.get_running_loop().create_task(self.perform(call), context=context)

    def _queue(self, call: Call, seconds: float) -> None:
        waiter = call.waiter = _Waiter(self.signals.signal)
        ticket = self.slots.enqueue(waiter.wake)
        if ticket is None:
            raise self.function.refusal()
        if ticket.granted:
            return
        waiter.wait_for_slot(ticket, seconds)
        if self.slots.leave(ticket):
            raise self.function.refusal()
        if waiter.reply is not None:  # the caller has left, just when the slot was granted
            self.slots.release()
            raise self.function.refusal()

    def deliver(self, call: Call, reply: Reply) -> None:
        """Deliver the head of a stream to the server's thread."""
        with self._moving:
            if call.state == "running":
                call.move("answered")
        call.waiter.set(reply)

    def end(self, call: Call, reply: Reply | None) -> None:
        """Free the slot and pass the reply to the server's thread."""
        with self._moving:
            call.end(keep_context=self.function.keeps_context)
        if call.deadline is not None and call.deadline.passed:
            stuck_calls.discard(call)
        self.slots.release()
        if reply is not None:
            call.waiter.set(reply)
        elif call.channel is None:
            call.waiter.set(answer_crashed_call(call))


class BlockingStream:
    """The body of a streamed reply as a WSGI iterable."""

    def __init__(self, caller: BlockingCaller, call: Call) -> None:
        self._caller = caller
        self._call = call
        self._channel: StreamChannel = call.channel
        self._sent_bytes = 0
        self._on_close: Callable[[int], None] | None = None

    def on_close(self, callback: Callable[[int], None]) -> None:
        """Call *callback* with the number of bytes sent, once the stream has ended."""
        self._on_close = callback

    def __iter__(self) -> BlockingStream:
        return self

    def __next__(self) -> bytes:
        chunk = self._next_chunk()
        if chunk is EMPTY:
            self._caller.expire(self._call)
            raise StreamCut(f"{self._call.function.name} passed its deadline")
        if not isinstance(chunk, bytes):
            raise StopIteration
        self._sent_bytes += len(chunk)
        return chunk

    def _next_chunk(self) -> Any:
        """Take the next chunk; `EMPTY` if the deadline passes before there is one."""
        deadline = self._call.deadline
        if deadline is None:
            return self._channel.get()
        while (left := deadline.remaining) > 0:
            chunk = self._channel.get(
                min(left, PAUSED_LOOK_SECONDS if deadline.is_paused else left)
            )
            if chunk is not EMPTY:
                return chunk
        return EMPTY

    def close(self) -> None:
        """Stop the function if the client left before the end."""
        self._caller.abandon(self._call)
        callback, self._on_close = self._on_close, None
        if callback is not None:
            callback(self._sent_bytes)
