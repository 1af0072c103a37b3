"""A file that a thread writes into the socket of a server's loop."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ffhost.errors import ResultError
from ffhost.execution.file_body import FileBody
from ffhost.signatures.file_parts import RequestFilePart
from tests.serving import PATIENCE_SECONDS, eventually

SIZE = 8 * 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Lending:
    """A file on its way into one end of a connection."""

    def __init__(self, path: Path, ours: socket.socket, *, blocks: bool) -> None:
        ours.setblocking(False)
        self.loop_s = ours
        self.blocks = blocks
        self.calls: list[str] = []
        self.errors: list[BaseException] = []
        file = path.open("rb")
        self.body = FileBody(RequestFilePart(file, 0, path.stat().st_size, file.close))
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self) -> None:
        try:
            self.body.send()
        except BaseException as error:
            self.errors.append(error)
        finally:
            self.body.return_socket()

    def begin(self) -> None:
        self.body.begin(
            self.loop_s.dup(), HEAD, lambda: self.calls.append("done"), blocks=self.blocks
        )

    def wait(self) -> None:
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()
        assert self.calls == ["done"]


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname(), timeout=PATIENCE_SECONDS)
        return listening.accept()[0], theirs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(os.urandom(SIZE))
    return tmp_path / "file"


@pytest.fixture(params=[True, False], ids=["blocking", "polling"])
def lending(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[Lending, socket.socket]]:
    ours, theirs = tcp_pair()
    lending = Lending(path, ours, blocks=request.param)
    yield lending, theirs
    lending.body.stop()
    lending.thread.join(PATIENCE_SECONDS)
    ours.close()
    theirs.close()


Lent = tuple[Lending, socket.socket]


def taken(client: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (piece := client.recv(1024 * 1024)):
        data += piece
    return bytes(data)


def test_the_head_and_the_file_arrive_and_the_loop_gets_its_socket_back(
    lending: Lent, path: Path
) -> None:
    lent, client = lending
    lent.begin()
    assert taken(client, len(HEAD) + SIZE) == HEAD + path.read_bytes()
    lent.wait()
    assert (lent.body.sent, lent.body.has_lost_client, lent.errors) == (SIZE, False, [])
    assert not os.get_blocking(lent.loop_s.fileno())


def test_a_file_is_stopped_while_its_client_takes_nothing(lending: Lent) -> None:
    lent, client = lending
    lent.begin()
    client.recv(len(HEAD))
    lent.body.stop()
    lent.wait()
    assert lent.body.sent < SIZE
    assert lent.errors == []


def test_what_was_stopped_before_it_began_is_not_sent(lending: Lent) -> None:
    lent, client = lending
    lent.body.stop()
    lent.begin()
    lent.wait()
    lent.loop_s.close()
    assert client.recv(1) == b""


def test_a_client_that_has_left_is_told_of(lending: Lent) -> None:
    lent, client = lending
    client.close()
    lent.begin()
    lent.wait()
    assert (lent.body.has_lost_client, lent.errors) == (True, [])
    assert not os.get_blocking(lent.loop_s.fileno())


def test_a_file_that_became_shorter_is_an_error(lending: Lent, path: Path) -> None:
    lent, client = lending
    os.truncate(path, 1000)
    lent.begin()
    assert taken(client, len(HEAD) + 1000)[-1000:] == path.read_bytes()
    lent.wait()
    assert [type(error) for error in lent.errors] == [ResultError]


def test_a_file_system_without_sendfile_is_read_and_written(
    lending: Lent, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> int:
        raise OSError(errno.EINVAL, "invalid")

    monkeypatch.setattr(os, "sendfile", refuse)
    lent, client = lending
    lent.begin()
    assert taken(client, len(HEAD) + SIZE) == HEAD + path.read_bytes()
    lent.wait()


def test_where_the_system_does_not_count_what_is_taken_the_file_does(path: Path) -> None:
    ours, theirs = socket.socketpair()
    lent = Lending(path, ours, blocks=False)
    with ours, theirs:
        lent.begin()
        eventually(lambda: lent.body.sent, "the first part")
        for _ in range(3):
            before = lent.body.sent
            taken(theirs, 1024 * 1024)
            eventually(lambda: lent.body.sent > before, "the next part")  # noqa: B023
        lent.body.stop()
        lent.wait()
