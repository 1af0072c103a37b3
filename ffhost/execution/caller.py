"""The common part of both kinds of callers: the work of a call, its stream, its deadline.

A caller starts a call on a thread or in a task and waits only for the reply. The work
continues here until the function has really ended.
"""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from typing import Any, cast

from ffhost.errors import MethodNotAllowed, RequestError
from ffhost.execution.channels import (
    END,
    ChunkSink,
    StreamChannel,
    StreamClosed,
    StreamCut,
    close_async_generator,
    close_generator,
    push_chunks,
    push_chunks_async,
    push_file_body,
)
from ffhost.execution.executor import executor
from ffhost.execution.failures import answer_call_without_thread, answer_timed_out_call
from ffhost.execution.file_body import FileBody
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.threads import PoolThread, Threads
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Function
from ffhost.signatures.chunks import FollowedChunks
from ffhost.signatures.file_parts import RequestFilePart
from ffhost.web.messages import Reply

PAUSED_LOOK_SECONDS = 0.25
"""Seconds between two checks of a deadline that is paused, as in a debugger."""


class FunctionCaller(ABC):
    """Calls one function. Made once for each function of a host and each kind of front.

    Attributes:
        make_context: returns the context in which the function runs
        has_context: whether a coroutine function needs that context, and not a copy of the task's
    """

    make_context: Callable[[], contextvars.Context] = contextvars.copy_context

    def __init__(self, function: Function, pool: Threads) -> None:
        self.function = function
        self.run = function.run
        self.slots = function.slots
        self.pool = pool
        self.timeout_seconds = function.timeout_seconds
        self.queue_seconds = function.queue_timeout_seconds
        self.has_context = function.keeps_context
        if function.late_load is not None:
            self.run = self._run_late
            self.work = self._work_late  # type: ignore[method-assign]

    @staticmethod
    def takes_files() -> bool:
        """Whether the server of this call takes a `FileBody` as a chunk."""
        return False

    @abstractmethod
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop on which coroutine functions run."""

    @abstractmethod
    def deliver(self, call: Call, reply: Reply) -> None:
        """Deliver its reply to the waiting front; called from any thread, only the first counts."""

    @abstractmethod
    def end(self, call: Call, reply: Reply | None) -> None:
        """Record that the function has ended, deliver *reply* if there is one, free the slot."""

    def end_without_thread(self, call: Call, error: RuntimeError) -> None:
        """End a call that never began, because no thread can be started, with 503."""
        self.end(call, answer_call_without_thread(call, error))

    def work(self, call: Call) -> Reply | None:
        """Run the call on this thread; None if its reply was delivered on the way."""
        deadline = call.deadline
        if call.cancelled or (deadline is not None and deadline.passed):
            return None
        reply: Reply = self.run(call)  # type: ignore[assignment]
        if reply.chunks is None:
            return reply
        CURRENT.set(call)
        if hasattr(reply.chunks, "__anext__"):
            work = self._stream_async(call, reply, cast("AsyncIterator[bytes]", reply.chunks))
            return cast("Reply | None", self._await_from_thread(work))
        return self._stream(call, reply, reply.chunks)

    # A function that is loaded at its first call. Until then its calls run on threads. The
    # front may have made the call before another one loaded the function.

    def _run_late(self, call: Call) -> Any:
        function = call.function = self.function
        try:
            _check_method(function, call.message.method)
        except RequestError as error:
            reply = function.failures.reply(call, error)
            return _at_once(reply) if function.is_async else reply
        return function.run(call)

    def _work_late(self, call: Call) -> Reply | None:
        if self.function.late_load is not None:
            try:
                self.function = self.function.late_load.wait()
            except RequestError as error:
                return self.function.failures.reply(call, error)
        if not self.function.is_async:
            return FunctionCaller.work(self, call)
        work = asyncio.run_coroutine_threadsafe(self._begin_late(call), self.loop())
        try:
            return work.result()
        except CancelledError:
            return None

    async def _begin_late(self, call: Call) -> Reply | None:
        # The thread that waits is in the context of the call until now. Hooks end in the
        # one that the function runs in.
        context = call.context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.create_task(self._perform_late(call), context=context)

    async def _perform_late(self, call: Call) -> Reply | None:
        if call.timed_out:
            return None
        call.job = asyncio.current_task()
        reply: Reply = await self._run_late(call)
        if reply is None or reply.chunks is None:
            return reply
        return await self._stream_on_loop(call, reply)

    async def perform(self, call: Call, begun: Reply | None = None) -> None:
        """Run the call in this task, or only its stream if *begun* is its result."""
        reply: Reply | None = None
        try:
            reply = begun or await cast("Any", self.run(call))
            if reply is not None and reply.chunks is not None:
                streamed, reply = reply, None
                reply = await self._stream_on_loop(call, streamed)
        except asyncio.CancelledError:
            if not call.timed_out and not (call.channel is not None and call.channel.closed):
                raise
        finally:
            self.end(call, reply)

    async def _stream_on_loop(self, call: Call, reply: Reply) -> Reply | None:
        if hasattr(reply.chunks, "__anext__"):
            chunks = cast("AsyncIterator[bytes]", reply.chunks)
            return await self._stream_async(call, reply, chunks)
        work = executor.submit(self._stream, call, reply, cast("Iterator[bytes]", reply.chunks))
        return await asyncio.wrap_future(work)

    # The head is sent with the first chunk, so that a stream which fails before it has one
    # is a 500 and not a broken connection. Nobody wants the chunks of a HEAD: none is made.

    def _stream(self, call: Call, reply: Reply, chunks: Iterator[bytes]) -> Reply | None:
        is_head = call.message.method == "HEAD"
        try:
            if isinstance(chunks, RequestFilePart) and not is_head:
                whole = chunks.whole()
                if whole is not None:
                    return Reply(reply.status, reply.headers, whole)
                if self.takes_files():
                    body = FileBody(chunks)
                    push_file_body(body, self._open_stream(call, reply, body), chunks.close_file)
                    return None
            first = END if is_head else next(chunks, END)
            channel = self._open_stream(call, reply, first)
            if first is not END:
                push_chunks(chunks, channel)
            if isinstance(chunks, FollowedChunks):
                self._await_from_thread(_awaited(chunks.after))
            channel.end()
        except BaseException as error:
            return self._stream_failed(call, error)
        finally:
            try:
                close_generator(chunks)
            except BaseException as error:
                self._closing_failed(call, error)
        return None

    async def _stream_async(
        self, call: Call, reply: Reply, chunks: AsyncIterator[bytes]
    ) -> Reply | None:
        try:
            first = END if call.message.method == "HEAD" else await anext(chunks, END)
            channel = self._open_stream(call, reply, first)
            if first is not END:
                await push_chunks_async(chunks, channel)
            channel.end()
        except BaseException as error:
            return self._stream_failed(call, error)
        finally:
            try:
                await close_async_generator(chunks)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._closing_failed(call, error)
        return None

    def _open_stream(self, call: Call, reply: Reply, first: Any) -> Any:
        channel = call.channel = self._new_channel(call, reply)
        if call.timed_out:
            channel.close(cut=True)
        elif first is not END:
            channel.offer(first, bool)
        self.deliver(call, Reply(reply.status, reply.headers))
        return channel

    def _new_channel(self, _call: Call, _reply: Reply) -> Any:
        return StreamChannel()

    def _await_from_thread(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop()).result()

    def _stream_failed(self, call: Call, error: BaseException) -> Reply | None:
        channel: ChunkSink | None = call.channel
        if channel is None:
            return self.function.failures.reply(call, error)
        # Closed by the front, at the deadline or because the client is gone: not a failure.
        # One that was cut in a process has been logged there.
        if not (call.timed_out or channel.closed or isinstance(error, StreamClosed | StreamCut)):
            self.function.failures.reply(call, error)
        channel.end(cut=not isinstance(error, StreamClosed))
        return None

    def _closing_failed(self, call: Call, error: BaseException) -> None:
        """Write that the function has failed; the answer has ended, one way or the other."""
        self.function.failures.reply(call, error)

    def expire(self, call: Call) -> Reply:
        """Stop a call past its deadline, as far as Python can, and return the 504.

        Its slot stays taken until the function really ends.
        """
        self.answer_timed_out(call)
        reply = answer_timed_out_call(call)
        if self.function.processes is None:
            stuck_calls.add(call)  # a process is killed
        if call.channel is not None:
            call.channel.close(cut=True)
        stop_running_call(call)
        return reply

    def answer_timed_out(self, call: Call) -> None:
        """Record that the caller gets 504, unless it has the head of a stream already."""
        assert call.deadline is not None
        call.deadline.passed = True
        if call.state == "running":
            call.move("answered")

    def abandon(self, call: Call) -> None:
        """Stop a stream whose client is gone."""
        call.channel.close()
        if isinstance(call.job, asyncio.Task) and call.state != "ended":
            stop_running_call(call)


def _check_method(function: Function, method: str) -> None:
    """Reject a method that the router let through because the signature was not known yet.

    Raises:
        MethodNotAllowed: the function does not answer *method*
    """
    methods = function.methods
    if methods is None or method in methods or (method == "HEAD" and "GET" in methods):
        return
    raise MethodNotAllowed(
        f"{function.name} does not answer {method}", headers={"Allow": ", ".join(sorted(methods))}
    )


async def _awaited(after: Callable[[], Awaitable[object]]) -> None:
    await after()


async def _at_once(reply: Reply) -> Reply:
    return reply


def stop_running_call(call: Call) -> None:
    """Interrupt the thread or cancel the task that runs *call*."""
    job = call.job
    if isinstance(job, PoolThread):
        job.interrupt(call)
    elif isinstance(job, asyncio.Task):
        try:
            job.get_loop().call_soon_threadsafe(job.cancel)
        except RuntimeError:  # the loop is closed, and the task with it
            return
