"""What workers tell their master, and what the master makes of anything else."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.server.worker_channel import WorkerChannel
from tests.serving import FUNCTIONS, eventually, server


@pytest.fixture
def channel() -> Iterator[WorkerChannel]:
    made = WorkerChannel()
    yield made
    made.close()


def put(channel: WorkerChannel, data: bytes) -> None:
    os.write(channel._write, data)


def test_messages_arrive_whole_and_in_order(channel: WorkerChannel) -> None:
    assert channel.send("ready", serves={"functions": ["a\nb"]})
    assert channel.send("replace")
    assert channel.received() == [
        {"kind": "ready", "serves": {"functions": ["a\nb"]}},
        {"kind": "replace"},
    ]
    assert channel.received() == []
    assert channel.open


def test_a_message_that_arrives_in_parts_is_taken_when_it_is_whole(channel: WorkerChannel) -> None:
    put(channel, b'{"kind": "re')
    assert channel.received() == []
    put(channel, b'ady"}\n{"kind"')
    assert channel.received() == [{"kind": "ready"}]


def test_a_message_longer_than_the_pipe_holds_arrives_whole(channel: WorkerChannel) -> None:
    text = "x" * 3_000_000
    sent: list[bool] = []
    sender = threading.Thread(target=lambda: sent.append(channel.send("failed", text=text)))
    sender.start()
    found = eventually(channel.received, "the message")
    sender.join()
    assert (sent, found) == ([True], [{"kind": "failed", "text": text}])


def test_messages_of_several_threads_do_not_mix(channel: WorkerChannel) -> None:
    senders = [
        threading.Thread(target=channel.send, args=("failed",), kwargs={"text": letter * 100_000})
        for letter in "abcdefgh"
    ]
    for sender in senders:
        sender.start()
    found: list[dict[str, Any]] = []
    eventually(lambda: len(found.__iadd__(channel.received())) == 8, "all messages")
    for sender in senders:
        sender.join()
    assert sorted(each["text"] for each in found) == [letter * 100_000 for letter in "abcdefgh"]


def test_a_master_that_does_not_read_loses_the_message_and_hears_the_next(
    channel: WorkerChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ffhost.server.worker_channel._PATIENCE_SECONDS", 0.1)
    assert not channel.send("failed", text="x" * 200_000)
    assert channel.received() == []
    assert channel.send("replace")
    assert channel.received() == [{"kind": "replace"}]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_what_is_not_a_message_is_dropped(lines: list[bytes]) -> None:
    channel = WorkerChannel()
    for line in lines:
        put(channel, line + b"\n")
    put(channel, b"[" * 5_000 + b"\n")
    channel.send("replace")
    found = channel.received()
    assert found[-1] == {"kind": "replace"}
    assert all(isinstance(each, dict) for each in found)
    channel.keep_reading_end()
    channel.close()


def test_the_end_of_the_worker_closes_the_channel(channel: WorkerChannel) -> None:
    channel.send("replace")
    channel.keep_reading_end()
    assert channel.received() == [{"kind": "replace"}]
    assert not channel.open
    assert channel.received() == []


NOISE = (
    FUNCTIONS
    + """
import gc
from ffhost.server.worker_channel import WorkerChannel

def noise(request):
    # What user code may do by accident: write to a descriptor that is not its own.
    for channel in gc.get_objects():
        if type(channel) is WorkerChannel:
            os.write(channel._write, request.get_data())
            return "written"
"""
)


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[1]",
        b'{"kind": "unknown"}',
        b'{"kind": "failed", "text": 3}',
        b'{"kind": "ready", "serves": [[]]}',
        json.dumps({"kind": ["ready"]}).encode(),
    ],
)
def test_no_line_harms_the_master(tmp_path: Path, line: bytes) -> None:
    with server(tmp_path, source=NOISE, functions="hello noise") as running:
        connection = running.connection()
        connection.request("POST", "/noise", b"\n" + line + b"\n")
        assert connection.getresponse().read() == b"written"
        before = running.workers()
        os.kill(min(before), 9)
        eventually(lambda: running.workers() and not running.workers() & before, "a new worker")
        assert running.get("/hello") == "hello"
        assert running.process.poll() is None


def test_a_long_table_is_announced_whole(tmp_path: Path) -> None:
    """The table of many functions is longer than a pipe holds."""
    names = " ".join(f"hello{number}" for number in range(1_000))
    source = FUNCTIONS + "\nglobals().update({f'hello{n}': hello for n in range(1000)})\n"
    with server(tmp_path, source=source, functions=names) as running:
        running.urls()
        assert running.served()["functions"][-1]["name"] == "hello999"
        assert len(running.served()["functions"]) == 1_000
