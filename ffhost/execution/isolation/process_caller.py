"""Runs the calls of an isolated function in its process, and sends what it streams.

The function and its generator run on the main thread, or on the process's loop. Chunks are sent as
they are made, while fewer bytes are on their way than the host asks for.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, cast

from ffhost.errors import ResultError
from ffhost.execution import shared_threads
from ffhost.execution.caller import FunctionCaller
from ffhost.execution.channels import ChunkSink, StreamClosed
from ffhost.execution.isolation.asking_process import AskingProcessConnection
from ffhost.execution.isolation.call_frames import reply_frame_head
from ffhost.execution.isolation.frames import (
    CANCEL,
    CHUNK,
    CHUNK_COST_BYTES,
    LARGEST_BODY_BYTES,
    STREAM,
    WINDOW_BYTES,
    ProcessFrame,
)
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply


class ProcessCaller(FunctionCaller):
    """Calls the function of this process.

    Args:
        connection: leads to the host
        complete: runs a coroutine on the loop of this process, from its main thread
        before_stream: called before the head of a stream is sent
    """

    def __init__(
        self,
        function: Function,
        connection: AskingProcessConnection,
        complete: Callable[[Coroutine[Any, Any, Any]], Any],
        before_stream: Callable[[], None],
    ) -> None:
        super().__init__(function, shared_threads.pool)
        self._connection = connection
        self._complete = complete
        self._before_stream = before_stream
        self._number = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop, while a coroutine function runs on it."""

    def answer(self, call: Call, number: int) -> Reply | None:
        """Run the call whose frame has *number*; None if its stream has been sent."""
        self._number = number
        try:
            if self.function.is_async:
                return cast("Reply | None", self._complete(self._answer_on_loop(call)))
            return self.work(call)
        finally:
            self._connection.sent = self._loop = None

    async def _answer_on_loop(self, call: Call) -> Reply | None:
        self._loop = asyncio.get_running_loop()
        reply: Reply = await cast("Any", self.run(call))
        return reply if reply.chunks is None else await self._stream_on_loop(call, reply)

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop on which the coroutine function runs."""
        assert self._loop is not None
        return self._loop

    def deliver(self, call: Call, reply: Reply) -> None:
        """Send the head of a stream, and its first chunk."""
        self._before_stream()
        call.channel.open(reply_frame_head(reply, call))

    def end(self, call: Call, reply: Reply | None) -> None:
        """Return at once: the process answers."""

    def _new_channel(self, _call: Call, reply: Reply) -> ChunkSink:
        kind = LoopFrames if hasattr(reply.chunks, "__anext__") else ThreadFrames
        channel = kind(self._connection, self._number)
        self._connection.sent = channel
        return channel

    def _await_from_thread(self, work: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            return self._complete(work)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Frames(ABC):
    """Chunks on their way to the host, as frames."""

    def __init__(self, connection: AskingProcessConnection, number: int) -> None:
        self.closed = False
        self.number = number
        self._connection = connection
        self._first: bytes | None = None
        self._room = WINDOW_BYTES

    def open(self, head: bytes) -> None:
        """Send the head, and the chunk that was offered before."""
        self._connection.send_part(STREAM, self.number, head)
        if self._first is not None:
            self._send(self._first)

    def offer(self, chunk: Any, wake: Callable[[], object]) -> bool:
        """Send *chunk*; False if there is no room: try again after *wake*.

        Raises:
            StreamClosed: nobody reads
            ResultError: the chunk is too large
        """
        if len(chunk) > LARGEST_BODY_BYTES:
            raise ResultError(
                f"a stream yielded {len(chunk)} bytes; the most is {LARGEST_BODY_BYTES}"
            )
        if wake is bool:  # the head comes first
            self._first = chunk
            return True
        self._connection.read_what_came()
        if not self._has_room():
            self._wait_for_room(wake)
            return False
        if self.closed:
            raise StreamClosed
        self._send(chunk)
        return True

    def _has_room(self) -> bool:
        return self.closed or self._room > 0

    def _send(self, chunk: bytes) -> None:
        self._room -= len(chunk) + CHUNK_COST_BYTES
        self._connection.send_part(CHUNK, self.number, b"", chunk)

    def take(self, frame: ProcessFrame) -> None:
        """Record that chunks were read, or that nobody reads them."""
        if frame.kind == CANCEL:
            self.closed = True
        else:
            self._room += frame.trusted_head()

    @abstractmethod
    def _wait_for_room(self, wake: Callable[[], object]) -> None:
        """Call *wake* once there is room."""

    def end(self, *, cut: bool = False) -> None:
        """Return at once: the answer ends the stream."""
        del cut


class ThreadFrames(_Frames):
    """The chunks of a generator, which waits in its thread."""

    def _wait_for_room(self, wake: Callable[[], object]) -> None:
        self._connection.read_until(self._has_room)
        wake()


class LoopFrames(_Frames):
    """The chunks of an async generator; its task is cancelled when nobody reads them."""

    def __init__(self, connection: AskingProcessConnection, number: int) -> None:
        super().__init__(connection, number)
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._wake: Callable[[], object] | None = None
        self._loop.add_reader(connection.stream, self._read)

    def _read(self) -> None:
        try:
            self._connection.read_what_came()
        except OSError:  # the host is gone
            self._stop()

    def take(self, frame: ProcessFrame) -> None:
        """Record that chunks were read, or cancel the task."""
        super().take(frame)
        self._loop.call_soon_threadsafe(self._stop if self.closed else self._go_on)

    def _stop(self) -> None:
        self.closed = True
        self.end()
        if self._task is not None:
            self._task.cancel()

    def _go_on(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    def _wait_for_room(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def end(self, *, cut: bool = False) -> None:
        """Stop reading for the task; the answer ends the stream."""
        self._loop.remove_reader(self._connection.stream)
