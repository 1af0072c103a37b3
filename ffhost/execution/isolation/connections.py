"""The two ends of the socket between the host and a process.

`ProcessConnection` blocks: it is the process's end, and the host's while the process loads and
starts. `LoopProcessConnection` is the host's end from then on. It belongs to the event loop: a call
is one ``send`` and one ``recv``, and no thread waits. While a call runs, its process may ask in
turn.
"""

from __future__ import annotations

import asyncio
import marshal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from ffhost.execution.isolation.frames import (
    ANSWER,
    CANCEL,
    CHUNK,
    CHUNK_COST_BYTES,
    MORE,
    PIECE_BYTES,
    STREAM,
    TO_HOST,
    TO_PROCESS,
    WINDOW_BYTES,
    FrameMisfit,
    ProcessFrame,
    ProcessFrameReader,
    frame_without_body,
)


def is_answer_frame(frame: ProcessFrame, call: int) -> bool:
    """Whether *frame* answers the host's *call*."""
    return frame.call == call and frame.kind == ANSWER and frame.direction == TO_PROCESS


class CancellableNestedCall(Protocol):
    """A call that a process has asked for."""

    def cancel(self) -> object:
        """Stop it."""


class ProcessCallNotSent(ConnectionError):
    """The process has ended, and has received nothing of the call."""


def blocking_socket_pair() -> tuple[socket.socket, socket.socket]:
    """Make two connected sockets that block, whatever `socket.setdefaulttimeout` has been told."""
    ours, theirs = socket.socketpair()
    ours.settimeout(None)
    theirs.settimeout(None)
    return ours, theirs


