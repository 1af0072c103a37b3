"""The process's end of its sockets: it serves the host, and asks it while a call runs.

The main thread alone takes what the host asks. Answers to what the function asks are read by
whichever of its threads waits for one: one reads at a time, and passes on what is for others. So a
function that asks nothing has no thread that reads.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ffhost.errors import CallError
from ffhost.execution.executor import executor
from ffhost.execution.isolation.connections import ProcessConnection
from ffhost.execution.isolation.frames import (
    CALL,
    CANCEL,
    PACKET_BYTES,
    TO_HOST,
    ProcessFrame,
    ProcessFrameReader,
)


class _Asked:
    """One question to the host, and its answer once it has come."""

    __slots__ = ("frame", "has_ended", "on_end")

    def __init__(self, on_end: Callable[[], object] | None) -> None:
        self.frame: ProcessFrame | None = None
        self.has_ended = False
        self.on_end = on_end

    def end(self, frame: ProcessFrame | None) -> None:
        self.frame, self.has_ended = frame, True
        if self.on_end is not None:
            self.on_end()


class SentStream(Protocol):
    """The stream that answers the call which runs."""

    number: int
    """Number of the call."""

    def take(self, frame: ProcessFrame) -> None:
        """Record that chunks were read, or that nobody reads them; never waits."""


class AskingProcessConnection(ProcessConnection):
    """The end of a process whose function may call others by name."""

    def __init__(self, requests: socket.socket, stream: socket.socket) -> None:
        super().__init__(requests, stream)
        self._requests_reader = ProcessFrameReader()
        self._requested = deque[ProcessFrame]()
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)
        self._sending = threading.Lock()
        self._is_reading = False
        self._waiting = 0
        """How many threads wait for the one that reads."""
        self._questions: dict[int, _Asked] = {}
        self._last = 0
        self._running = False
        self.sent: SentStream | None = None
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)
        self._coroutines = 0
        """How many coroutines wait; one thread reads for all of them."""
        self._has_thread = False

    # For the main thread.

    def take_request(self) -> ProcessFrame:
        """Wait for what the host asks next, and take it.

        Raises:
            OSError: the host is gone, or sent something that is not a frame
        """
        requested = self._requested
        while not requested:
            data = self.requests.recv(PACKET_BYTES)
            if not data:
                raise ConnectionResetError("the host has closed the connection")
            requested.extend(self._requests_reader.feed(data))  # one, if there are packets
        return requested.popleft()

    def begin_call(self) -> None:
        """Accept questions: a call begins."""
        self._running = True

    def end_call(self) -> None:
        """End what was asked and has no answer yet: the function has returned."""
        with self._sending:
            self._running = False
        if not self._questions:
            return
        with self._turn:
            for asked in self._questions.values():
                asked.end(None)
            self._questions.clear()
            self._turn.notify_all()

    # For the function.

    def call(self, head: bytes, body: bytes) -> ProcessFrame:
        """Ask the host to make a call, and wait for the answer.

        Raises:
            CallError: the call that this is part of has ended
        """
        number, asked = self._ask(head, body, None)
        self.read_until(lambda: asked.has_ended)
        return self._answer_of(number, asked)

    async def call_async(self, head: bytes, body: bytes) -> ProcessFrame:
        """Ask the host to make a call, and wait for the answer; cancelling this cancels it.

        Raises:
            CallError: the call that this is part of has ended
        """
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        number, asked = self._ask(head, body, lambda: loop.call_soon_threadsafe(woken.set))
        with self._turn:
            self._coroutines += 1
            needs_thread, self._has_thread = not self._has_thread, True
        if needs_thread:
            contextvars.Context().run(executor.submit, self.read_until, self._no_coroutine_waits)
        try:
            await woken.wait()
        except asyncio.CancelledError:
            self.cancel(number)
            raise
        finally:
            with self._turn:
                self._coroutines -= 1
                self._turn.notify_all()
        return self._answer_of(number, asked)

    def _no_coroutine_waits(self) -> bool:
        """Whether the thread that reads for coroutines ends."""
        self._has_thread = self._coroutines > 0
        return not self._has_thread

    def _ask(
        self, head: bytes, body: bytes, on_end: Callable[[], object] | None
    ) -> tuple[int, _Asked]:
        asked = _Asked(on_end)
        with self._sending:
            if not self._running:
                raise CallError("the call that this is part of has ended")
            self._last += 1
            number = self._last
            self._questions[number] = asked
            self._send(CALL, number, head, body, TO_HOST)
        return number, asked

    def cancel(self, number: int) -> None:
        """Stop a call that was asked for, or a stream, in the host."""
        self._questions.pop(number, None)
        with self._sending:
            if self._running:
                self._send(CANCEL, number, b"", b"", TO_HOST)

    def _answer_of(self, number: int, asked: _Asked) -> ProcessFrame:
        self._questions.pop(number, None)
        if asked.frame is None:
            raise CallError("the call that this is part of has ended")
        return asked.frame

    # Sending and reading.

    def answer(self, frame: ProcessFrame, head: bytes, body: bytes = b"") -> None:
        """Answer *frame*; see `ProcessConnection`."""
        with self._sending:
            super().answer(frame, head, body)

    def send_part(self, kind: int, number: int, head: bytes, body: bytes = b"") -> None:
        """Send a part of a stream, which answers the call *number*.

        Raises:
            OSError: the host is gone
        """
        with self._sending:
            self._send(kind, number, head, body)

    def read_until(self, done: Callable[[], Any]) -> None:
        """Read, or wait for the thread that does, until *done*.

        Raises:
            OSError: the host is gone, or sent something that is not a frame
        """
        lock = self._lock
        with lock:
            while not done():
                if self._is_reading:
                    self._wait()
                    continue
                self._is_reading = True
                lock.release()
                try:
                    frames = self._read_piece()
                finally:
                    lock.acquire()
                    self._is_reading = False
                    if self._waiting:
                        self._turn.notify_all()
                self._pass_on(frames)

    def read_what_came(self) -> None:
        """Read what the host has sent, without waiting; nothing if another thread reads.

        Raises:
            OSError: the host is gone, or sent something that is not a frame
        """
        with self._lock:
            if not self._is_reading and self._poll.poll(0):
                self._pass_on(self._read_piece())
                if self._waiting:
                    self._turn.notify_all()

    def _wait(self) -> None:
        self._waiting += 1
        try:
            self._turn.wait()
        finally:
            self._waiting -= 1

    def _read_piece(self) -> list[ProcessFrame]:
        """Wait for the next bytes from the host, and return the frames that they complete."""
        reader = self._reader
        data = self.stream.recv(reader.piece_bytes)
        if not data:
            raise ConnectionResetError("the host has closed the connection")
        return list(reader.feed(data))

    def _pass_on(self, frames: list[ProcessFrame]) -> None:
        for frame in frames:
            if frame.direction == TO_HOST:
                asked = self._questions.get(frame.call)
                if asked is not None:  # it may have been cancelled
                    asked.end(frame)
            elif self.sent is not None and self.sent.number == frame.call:
                self.sent.take(frame)
