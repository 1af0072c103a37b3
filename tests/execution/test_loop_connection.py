"""The host's end of the sockets of a process; the test is the process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from ffhost.execution.isolation.connections import HAS_PACKETS, socket_pair_for_requests
from ffhost.execution.isolation.frames import (
    ANSWER,
    CALL,
    PACKET_BYTES,
    FrameMisfit,
    ProcessFrame,
    ProcessFrameReader,
    frame_without_body,
)
from ffhost.execution.isolation.loop_connection import (
    LoopProcessConnection,
    ProcessRequestNotTaken,
    ProcessRequestTakenBack,
    SentRequest,
)

pytestmark = pytest.mark.skipif(not HAS_PACKETS, reason="this system has no packets")


class RecordingListener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.is_lost = False
        self.back: list[Any] = []

    def lost(self) -> None:
        self.is_lost = True

    def read(self) -> None:
        pass

    def returned(self, early: list[Any]) -> None:
        self.back += early

    def asked(self, call: Any, frame: ProcessFrame) -> None:
        raise FrameMisfit("nothing may be asked here")


class WaitingCall:
    """A call that is sent early."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.has_begun = False

    def begin(self) -> None:
        self.has_begun = True

    def __repr__(self) -> str:
        return self.name


class Ends:
    """Both ends."""

    def __init__(self) -> None:
        self._requests, self.taken = socket_pair_for_requests()
        self._stream, self.process = socket.socketpair()
        self.listener = RecordingListener()
        self.host = LoopProcessConnection(
            asyncio.get_running_loop(), self._requests, self.taken, self._stream, self.listener
        )

    def ask(self, body: bytes = b"") -> SentRequest:
        return self.host.ask(CALL, b"", body, SimpleNamespace())  # type: ignore[arg-type]

    def ask_early(self, name: str) -> WaitingCall:
        early: Any = WaitingCall(name)
        self.host.ask(CALL, b"", name.encode(), SimpleNamespace(), early)  # type: ignore[arg-type]
        assert isinstance(early, WaitingCall)
        return early

    def take(self) -> ProcessFrame:
        """Take a request, as the process."""
        frame = next(ProcessFrameReader().feed(self.taken.recv(PACKET_BYTES)), None)
        assert frame is not None
        return frame

    async def answer(self, frame: ProcessFrame, times: int = 1) -> None:
        self.process.send(frame_without_body(ANSWER, frame.call, b"", 0) * times)
        await turns()

    async def end(self) -> None:
        """End, as the process."""
        self.process.close()
        await turns()

    def close(self) -> None:
        self.host.detach()
        for each in (self._requests, self.taken, self._stream, self.process):
            each.close()