class ProcessConnection:
    """An end that blocks."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self._reader = ProcessFrameReader()
        self._asked = 0
        self._is_bounded = stream.gettimeout() is not None

    def ask(self, kind: int, head: Any = None, body: bytes = b"") -> None:
        """Send what has an answer, as the host; `receive_answer` waits for it.

        Raises:
            OSError: the other side is gone
        """
        self._asked += 1
        self._send(kind, self._asked, marshal.dumps(head), body)

    def answer(self, frame: ProcessFrame, head: bytes, body: bytes = b"") -> None:
        """Answer *frame*, as a process.

        Args:
            head: in JSON

        Raises:
            OSError: the other side is gone
        """
        self._send(ANSWER, frame.call, head, body)

    def _send(
        self, kind: int, call: int, head: bytes, body: bytes, direction: int = TO_PROCESS
    ) -> None:
        start = frame_without_body(kind, call, head, len(body), direction)
        self._bound(None)
        if len(body) <= PIECE_BYTES:
            self.stream.sendall(start + body)
        else:
            self.stream.sendall(start)
            self.stream.sendall(body)

    def receive(self, deadline: float | None = None) -> ProcessFrame:
        """Receive one frame.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone, or sent something that is not a frame
        """
        reader = self._reader
        data, reader.rest = reader.rest, b""
        frame: ProcessFrame | None = None
        while frame is None:
            if not data:
                self._bound(deadline)
                data = self.stream.recv(reader.piece_bytes)
                if not data:
                    raise ConnectionResetError("the other side has closed the connection")
            frame, data = reader.feed(data), b""
        return frame

    def receive_answer(self, deadline: float | None = None) -> Any:
        """Receive the head of the answer to what was asked last.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone, or sent something else
        """
        frame = self.receive(deadline)
        if not is_answer_frame(frame, self._asked):
            raise FrameMisfit("a frame does not answer what was asked")
        return frame.json_head()

    def _bound(self, deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        if left is not None or self._is_bounded:
            self.stream.settimeout(left)
            self._is_bounded = left is not None


class LoopProcessConnection:
    """The host's end while calls are made; all methods are called on its loop.

    Args:
        loop: the loop that reads and writes
        stream: the socket
        lost: called if the process ends, or sends anything, while no call waits

    Attributes:
        tasks: the calls that the process has asked for and that run, and the streams that it
            reads, by number; None for none yet
    """

    __slots__ = (
        "_asked",
        "_failure",
        "_held",
        "_held_bytes",
        "_is_asked",
        "_is_streaming",
        "_lost",
        "_on_request",
        "_reader",
        "_rest",
        "_stream",
        "_waiter",
        "loop",
        "tasks",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stream: socket.socket, lost: Callable[[], object]
    ) -> None:
        self.loop = loop
        self.tasks: dict[int, CancellableNestedCall] | None = None
        self._stream = stream
        self._lost = lost
        self._reader = ProcessFrameReader()
        self._asked = 1 << 32  # numbers that loading and starting have not used
        self._rest: list[memoryview] = []
        self._is_asked = False
        """Whether an answer is to come."""
        self._is_streaming = False
        self._waiter: asyncio.Future[ProcessFrame] | None = None
        self._held: deque[ProcessFrame] = deque()
        """Frames of a stream that have not been read yet."""
        self._held_bytes = 0
        self._failure: ConnectionError | None = None
        self._on_request: Callable[[ProcessFrame], object] | None = None
        stream.setblocking(False)
        loop.add_reader(stream, self._read)

    def ask(
        self,
        kind: int,
        head: bytes,
        body: bytes,
        on_request: Callable[[ProcessFrame], object] | None = None,
    ) -> asyncio.Future[ProcessFrame]:
        """Send a frame, and return the future of its answer, or of the head of a stream.

        The future fails with a `ConnectionError` if the process ends, or sends anything else.

        Args:
            on_request: called with what the process asks until it answers; it may raise
            `FrameMisfit`

        Raises:
            ProcessCallNotSent: the process has ended
        """
        self._asked += 1
        start = frame_without_body(kind, self._asked, head, len(body))
        try:
            self._write([start + body] if len(body) <= PIECE_BYTES else [start, body])
        except OSError as error:
            raise ProcessCallNotSent(str(error)) from error
        self._is_asked = True
        self._on_request = on_request
        waiter = self._waiter = self.loop.create_future()
        return waiter

    async def next_frame(self) -> ProcessFrame:
        """Wait for what follows in a stream: a chunk, or the answer at its end.

        Nothing is lost if the task is cancelled while it waits.

        Raises:
            ConnectionError: the process has ended, or sent anything else
        """
        while not self._held:
            if self._failure is not None:
                raise self._failure
            self._waiter = self.loop.create_future()
            await self._waiter
        frame = self._held.popleft()
        self._held_bytes -= len(frame.body) + CHUNK_COST_BYTES
        return frame

    def ask_for_more(self, size: int) -> None:
        """Write to the process that *size* bytes of its stream have been read."""
        with suppress(OSError):  # its end shows when the next frame is awaited
            self._write([frame_without_body(MORE, self._asked, marshal.dumps(size), 0)])

    def cancel_stream(self) -> None:
        """Ask the process to end its stream; its answer follows."""
        with suppress(OSError):
            self._write([frame_without_body(CANCEL, self._asked, b"", 0)])

    def answer(self, frame: ProcessFrame, head: bytes, body: bytes) -> None:
        """Answer what the process has asked; nothing is sent to one that has ended."""
        start = frame_without_body(ANSWER, frame.call, head, len(body), TO_HOST)
        with suppress(OSError):
            self._write([start, body] if body else [start])

    def _write(self, parts: list[bytes]) -> None:
        """Send *parts*, now as much as the socket takes and the rest later."""
        if self._rest:
            self._rest += map(memoryview, parts)
            return
        try:
            sent = self._stream.send(parts[0])
        except BlockingIOError:
            sent = 0
        if len(parts) == 1 and sent == len(parts[0]):
            return
        self._rest = [memoryview(part) for part in parts]
        self._rest[0] = self._rest[0][sent:]
        self.loop.add_writer(self._stream, self._write_rest)

    def _write_rest(self) -> None:
        rest = self._rest
        try:
            while rest:
                sent = self._stream.send(rest[0])
                rest[0] = rest[0][sent:]
                if not rest[0]:
                    del rest[0]
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(ConnectionResetError(str(error)))
            return
        self.loop.remove_writer(self._stream)

    def _read(self) -> None:
        reader = self._reader
        try:
            data = self._stream.recv(reader.piece_bytes)
            if not data:
                raise ConnectionResetError("the process has closed the connection")
            while data:
                frame = reader.feed(data)
                data, reader.rest = reader.rest, b""
                if frame is not None:
                    self._take(frame, is_last=not data)
        except BlockingIOError:
            return
        except ConnectionError as error:
            self._fail(error)

    def _take(self, frame: ProcessFrame, *, is_last: bool) -> None:
        if frame.direction == TO_HOST and self._on_request is not None:
            self._on_request(frame)
            return
        if not self._is_asked or frame.call != self._asked or frame.direction != TO_PROCESS:
            raise FrameMisfit("it sent what does not answer its call")
        if frame.kind == ANSWER and is_last:
            self._is_asked, self._on_request = False, None
        elif frame.kind != (CHUNK if self._is_streaming else STREAM):
            raise FrameMisfit("it sent what does not answer its call")
        if self._is_streaming:
            self._hold(frame)
        self._is_streaming = frame.kind != ANSWER
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(frame)

    def _hold(self, frame: ProcessFrame) -> None:
        if self._held_bytes >= WINDOW_BYTES and frame.kind != ANSWER:
            raise FrameMisfit("it sent more of a stream than it was asked for")
        self._held.append(frame)
        self._held_bytes += len(frame.body) + CHUNK_COST_BYTES

    def _fail(self, error: ConnectionError) -> None:
        self.detach()
        waiter, self._waiter = self._waiter, None
        if not self._is_asked:
            self._lost()
            return
        self._failure = error
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def detach(self) -> None:
        """Stop reading and writing; the socket stays open."""
        self._rest = []
        if not self.loop.is_closed():
            self.loop.remove_reader(self._stream)
            self.loop.remove_writer(self._stream)
