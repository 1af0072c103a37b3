"""The host's end of the sockets of a process, while calls are made.

It belongs to the event loop: a call is one ``send`` and one ``recv``, and no thread waits. A
process may have been sent several requests; it takes them in order, and has answered one before it
takes the next. What it has not taken yet can be taken back.
"""

from __future__ import annotations

import asyncio
import marshal
import socket
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ffhost.config.units import UNLIMITED
from ffhost.execution.isolation.frames import (
    ANSWER,
    CANCEL,
    CHUNK,
    CHUNK_COST_BYTES,
    MORE,
    PACKET_BYTES,
    STREAM,
    TO_HOST,
    TO_PROCESS,
    WINDOW_BYTES,
    FrameMisfit,
    ProcessFrame,
    ProcessFrameReader,
    frame_without_body,
    number_in_frame,
)
from ffhost.execution.isolation.loop_writer import LoopWriter
from ffhost.invocation.call import Call

if TYPE_CHECKING:
    from ffhost.execution.isolation.early_calls import EarlyCall


class ProcessRequestNotTaken(ConnectionError):
    """The process has ended, and has not taken the request."""


class ProcessRequestTakenBack(ConnectionError):
    """The request was taken back, because the process has begun another one before it."""


class CancellableNestedCall(Protocol):
    """A call that a process has asked for."""

    def cancel(self) -> object:
        """Stop it."""


class SentRequest:
    """A request that a process was sent and has not answered.

    Args:
        number: of the request
        call: what it asks to run; None for something else
        early: the call, if it was sent before it has a slot; None once it has one
        packets: of how many packets it is

    Attributes:
        answer: the future of its answer
        streams: whether its answer is the head of a stream, which has not ended
    """

    __slots__ = (
        "_failure",
        "_held",
        "_held_bytes",
        "_waiter",
        "answer",
        "call",
        "early",
        "number",
        "packets",
        "streams",
    )

    def __init__(
        self,
        number: int,
        answer: asyncio.Future[ProcessFrame],
        call: Call | None,
        early: EarlyCall | None,
        packets: int,
    ) -> None:
        self.number = number
        self.answer = answer
        self.call = call
        self.early = early
        self.packets = packets
        self.streams = False

    def begin_stream(self) -> None:
        """Keep what follows until it is read."""
        self.streams = True
        self._held = deque[ProcessFrame]()
        """Frames of the stream that have not been read yet."""
        self._held_bytes = 0
        self._failure: ConnectionError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def next_frame(self) -> ProcessFrame:
        """Wait for what follows in a stream: a chunk, or the answer at its end.

        Nothing is lost if the task is cancelled while it waits.

        Raises:
            ConnectionError: the process has ended, or sent anything else
        """
        while not self._held:
            if self._failure is not None:
                raise self._failure
            self._waiter = self.answer.get_loop().create_future()
            await self._waiter
        frame = self._held.popleft()
        self._held_bytes -= len(frame.body) + CHUNK_COST_BYTES
        return frame

    def hold(self, frame: ProcessFrame) -> None:
        """Keep a frame of the stream until it is read.

        Raises:
            FrameMisfit: more is held than was asked for
        """
        if self._held_bytes >= WINDOW_BYTES and frame.kind != ANSWER:
            raise FrameMisfit("it sent more of a stream than it was asked for")
        self._held.append(frame)
        self._held_bytes += len(frame.body) + CHUNK_COST_BYTES
        self._wake()

    def fail(self, error: ConnectionError) -> None:
        """End the answer, or the stream behind its head, with *error*."""
        if self.streams:
            self._failure = error
            self._wake()
        elif not self.answer.done():
            self.answer.set_exception(error)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class ConnectionListener(Protocol):
    """What a connection tells of its process."""

    def lost(self) -> None:
        """Handle the end of the process, or something that it sent, while nothing was asked."""

    def read(self) -> None:
        """Use the room that answers have made."""

    def returned(self, early: list[EarlyCall]) -> None:
        """Return calls, which the process never takes, to the line for a slot."""

    def asked(self, call: Call, frame: ProcessFrame) -> None:
        """Begin or cancel the call that the process asks for while it runs *call*.

        Raises:
            FrameMisfit: it may not ask that
        """