class ProcessInBetween:
    """The process's end of the socket; the process takes one packet after the host's first."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._has_taken = False

    def recv(self, size: int, flags: int) -> bytes:
        data = self._ends.taken.recv(size, flags)
        if not self._has_taken:
            self._has_taken = True
            self._ends.take()
        return data


async def turns() -> None:
    """Let the loop read what there is."""
    for _ in range(3):
        await asyncio.sleep(0)


def with_ends(test: Callable[[Ends], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def run() -> None:
        ends = Ends()
        try:
            await test(ends)
        finally:
            ends.close()

    def test_function() -> None:
        asyncio.run(run())

    test_function.__name__ = test.__name__
    return test_function


@with_ends
async def test_a_call_begins_when_the_one_before_it_has_been_answered(ends: Ends) -> None:
    first, a, b = ends.ask(), ends.ask_early("a"), ends.ask_early("b")
    assert (a.has_begun, b.has_begun) == (False, False)
    await ends.answer(ends.take())
    assert first.answer.done()
    assert (a.has_begun, b.has_begun) == (True, False)
    for call in (a, b):
        await ends.answer(ends.take())
        assert call.answer.done()
    assert not ends.host.sent


@with_ends
async def test_what_was_taken_back_does_not_reach_the_process(ends: Ends) -> None:
    ends.ask()
    a, b = ends.ask_early("a"), ends.ask_early("b")
    frame = ends.take()
    assert ends.host.take_back_early() == [a, b]
    await ends.answer(frame)
    c = ends.ask_early("c")
    assert ends.take().body == b"c"
    assert (a.has_begun, b.has_begun, c.has_begun) == (False, False, True)


@with_ends
async def test_what_the_process_has_taken_is_not_taken_back(ends: Ends) -> None:
    ends.ask()
    a, b = ends.ask_early("a"), ends.ask_early("b")
    first, second = ends.take(), ends.take()
    assert ends.host.take_back_early() == [b]
    await ends.answer(first)
    assert a.has_begun
    await ends.answer(second)
    assert a.answer.done()


@with_ends
async def test_one_call_is_taken_back_from_among_others(ends: Ends) -> None:
    first = ends.ask()
    _a, b, _c = (ends.ask_early(name) for name in "abc")
    wanted = ends.host.sent[2]
    assert ends.host.take_back_early(wanted) == [b]
    for body in (b"", b"a", b"c"):
        frame = ends.take()
        assert frame.body == body
        await ends.answer(frame)
    assert first.answer.done()
    assert not ends.host.sent


@with_ends
async def test_a_call_that_others_have_overtaken_meanwhile_is_sent_elsewhere(ends: Ends) -> None:
    """The process takes the next call between two that the host takes back."""
    first = ends.ask()
    a, b = ends.ask_early("a"), ends.ask_early("b")
    ends.host._taken = ProcessInBetween(ends)  # type: ignore[assignment]
    assert ends.host.take_back_early() == [b]
    assert isinstance(first.answer.exception(), ProcessRequestTakenBack)
    assert (a.has_begun, b.has_begun) == (True, False)


@with_ends
async def test_the_end_of_a_process_fails_what_it_had_taken_and_nothing_else(ends: Ends) -> None:
    first, a, b = ends.ask(), ends.ask_early("a"), ends.ask_early("b")
    await ends.answer(ends.take())
    ends.take()
    await ends.end()
    assert first.answer.exception() is None
    assert type(a.answer.exception()) is ConnectionResetError
    assert a.has_begun
    assert ends.listener.back == [b]
    assert (b.answer.done(), b.has_begun) == (False, False)


@pytest.mark.parametrize("size", [0, 3 * PACKET_BYTES, 1 << 20])
def test_a_request_that_was_not_taken_can_be_sent_to_another_process(size: int) -> None:
    @with_ends
    async def test(ends: Ends) -> None:
        sent = ends.ask(bytes(size))
        await ends.end()
        assert isinstance(sent.answer.exception(), ProcessRequestNotTaken)

    test()


@with_ends
async def test_a_large_request_of_which_a_part_was_taken_has_begun(ends: Ends) -> None:
    sent = ends.ask(bytes(1 << 20))
    ends.taken.recv(PACKET_BYTES)
    await ends.end()
    assert type(sent.answer.exception()) is ConnectionResetError


@with_ends
async def test_a_process_that_answers_twice_or_unasked_breaks_the_protocol(ends: Ends) -> None:
    sent, a = ends.ask(), ends.ask_early("a")
    await ends.answer(ends.take(), times=2)
    assert sent.answer.exception() is None
    assert isinstance(a.answer.exception(), ProcessRequestNotTaken)
    assert ends.host.is_closing


@with_ends
async def test_a_late_answer_spares_the_process_and_the_call_after_it(ends: Ends) -> None:
    sent, a, b = ends.ask(), ends.ask_early("a"), ends.ask_early("b")
    frame = ends.take()
    ends.process.send(frame_without_body(ANSWER, frame.call, b"", 0))
    ends.take()
    assert not ends.host.close_line(sent)
    assert (a.has_begun, ends.listener.back) == (True, [b])


@with_ends
async def test_before_a_process_is_killed_what_waits_behind_the_call_is_safe(ends: Ends) -> None:
    sent, a = ends.ask(), ends.ask_early("a")
    ends.take()
    assert ends.host.close_line(sent)
    assert ends.listener.back == [a]
    assert ends.host.is_closing


@with_ends
async def test_the_end_of_an_idle_process_is_noted(ends: Ends) -> None:
    await ends.end()
    assert ends.listener.is_lost
