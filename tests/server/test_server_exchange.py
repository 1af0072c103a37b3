"""What a connection writes for what an application sends."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from ffhost.config.units import UNLIMITED
from ffhost.execution.channels import ChunkGroup
from ffhost.execution.file_body import FileBody
from ffhost.server.client_limits import ClientLimits
from ffhost.server.connection import ServerConnection
from ffhost.server.joined_answers import JoinedAnswers
from ffhost.server.unread_answers import taken_socket_bytes
from ffhost.signatures.file_parts import RequestFilePart
from tests.serving import eventually

App = Callable[..., Awaitable[None]]
GET = b"GET /a%20b?c HTTP/1.1\r\nHost: a\r\n\r\n"


class RecordingTransport(asyncio.Transport):
    """Keeps what is written; a write is a system call on a real one."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        if self.closed:  # as uvloop does
            raise RuntimeError("the handler is closed")
        self.writes.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.writes.append(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Do nothing: there is nothing to read from."""

    def resume_reading(self) -> None:
        """Do nothing: there is nothing to read from."""

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


def exchange(
    app: App,
    *requests: bytes,
    headers: list[tuple[str, str]] | None = None,
    transport: RecordingTransport | None = None,
) -> Any:
    """Send *requests* to *app* over one connection; give its transport and the connection."""

    async def run() -> tuple[RecordingTransport, ServerConnection]:
        config = Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=headers or [],
        )
        logging.getLogger("uvicorn.access").propagate = True  # for other tests
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"now"), *config.encoded_headers]
        nonlocal transport
        transport = transport or RecordingTransport()
        loop = asyncio.get_running_loop()
        limits = ClientLimits(loop, UNLIMITED, UNLIMITED, UNLIMITED)
        connection = ServerConnection(config, state, {}, loop, limits, JoinedAnswers(loop))
        connection.connection_made(transport)
        for request in requests:
            connection.data_received(request)
        quiet = 0
        while quiet < 3:  # a request that was waiting for its turn begins a little later
            await asyncio.sleep(0)
            quiet = 0 if state.tasks else quiet + 1
        return transport, connection

    return asyncio.run(run())


def answering(*messages: dict[str, Any]) -> App:
    """Make an application that sends *messages*."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


LENGTH = (b"Content-Length", b"5")


def test_head_and_body_are_one_write() -> None:
    transport, connection = exchange(answering(start(LENGTH), body(b"hello")), GET)
    assert transport.writes == [
        b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 5\r\n\r\nhello",
    ]
    assert connection.is_idle


def test_a_large_body_arrives_whole() -> None:
    large = b"x" * 1_000_000
    length = (b"content-length", b"1000000")
    transport, _ = exchange(answering(start(length), body(large)), GET)
    assert transport.writes[0].endswith(b"\r\n\r\n" + large)


def test_the_head_of_a_stream_leaves_with_the_first_chunk() -> None:
    app = answering(start(), body(b"one", more=True), body(b"", more=True), body(b"two"))
    transport, _ = exchange(app, GET)
    assert transport.writes == [
        b"HTTP/1.1 200 OK\r\ndate: now\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
        b"3\r\ntwo\r\n0\r\n\r\n",
    ]


def group(*chunks: bytes) -> Any:
    return ChunkGroup(chunks, sum(map(len, chunks)))


def test_chunks_that_waited_together_are_one_write_and_stay_apart() -> None:
    app = answering(start(), body(group(b"one", b"", b"two"), more=True), body())
    transport, _ = exchange(app, GET)
    assert transport.writes == [
        b"HTTP/1.1 200 OK\r\ndate: now\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\none\r\n3\r\ntwo\r\n",
        b"0\r\n\r\n",
    ]


def test_chunks_of_a_body_with_a_length_are_counted() -> None:
    app = answering(start(LENGTH), body(group(b"hel", b"lo"), more=True), body())
    transport, connection = exchange(app, GET)
    assert b"".join(transport.writes).endswith(b"\r\n\r\nhello")
    assert connection.is_idle


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_says_nothing_of_one(status: int) -> None:
    transport, _ = exchange(answering(start(status=status), body()), GET)
    assert transport.writes[0].endswith(b"\r\ndate: now\r\n\r\n")


def test_head_has_the_length_and_no_body() -> None:
    transport, connection = exchange(
        answering(start(LENGTH), body(b"hello")), GET.replace(b"GET", b"HEAD")
    )
    assert transport.writes == [b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 5\r\n\r\n"]
    assert connection.is_idle


def test_a_status_without_a_name_is_sent() -> None:
    transport, _ = exchange(answering(start(LENGTH, status=799), body(b"hello")), GET)
    assert transport.writes[0].startswith(b"HTTP/1.1 799 \r\n")


@pytest.mark.parametrize(
    "broken",
    [
        [start((b"x", b"a\r\nset-cookie: b"), LENGTH), body(b"hello")],
        [start((b"x y", b"a"), LENGTH), body(b"hello")],
        [start(LENGTH), body(b"hello, world")],
        [start(LENGTH), body(b"hell")],
        [start(LENGTH), start(LENGTH), start(LENGTH), {"type": "http.response.trailers"}],
        [body(b"hello")],
        [],
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_500(
    broken: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    transport, _ = exchange(answering(*broken), GET)
    (written,) = transport.writes
    head, _, document = written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\ndate: ")
    assert b"\r\ncontent-type: application/problem+json" in head
    identity = json.loads(document)["execution_id"]
    assert f"\r\nfunction-execution-id: {identity}".encode() in head
    assert len([each for each in caplog.records if identity in str(vars(each))]) == 1
    assert b"hell" not in head + document
    assert transport.closed


def test_an_answer_that_breaks_off_closes_the_connection() -> None:
    transport, _ = exchange(answering(start(), body(b"one", more=True)), GET)
    assert len(transport.writes) == 1
    assert transport.closed


def test_nothing_follows_a_whole_answer() -> None:
    app = answering(start(LENGTH), body(b"hello"), body(b"more"))
    transport, _ = exchange(app, GET)
    assert len(transport.writes) == 1
    assert transport.closed


@pytest.mark.parametrize(
    ("request_line", "headers", "said"),
    [
        (GET, [(b"connection", b"Close")], 1),
        (GET, [(b"connection", b"close"), (b"connection", b"x")], 1),
        (GET.replace(b"1.1", b"1.0"), [], 1),
        (GET.replace(b"Host: a", b"Connection: close"), [], 1),
        (GET, [(b"connection", b"keep-alive")], 0),
    ],
)
def test_a_connection_that_ends_says_so_once(
    request_line: bytes, headers: list[tuple[bytes, bytes]], said: int
) -> None:
    transport, _ = exchange(answering(start(*headers, LENGTH), body(b"hello")), request_line)
    assert transport.writes[0].lower().count(b"close\r\n") == said
    assert transport.closed == bool(said)


def test_a_server_that_keeps_nothing_alive_says_so_once() -> None:
    app = answering(start(LENGTH), body(b"hello"))
    transport, _ = exchange(app, GET, headers=[("connection", "close")])
    assert transport.writes[0].count(b"connection: close\r\n") == 1
    assert transport.closed


def test_the_scope_is_what_was_asked_for() -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answering(start(LENGTH), body(b"hello"))(scope, receive, send)

    exchange(app, GET)
    assert {key: seen[0][key] for key in ("method", "path", "raw_path", "query_string")} == {
        "method": "GET",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c",
    }
    assert (seen[0]["http_version"], seen[0]["headers"]) == ("1.1", [(b"host", b"a")])


def test_a_body_in_many_small_chunks_arrives_whole() -> None:
    bodies: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        event = await receive()
        bodies.append(event["body"])
        while event["more_body"]:
            event = await receive()
            bodies.append(event["body"])
        await send(start(LENGTH))
        await send(body(b"hello"))

    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    exchange(app, head + b"1\r\nx\r\n" * 40_000, b"0\r\n\r\n")
    assert b"".join(bodies) == b"x" * 40_000


def test_an_application_that_keeps_send_in_its_context_leaves_no_cycles() -> None:
    kept: ContextVar[Any] = ContextVar("kept")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kept.set(send)
        await receive()
        await send(start(LENGTH))
        await send(body(b"hello"))

    def unreachable(requests: int) -> int:
        """Count objects of ours alone: threads of other tests may leave cycles meanwhile."""
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        exchange(app, *[GET] * requests)
        gc.collect()
        found = [one for one in gc.garbage if type(one).__module__.startswith("ffhost.server")]
        gc.set_debug(0)
        gc.garbage.clear()
        return len(found)

    unreachable(1)
    gc.disable()
    try:
        # Two, because a connection whose requests wait for one another is one object larger.
        assert unreachable(30) == unreachable(2)
    finally:
        gc.enable()


def test_pipelined_requests_are_answered_one_after_the_other() -> None:
    app = answering(start(LENGTH), body(b"hello"))
    transport, connection = exchange(app, GET + GET, GET)
    assert len(transport.writes) == 3
    assert connection.is_idle


def test_a_pipelined_request_begins_without_the_context_of_the_one_before() -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        variable.set(1)
        await answering(start(LENGTH), body(b"hello"))(scope, receive, send)

    exchange(app, GET + GET, GET)
    assert seen == [0, 0, 0]


def test_an_answer_for_a_client_that_has_just_left_is_dropped() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        send.__self__.transport.close()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})

    transport, connection = exchange(app, GET)
    assert (transport.writes, connection.cycle.disconnected) == ([], True)


class LendingTransport(RecordingTransport):
    """A transport with a real socket, which says whether the loop reads from it."""

    def __init__(self, ours: socket.socket) -> None:
        super().__init__()
        ours.setblocking(False)
        self.socket = ours
        self.reads = True
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.socket if name == "socket" else default

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def abort(self) -> None:
        self.closed = True


def test_a_file_for_a_client_that_has_just_left_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        file = (tmp_path / "file").open("rb")
        part = FileBody(RequestFilePart(file, 0, 10, file.close))
        await send(start((b"content-length", b"10")))
        send.__self__.transport.close()
        await send({"type": "http.response.body", "body": part})
        await send({"type": "http.response.body", "body": b""})
        file.close()

    transport, connection = exchange(app, GET)
    assert (transport.writes, connection.cycle.disconnected) == ([], True)


@pytest.mark.parametrize(("is_kept", "reads"), [(True, False), (False, True)])
def test_nothing_is_read_from_a_socket_that_may_block_while_it_is_lent(
    is_kept: bool, reads: bool, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    transport = LendingTransport(ours)
    seen: list[bool] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        transport.set_protocol(connection_of(receive))
        file = (tmp_path / "file").open("rb")
        body = FileBody(RequestFilePart(file, 0, 10, file.close))
        await send(start((b"content-length", b"10")))
        sending = asyncio.create_task(send({"type": "http.response.body", "body": body}))
        await asyncio.sleep(0)
        transport.protocol.flow.resume_reading()  # as whoever waits for the client's end does
        seen.append(transport.reads)
        await asyncio.to_thread(body.send)
        body.return_socket()
        await sending
        file.close()
        await send({"type": "http.response.body", "body": b""})

    with theirs, ours:
        if is_kept:
            ours.sendall(b"before")
            eventually(lambda: taken_socket_bytes(ours), "acknowledged")
        exchange(app, GET, transport=transport)
        assert theirs.recv(1000).endswith(b"0123456789")
    assert seen == [reads]
    assert transport.reads


def connection_of(receive: Any) -> Any:
    """Return the connection of an exchange, whose method *receive* is."""
    return receive.__self__.on_response.__self__
