"""What both kinds of callers do alike: the work of a call, its stream, its deadline.

A caller starts a call on a thread or in a task and waits for one thing, the reply. The work
itself goes on here until the function has really ended, whoever still waits for it.
"""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from typing import Any, cast

from ffhost.errors import MethodNotAllowed, RequestError
from ffhost.execution.channels import (
    END,
    Channel,
    StreamClosed,
    close,
    close_async,
    push,
    push_async,
)
from ffhost.execution.executor import executor
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.threads import ThreadPool, Worker
from ffhost.host.loader import Function
from ffhost.invocation.current import CURRENT, Invocation
from ffhost.web.messages import Reply


class Caller(ABC):
    """Calls one function. Made once for each function of a host and each kind of front."""

    def __init__(self, function: Function, pool: ThreadPool) -> None:
        self.function = function
        self.run = function.run
        self.slots = function.slots
        self.pool = pool
        self.timeout_seconds = function.timeout_seconds
        if function.pending is not None:
            self.run = self._run_late
            self.work = self._work_late  # type: ignore[method-assign]

    @abstractmethod
    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the loop on which coroutine functions run."""

    @abstractmethod
    def deliver(self, invocation: Invocation, reply: Reply) -> None:
        """Give the waiting front its reply; called from any thread, the first one counts."""

    @abstractmethod
    def end(self, invocation: Invocation, reply: Reply | None) -> None:
        """Note that the function has ended, deliver *reply* if there is one, free the slot."""

    def work(self, invocation: Invocation) -> Reply | None:
        """Run the call on this thread; None if its reply was delivered on the way."""
        if invocation.expired:
            return None
        reply = cast("Reply", self.run(invocation))
        if reply.chunks is None:
            return reply
        CURRENT.set(invocation)
        if hasattr(reply.chunks, "__anext__"):
            work = self._stream_async(invocation, reply, cast("AsyncIterator[bytes]", reply.chunks))
            return asyncio.run_coroutine_threadsafe(work, self.loop()).result()
        return self._stream(invocation, reply, reply.chunks)

    # A function that is loaded at its first call. Until then its calls run on threads.

    def _run_late(self, invocation: Invocation) -> Any:
        function = self.function
        try:
            _check_method(function, invocation.message.method)
        except RequestError as error:
            reply = function.fail(invocation, error)
            return _at_once(reply) if function.is_async else reply
        return function.run(invocation)

    def _work_late(self, invocation: Invocation) -> Reply | None:
        function = self.function
        try:
            if function.pending is not None:
                function.pending.wait(function)
        except RequestError as error:
            return function.fail(invocation, error)
        if not function.is_async:
            return Caller.work(self, invocation)
        work = asyncio.run_coroutine_threadsafe(self._begin_late(invocation), self.loop())
        try:
            return work.result()
        except CancelledError:
            return None

    async def _begin_late(self, invocation: Invocation) -> Reply | None:
        # The thread that waits is in the context of the call until now. Hooks end in the
        # one that the function runs in.
        context = invocation.context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.create_task(self._perform_late(invocation), context=context)

    async def _perform_late(self, invocation: Invocation) -> Reply | None:
        if invocation.expired:
            return None
        invocation.job = asyncio.current_task()
        reply: Reply = await self._run_late(invocation)
        if reply is None or reply.chunks is None:
            return reply
        return await self._stream_on_loop(invocation, reply)

    async def perform(self, invocation: Invocation, begun: Reply | None = None) -> None:
        """Run the call in this task, or only its stream if *begun* is what it has given."""
        reply: Reply | None = None
        try:
            reply = begun or await cast("Any", self.run(invocation))
            if reply is not None and reply.chunks is not None:
                streamed, reply = reply, None
                reply = await self._stream_on_loop(invocation, streamed)
        except asyncio.CancelledError:
            if not invocation.expired and not (
                invocation.channel is not None and invocation.channel.closed
            ):
                raise
        finally:
            self.end(invocation, reply)

    async def _stream_on_loop(self, invocation: Invocation, reply: Reply) -> Reply | None:
        if hasattr(reply.chunks, "__anext__"):
            chunks = cast("AsyncIterator[bytes]", reply.chunks)
            return await self._stream_async(invocation, reply, chunks)
        work = executor.submit(
            self._stream, invocation, reply, cast("Iterator[bytes]", reply.chunks)
        )
        return await asyncio.wrap_future(work)

    # The head is sent with the first chunk, so that a stream which fails before it has one
    # is a 500 and not a broken connection. Nobody wants the chunks of a HEAD: none is made.

    def _stream(
        self, invocation: Invocation, reply: Reply, chunks: Iterator[bytes]
    ) -> Reply | None:
        try:
            first = END if invocation.message.method == "HEAD" else next(chunks, END)
            channel = self._open_stream(invocation, reply, first)
            if first is not END:
                push(chunks, channel)
            channel.end()
        except BaseException as error:
            return self._stream_failed(invocation, error)
        finally:
            close(chunks)
        return None

    async def _stream_async(
        self, invocation: Invocation, reply: Reply, chunks: AsyncIterator[bytes]
    ) -> Reply | None:
        try:
            first = END if invocation.message.method == "HEAD" else await anext(chunks, END)
            channel = self._open_stream(invocation, reply, first)
            if first is not END:
                await push_async(chunks, channel)
            channel.end()
        except BaseException as error:
            return self._stream_failed(invocation, error)
        finally:
            await close_async(chunks)
        return None

    def _open_stream(self, invocation: Invocation, reply: Reply, first: Any) -> Channel:
        channel = invocation.channel = Channel()
        if invocation.expired:
            channel.close(cut=True)
        elif first is not END:
            channel.offer(first, bool)
        self.deliver(invocation, Reply(reply.status, reply.headers))
        return channel

    def _stream_failed(self, invocation: Invocation, error: BaseException) -> Reply | None:
        channel: Channel | None = invocation.channel
        if channel is None:
            return self.function.fail(invocation, error)
        # Closed by the front, at the deadline or because the client has gone: no failure.
        if not (invocation.expired or channel.closed or isinstance(error, StreamClosed)):
            self.function.fail(invocation, error)
        channel.end(cut=True)
        return None

    def let_go(self, invocation: Invocation) -> None:
        """Note that the function has really ended, and part the call from what ran it.

        Context and task hold the invocation: together they would be a cycle, and every call
        work for the garbage collector.
        """
        invocation.ended = True
        invocation.job = None
        if not self.function.keeps_context:
            invocation.context = None

    def expire(self, invocation: Invocation) -> Reply:
        """Stop a call whose deadline has passed, as far as Python can; give the 504.

        Its slot stays taken until the function really ends.
        """
        invocation.expired = True
        reply = self.function.timed_out(invocation)
        if self.function.processes is not None:
            return reply  # the thread that waits for the process kills it
        stuck_calls.add(invocation)
        if invocation.channel is not None:
            invocation.channel.close(cut=True)
        stop(invocation)
        return reply

    def abandon(self, invocation: Invocation) -> None:
        """Stop a stream that nobody reads any more."""
        invocation.channel.close()
        if isinstance(invocation.job, asyncio.Task) and not invocation.ended:
            stop(invocation)


def _check_method(function: Function, method: str) -> None:
    """Refuse what the router let through because it did not know the signature yet.

    Raises:
        MethodNotAllowed: the function does not answer *method*
    """
    methods = function.methods
    if methods is None or method in methods or (method == "HEAD" and "GET" in methods):
        return
    raise MethodNotAllowed(
        f"{function.name} does not answer {method}", headers={"Allow": ", ".join(sorted(methods))}
    )


async def _at_once(reply: Reply) -> Reply:
    return reply


def stop(invocation: Invocation) -> None:
    """Interrupt the thread or cancel the task that runs *invocation*."""
    job = invocation.job
    if isinstance(job, Worker):
        job.interrupt(invocation)
    elif isinstance(job, asyncio.Task):
        try:
            job.get_loop().call_soon_threadsafe(job.cancel)
        except RuntimeError:  # the loop is closed, and the task with it
            return
