"""A bounded queue of chunks, with backpressure, from a function to the front that sends them.

Either side may be a thread or a task. The decisions are made in methods that do not wait; the
methods for threads and for tasks only add the waiting.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from ffhost.execution.file_body import FileBody

CAPACITY = 32
"""How many chunks a function may be ahead of its client."""
CAPACITY_BYTES = 256 * 1024
"""How many bytes they may have together; a larger chunk waits alone.

Enough that a fast function and the server take turns seldom, and little for a thousand clients.
"""

EMPTY: Final = object()
END: Final = object()


class StreamClosed(BaseException):
    """The reader of the stream is gone; raised in its writer, and never logged."""


class StreamCut(ConnectionResetError):
    """The stream failed after its headers were sent: close the connection without a last chunk.

    Why, is told where it fails. To gunicorn a connection that is reset is nothing to tell.
    """

    def __init__(self, why: str = "the stream has failed") -> None:
        super().__init__(errno.ECONNRESET, why)

    def __str__(self) -> str:
        return str(self.strerror)


class ChunkSink(Protocol):
    """Where the writer of a stream puts its chunks: a channel, or the socket of a process."""

    @property
    def closed(self) -> bool:
        """Whether the reader has gone."""

    def offer(self, chunk: bytes, wake: Callable[[], object]) -> bool:
        """Put *chunk*; False if there is no room: try again after *wake*.

        Raises:
            StreamClosed: the reader has gone
        """

    def end(self, *, cut: bool = False) -> None:
        """End the stream: no chunk will follow; *cut* if that is because the function failed."""


class StreamChannel:
    """Chunks on their way from one writer to one reader."""

    def __init__(self, capacity: int = CAPACITY, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._bytes = 0
        self._chunks: deque[bytes | FileBody] = deque()
        self._lock = threading.Lock()
        self._ended = False
        self._closed = False
        self._cut = False
        self._wake_reader: Callable[[], object] | None = None
        self._wake_writer: Callable[[], object] | None = None
        # Who was woken last: a thread that is stopped by a deadline may not have got to do it.
        self._woken_reader: Callable[[], object] | None = None
        self._woken_writer: Callable[[], object] | None = None
        self._stop: Callable[[], object] | None = None

    @property
    def closed(self) -> bool:
        """Whether the reader has gone."""
        return self._closed

    @property
    def has_file(self) -> bool:
        """Whether the next chunk is a file."""
        return bool(self._chunks) and type(self._chunks[0]) is FileBody

    def offer(self, chunk: bytes | FileBody, wake: Callable[[], object]) -> bool:
        """Put *chunk*; False if there is no room: try again after *wake*.

        Raises:
            StreamClosed: the reader has gone
        """
        size = len(chunk)
        with self._lock:
            if self._closed:
                raise StreamClosed
            chunks = self._chunks
            total = self._bytes + size
            if chunks and (total > self._capacity_bytes or len(chunks) >= self._capacity):
                self._wake_writer = wake
                return False
            chunks.append(chunk)
            self._bytes = total
            reader = self._wake_reader
            if reader is None:
                return True
            self._wake_reader, self._woken_reader = None, reader
        reader()
        return True

    def end(self, *, cut: bool = False) -> None:
        """End the stream: no chunk will follow; *cut* if that is because the function failed."""
        with self._lock:
            if self._ended:
                return
            self._ended, self._cut = True, self._cut or cut
            wakers = (self._wake_reader, self._woken_reader if cut else None)
            self._wake_reader = self._woken_reader = None
        _wake(wakers)

    def take(self, wake: Callable[[], object]) -> Any:
        """Take a chunk, `END`, or `EMPTY`: then try again after *wake*.

        Raises:
            StreamCut: the function failed or its deadline passed
        """
        return self._take(wake, self._first)

    def take_all(self, wake: Callable[[], object]) -> Any:
        """Take what `take` does, but several chunks that wait as one `ChunkGroup`.

        Raises:
            StreamCut: the function failed or its deadline passed
        """
        return self._take(wake, self._everything)

    def _first(self) -> bytes | FileBody:
        chunk = self._chunks.popleft()
        self._bytes -= len(chunk)
        return chunk

    def _everything(self) -> bytes | FileBody | ChunkGroup:
        if len(self._chunks) == 1:
            return self._first()
        group = ChunkGroup(cast("deque[bytes]", self._chunks), self._bytes)
        self._chunks, self._bytes = deque(), 0
        return group

    def _take(self, wake: Callable[[], object], take: Callable[[], Any]) -> Any:
        with self._lock:
            if self._cut and (self._closed or not self._chunks):
                raise StreamCut
            if self._chunks:
                chunk = take()
                writer, self._wake_writer = self._wake_writer, None
                self._woken_writer = writer
            elif self._ended or self._closed:
                return END
            else:
                self._wake_reader = wake
                return EMPTY
        if writer is not None:
            writer()
        return chunk

    def close(self, *, cut: bool = False) -> None:
        """Stop reading; the writer gets `StreamClosed`. *cut*: the reader gets `StreamCut`."""
        with self._lock:
            if self._closed:
                return
            self._closed, self._cut = True, self._cut or cut
            self._chunks.clear()
            self._bytes = 0
            wakers = (self._wake_reader, self._wake_writer, self._woken_writer, self._stop)
            self._wake_reader = self._wake_writer = self._woken_writer = self._stop = None
        _wake(wakers)

    def stop_on_close(self, stop: Callable[[], object]) -> None:
        """Call *stop* when the reader goes before the stream has ended.

        Raises:
            StreamClosed: it has gone
        """
        with self._lock:
            if self._closed:
                raise StreamClosed
            self._stop = stop

    # Threads wait on a lock, tasks on a future; nothing else differs.

    def get(self, timeout: float = -1) -> Any:
        """Take a chunk or `END` in a thread; `EMPTY` if none came within *timeout* seconds."""
        waiter = threading.Lock()
        waiter.acquire()
        while (chunk := self.take(waiter.release)) is EMPTY:
            if not waiter.acquire(timeout=timeout):
                return EMPTY
        return chunk

    async def get_async(self, waiter: LoopWaiter, *, everything: bool = False) -> Any:
        """Take a chunk or `END` in a task; *everything*: as `take_all` does."""
        take = self.take_all if everything else self.take
        while (chunk := take(waiter.wake)) is EMPTY:
            await waiter.wait()
        return chunk


def _wake(wakers: Iterable[Callable[[], object] | None]) -> None:
    for wake in wakers:
        if wake is not None:
            with suppress(RuntimeError):  # a lock that was released before
                wake()


class ChunkGroup:
    """Chunks that waited together and are written at once; each stays a chunk of its own.

    Args:
        chunks: the chunks
        size: how many bytes they have together
    """

    __slots__ = ("_size", "chunks")

    def __init__(self, chunks: Collection[bytes], size: int) -> None:
        self.chunks = chunks
        self._size = size

    def __len__(self) -> int:
        return self._size


class LoopWaiter:
    """Waits in a task for a wake-up from any thread."""

    __slots__ = ("_future", "_loop", "_thread")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._future: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        """End the wait; has no effect if the loop is closed."""
        try:
            # On its own thread the loop runs, and need not be woken.
            if threading.get_ident() == self._thread:
                self._set()
            else:
                self._loop.call_soon_threadsafe(self._set)
        except RuntimeError:
            return

    def _set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    async def wait(self) -> None:
        """Wait for the next wake-up."""
        await self._future
        self._future = self._loop.create_future()


def push_chunks(chunks: Iterator[bytes], channel: ChunkSink) -> None:
    """Move *chunks* into *channel* from the thread that runs them."""
    waiter = threading.Lock()
    waiter.acquire()
    offer, wake = channel.offer, waiter.release
    for chunk in chunks:
        while not offer(chunk, wake):
            waiter.acquire()


async def push_chunks_async(chunks: AsyncIterator[bytes], channel: ChunkSink) -> None:
    """Move *chunks* into *channel* from the task that runs them."""
    waiter = LoopWaiter()
    async for chunk in chunks:
        while not channel.offer(chunk, waiter.wake):
            await waiter.wait()


def push_file_body(body: FileBody, channel: StreamChannel, close: Callable[[], object]) -> None:
    """Send a file, which *channel* has been offered, from the thread that runs the call.

    The file is closed by *close* and the stream has ended before the loop hears of it: it is woken
    once for everything.
    """
    try:
        channel.stop_on_close(body.stop)
        body.send()
        close()
        channel.end()
    finally:
        body.return_socket()


def close_generator(chunks: Iterator[bytes]) -> None:
    """Close a generator, in its own thread."""
    closing = getattr(chunks, "close", None)
    if closing is not None:
        closing()


async def close_async_generator(chunks: AsyncIterator[bytes]) -> None:
    """Close an async generator, in its own task."""
    closing = getattr(chunks, "aclose", None)
    if closing is not None:
        await closing()