class LoopProcessConnection:
    """The host's end; all methods are called on its loop.

    Args:
        loop: the loop that reads and writes
        requests: the host's end of the socket for what it asks
        taken: the process's end of it, to take back requests; None if the system cannot
        stream: the socket for all else
        listener: is told of the process

    Attributes:
        sent: what the process has not answered, the first of it first
        begun_at: when it began the first of these, on the monotonic clock; infinitely late if it
            runs nothing, infinitely early if nothing may be sent behind what it runs
        is_closing: whether the process is to end, and so gets no more requests
        tasks: the calls that the process has asked for and that run, and the streams that it
            reads, by number; None for none yet
    """

    __slots__ = (
        "_asked",
        "_listener",
        "_packets",
        "_reader",
        "_stream",
        "_taken",
        "_writer",
        "begun_at",
        "is_closing",
        "loop",
        "sent",
        "tasks",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        requests: socket.socket,
        taken: socket.socket | None,
        stream: socket.socket,
        listener: ConnectionListener,
    ) -> None:
        self.loop = loop
        self.sent: deque[SentRequest] = deque()
        self.begun_at = -UNLIMITED if taken is None else UNLIMITED
        self.is_closing = False
        self.tasks: dict[int, CancellableNestedCall] | None = None
        self._taken = taken
        self._stream = stream
        self._listener = listener
        self._reader = ProcessFrameReader()
        self._asked = 1 << 32  # numbers that loading and starting have not used
        requests.setblocking(False)
        stream.setblocking(False)
        self._packets = LoopWriter(loop, requests, self._fail_to_write)
        self._writer = LoopWriter(loop, stream, self._fail_to_write)
        loop.add_reader(stream, self.read)

    # Asking

    def ask(
        self,
        kind: int,
        head: bytes,
        body: bytes,
        call: Call | None = None,
        early: EarlyCall | None = None,
    ) -> SentRequest:
        """Send a request.

        Its answer fails with a `ConnectionError` if the process ends, or sends anything else: with
        `ProcessRequestNotTaken` if it has not taken the request.

        Args:
            call: what it asks to run, to which the process may ask questions meanwhile
            early: the call, if it is sent before it has a slot

        Raises:
            ProcessRequestNotTaken: the process has ended
        """
        self._asked += 1
        frame = frame_without_body(kind, self._asked, head, len(body)) + body
        packets = -(-len(frame) // PACKET_BYTES)
        answer = self.loop.create_future() if early is None else early.answer
        sent = SentRequest(self._asked, answer, call, early, packets)
        try:
            if packets == 1:
                self._packets.write(frame)
            else:
                for begun in range(0, len(frame), PACKET_BYTES):
                    self._packets.write(frame[begun : begun + PACKET_BYTES])
        except OSError as error:
            raise ProcessRequestNotTaken(str(error)) from error
        self.sent.append(sent)
        if len(self.sent) == 1:
            self._begin(sent)
        return sent

    def _begin(self, sent: SentRequest) -> None:
        """Record that the process runs *sent* from now on."""
        is_call = sent.call is not None and sent.packets == 1
        self.begun_at = time.monotonic() if is_call and self._taken is not None else -UNLIMITED
        early = sent.early
        if early is not None:
            sent.early = None
            early.begin()

    def answer(self, frame: ProcessFrame, head: bytes, body: bytes) -> None:
        """Answer what the process has asked; nothing is sent to one that has ended."""
        start = frame_without_body(ANSWER, frame.call, head, len(body), TO_HOST)
        with suppress(OSError):
            self._writer.write(start + body)

    # Reading

    def read(self) -> None:
        """Read what the process has sent."""
        reader = self._reader
        before = len(self.sent)
        try:
            data = self._stream.recv(reader.piece_bytes)
            if not data:
                raise ConnectionResetError("the process has closed the connection")
            for frame in reader.feed(data):
                self._receive(frame)
        except BlockingIOError:
            return
        except ConnectionError as error:
            self._fail(error)
            return
        if len(self.sent) < before:
            self._listener.read()

    def _receive(self, frame: ProcessFrame) -> None:
        """Deliver an answer, or what the process asks.

        Raises:
            FrameMisfit: it is neither
        """
        first = self.sent[0] if self.sent else None
        if first is None:
            raise FrameMisfit("it sent what does not answer its call")
        if frame.direction == TO_HOST and first.call is not None:
            self._listener.asked(first.call, frame)
            return
        if frame.call != first.number or frame.direction != TO_PROCESS:
            raise FrameMisfit("it sent what does not answer its call")
        is_part = frame.kind != ANSWER or first.streams
        if is_part and not self._ends_stream(first, frame):
            return
        self.sent.popleft()
        if self.tasks is not None:
            self.end_tasks()
        if self.sent:
            self._begin(self.sent[0])
        elif self._taken is not None:
            self.begun_at = UNLIMITED
        if not first.answer.done():
            first.answer.set_result(frame)

    def _ends_stream(self, first: SentRequest, frame: ProcessFrame) -> bool:
        """Keep a part of the stream that answers *first*, or deliver its head.

        Returns:
            whether it is the last part

        Raises:
            FrameMisfit: it is not a part of one
        """
        if first.streams and frame.kind in (CHUNK, ANSWER):
            first.hold(frame)
            first.streams = frame.kind == CHUNK
            return not first.streams
        if frame.kind != STREAM or first.streams or first.call is None:
            raise FrameMisfit("it sent what does not answer its call")
        first.begin_stream()
        self.begun_at = -UNLIMITED
        self._listener.returned(self.take_back_early())  # a stream may be long
        if not first.answer.done():
            first.answer.set_result(frame)
        return False

    def ask_for_more(self, sent: SentRequest, size: int) -> None:
        """Write to the process that *size* bytes of its stream have been read."""
        self._write_about(sent, MORE, marshal.dumps(size))

    def cancel_stream(self, sent: SentRequest) -> None:
        """Ask the process to end its stream; its answer follows."""
        self._write_about(sent, CANCEL, b"")

    def _write_about(self, sent: SentRequest, kind: int, head: bytes) -> None:
        with suppress(OSError):  # the end of the process shows when the next frame is awaited
            self._writer.write(frame_without_body(kind, sent.number, head, 0))

    def end_tasks(self) -> None:
        """Cancel what the process has asked for and still runs: its call has ended."""
        tasks, self.tasks = self.tasks, None
        for task in (tasks or {}).values():
            task.cancel()

    # Taking back

    def take_back_early(self, wanted: SentRequest | None = None) -> list[EarlyCall]:
        """Take back the calls that wait for the one that runs; only *wanted* if there is one.

        Returns:
            calls that the process has not taken and never will
        """
        back = self._drained()
        found: list[EarlyCall] = []
        taken: list[SentRequest] = []
        again: list[SentRequest] = []
        for sent in self.sent:
            if sent.number not in back:
                taken.append(sent)
            elif sent.early is None or wanted not in (None, sent):
                again.append(sent)
            else:
                found.append(sent.early)
        self.sent = deque(taken)
        for sent in again:
            self._send_again(sent, back[sent.number])
        if self.sent and self.sent[0].early is not None:
            self._begin(self.sent[0])
        return found

    def _send_again(self, sent: SentRequest, packet: bytes) -> None:
        """Send again what was taken back."""
        if sent.early is None and self.sent:
            # It has a slot, but the process has just begun another one.
            sent.fail(ProcessRequestTakenBack())
            return
        self._packets.write(packet)
        self.sent.append(sent)

    def _take_back(self) -> list[SentRequest]:
        """Take back what the process has not taken, and return it, the first of it first."""
        back = self._drained()
        found = [sent for sent in self.sent if sent.number in back]
        self.sent = deque(sent for sent in self.sent if sent.number not in back)
        return found

    def _drained(self) -> dict[int, bytes]:
        """Receive in place of the process what it has not taken, and return it by number."""
        taken = self._taken
        packets: list[bytes] = []
        with suppress(BlockingIOError):
            while taken is not None and self.sent:
                packets.append(taken.recv(PACKET_BYTES, socket.MSG_DONTWAIT))
        first = self.sent[0] if self.sent else None
        if first is not None and first.packets > 1:  # nothing waits behind a large one
            is_whole = len(packets) + len(self._packets.rest) == first.packets
            return {first.number: b""} if is_whole else {}
        return {number_in_frame(packet): packet for packet in packets}

    # The end

    def close_line(self, sent: SentRequest | None) -> bool:
        """Return the calls behind *sent* to the line, before the process is killed for it.

        Args:
            sent: None for what is still to be sent

        Returns:
            whether the process runs it; if not, it has answered too late, and may live
        """
        self._listener.returned(self.take_back_early())
        self.read()  # it has answered one before it takes the next
        runs = sent is None or sent in self.sent
        if runs:
            self.is_closing = True
            self.end_tasks()
        return runs

    def _fail_to_write(self, error: OSError) -> None:
        self._fail(ConnectionResetError(str(error)))

    def _fail(self, error: ConnectionError) -> None:
        """End what was sent with *error*: the process has ended, or broken the protocol."""
        self.is_closing = True
        self.end_tasks()
        is_idle = not self.sent
        back = self._take_back()
        self.detach()
        for sent in back:
            if sent.early is None:
                sent.fail(ProcessRequestNotTaken(str(error)))
        self._listener.returned([sent.early for sent in back if sent.early is not None])
        while self.sent:
            sent = self.sent.popleft()
            self._begin(sent)
            sent.fail(error)
        if is_idle:
            self._listener.lost()

    def detach(self) -> None:
        """Stop reading and writing; the sockets stay open."""
        if not self.loop.is_closed():
            self._packets.stop()
            self._writer.stop()
            self.loop.remove_reader(self._stream)
