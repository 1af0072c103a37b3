"""The queue of chunks between a function and the front that sends them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from ffhost.execution.channels import (
    EMPTY,
    END,
    ChunkGroup,
    LoopWaiter,
    StreamChannel,
    StreamClosed,
    StreamCut,
    push_chunks,
)


def nothing() -> None:
    """Be woken."""


def filled(*chunks: bytes, capacity: int = 64, capacity_bytes: int = 100) -> StreamChannel:
    channel = StreamChannel(capacity, capacity_bytes)
    for chunk in chunks:
        assert channel.offer(chunk, nothing)
    return channel


def test_a_function_may_be_ahead_by_so_many_chunks_and_bytes() -> None:
    assert not filled(b"a", b"b", capacity=2).offer(b"", nothing)
    channel = filled(b"a" * 60, b"b" * 40)
    assert not channel.offer(b"c", nothing)
    assert channel.take(nothing) == b"a" * 60
    assert channel.offer(b"c" * 60, nothing)


def test_a_chunk_that_is_larger_than_that_waits_alone() -> None:
    channel = filled(b"a" * 1000)
    assert not channel.offer(b"", nothing)
    assert channel.take(nothing) == b"a" * 1000
    assert channel.offer(b"", nothing)


def test_what_waits_is_taken_at_once_and_stays_apart() -> None:
    channel = filled(b"a", b"", b"bc")
    group = channel.take_all(nothing)
    assert isinstance(group, ChunkGroup)
    assert (list(group.chunks), len(group)) == ([b"a", b"", b"bc"], 3)
    assert channel.take_all(nothing) is EMPTY
    channel.offer(b"d", nothing)
    assert channel.take_all(nothing) == b"d"
    channel.end()
    assert channel.take_all(nothing) is END


def test_taking_everything_wakes_the_writer_once() -> None:
    woken = []
    channel = filled(b"a", b"b", capacity=2)
    assert not channel.offer(b"c", lambda: woken.append(True))
    channel.take_all(nothing)
    channel.take_all(nothing)
    assert woken == [True]


def test_what_came_before_a_failure_is_taken_and_then_the_stream_is_cut() -> None:
    channel = filled(b"a", b"b")
    channel.end(cut=True)
    assert len(channel.take_all(nothing)) == 2
    with pytest.raises(StreamCut):
        channel.take_all(nothing)


class Struck(BaseException):
    """What a deadline raises in a thread, just before it wakes somebody."""


class StruckWaker:
    """Wakes at the second attempt."""

    def __init__(self) -> None:
        self.attempts = 0

    def __call__(self) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise Struck


def test_a_reader_whose_writer_was_stopped_before_it_woke_it_is_woken_by_the_end() -> None:
    channel, wake = filled(), StruckWaker()
    assert channel.take(wake) is EMPTY
    with pytest.raises(Struck):
        channel.offer(b"a", nothing)
    channel.end(cut=True)
    assert wake.attempts == 2


def test_a_writer_whose_reader_was_stopped_before_it_woke_it_is_woken_by_the_close() -> None:
    channel, wake = filled(b"a", capacity=1), StruckWaker()
    assert not channel.offer(b"b", wake)
    with pytest.raises(Struck):
        channel.take(nothing)
    channel.close()
    assert wake.attempts == 2


def test_a_writer_in_a_thread_waits_for_room_and_hears_that_the_reader_has_gone() -> None:
    channel = StreamChannel(2)
    heard = []

    def write() -> None:
        try:
            push_chunks(iter([b"a", b"b", b"c", b"d", b"e", b"f"]), channel)
        except StreamClosed:
            heard.append("closed")

    writer = threading.Thread(target=write)
    writer.start()
    assert [channel.get() for _ in range(3)] == [b"a", b"b", b"c"]
    channel.close()
    writer.join()
    assert heard == ["closed"]


def test_a_reader_in_a_task_is_woken_for_the_first_chunk() -> None:
    async def read() -> bytes:
        channel = StreamChannel()
        chunks = (chunk for chunk in [b"a", b"b"])
        threading.Timer(0, lambda: (push_chunks(chunks, channel), channel.end())).start()
        waiter = LoopWaiter()
        taken = b""
        while (part := await channel.get_async(waiter, everything=True)) is not END:
            taken += b"".join(part.chunks) if isinstance(part, ChunkGroup) else part
        return taken

    assert asyncio.run(read()) == b"ab"


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often it was woken."""

    woken = 0

    def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(*args, **options)


def test_a_loop_is_woken_by_other_threads_only() -> None:
    async def wait_twice() -> None:
        waiter = LoopWaiter()
        waiter.wake()
        waiter.wake()
        await waiter.wait()
        assert loop.woken == 0
        threading.Thread(target=waiter.wake).start()
        await waiter.wait()
        assert loop.woken == 1

    loop = CountingLoop()
    try:
        loop.run_until_complete(asyncio.wait_for(wait_twice(), 10))
    finally:
        loop.close()
