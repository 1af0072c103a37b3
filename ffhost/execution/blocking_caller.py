"""Calls functions from a server's thread, which waits: for a slot, for the reply, no longer.

The function runs on a thread of ours all the same, or on the background loop: the server's
thread can leave it at the deadline, and Python has no other way to do so.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable

from ffhost.config.units import UNLIMITED
from ffhost.execution.caller import Caller
from ffhost.execution.channels import EMPTY, Channel, StreamCut
from ffhost.execution.loops import BackgroundLoop
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.threads import ThreadPool
from ffhost.host.loader import Function
from ffhost.invocation.current import Invocation
from ffhost.web.messages import Reply


class _Waiter:
    """What a server's thread waits on."""

    __slots__ = ("lock", "reply")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.reply: Reply | None = None

    def set(self, reply: Reply) -> None:
        if self.reply is None:
            self.reply = reply
            self.lock.release()


class BlockingCaller(Caller):
    """Calls one function from threads of a WSGI server."""

    def __init__(self, function: Function, pool: ThreadPool, background: BackgroundLoop) -> None:
        super().__init__(function, pool)
        self._background = background

    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the background loop of this process."""
        return self._background.get()

    def answer(self, invocation: Invocation) -> Reply:
        """Call the function and wait for its reply, or for the deadline.

        Raises:
            TooManyRequests: no slot was free, and none became free in time
        """
        if not self.slots.try_acquire():
            self._queue()
        waiter = invocation.waiter = _Waiter()
        timeout = -1.0
        if self.timeout_seconds != UNLIMITED:
            timeout = self.timeout_seconds
            invocation.deadline = time.monotonic() + timeout
        invocation.context = contextvars.copy_context()
        if self.function.is_async:
            self.loop().call_soon_threadsafe(self._begin, invocation, context=invocation.context)
        else:
            self.pool.submit(self.work, invocation, self.end)
        if not waiter.lock.acquire(timeout=timeout):
            return self.expire(invocation)
        if waiter.reply is None:
            return self.function.crashed(invocation)
        return waiter.reply

    def chunks_of(self, invocation: Invocation) -> BlockingStream:
        """Give the chunks of a streamed reply, for the server to iterate over and close."""
        return BlockingStream(self, invocation)

    def _begin(self, invocation: Invocation) -> None:
        context = invocation.context if self.function.keeps_context else None
        invocation.job = asyncio.get_running_loop().create_task(
            self.perform(invocation), context=context
        )

    def _queue(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        ticket = self.slots.enqueue(lock.release)
        if ticket is None:
            raise self.function.refusal()
        if ticket.granted:
            return
        timeout = self.function.queue_timeout_seconds
        if not lock.acquire(timeout=-1 if timeout == UNLIMITED else timeout) and self.slots.leave(
            ticket
        ):
            raise self.function.refusal()

    def deliver(self, invocation: Invocation, reply: Reply) -> None:
        """Give the server's thread the head of a stream."""
        invocation.waiter.set(reply)

    def end(self, invocation: Invocation, reply: Reply | None) -> None:
        """Free the slot and give the server's thread its reply."""
        self.let_go(invocation)
        if invocation.expired:
            stuck_calls.discard(invocation)
        self.slots.release()
        if reply is not None:
            invocation.waiter.set(reply)
        elif invocation.channel is None:
            invocation.waiter.set(self.function.crashed(invocation))


class BlockingStream:
    """The body of a streamed reply as a WSGI server wants it."""

    def __init__(self, caller: BlockingCaller, invocation: Invocation) -> None:
        self._caller = caller
        self._invocation = invocation
        self._channel: Channel = invocation.channel
        self._sent_bytes = 0
        self._on_close: Callable[[int], None] | None = None

    def on_close(self, callback: Callable[[int], None]) -> None:
        """Call *callback* with the number of bytes sent, once the stream has ended."""
        self._on_close = callback

    def __iter__(self) -> BlockingStream:
        return self

    def __next__(self) -> bytes:
        remaining = self._invocation.remaining
        chunk = self._channel.get(-1 if remaining is None else remaining)
        if chunk is EMPTY:
            self._caller.expire(self._invocation)
            raise StreamCut(f"{self._invocation.function.name} passed its deadline")
        if not isinstance(chunk, bytes):
            raise StopIteration
        self._sent_bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """Stop the function if the client left before the end."""
        self._caller.abandon(self._invocation)
        callback, self._on_close = self._on_close, None
        if callback is not None:
            callback(self._sent_bytes)
