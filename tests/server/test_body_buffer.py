"""Large bodies that the socket writes into the memory in which the function gets them."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from ffhost.config.units import UNLIMITED
from ffhost.server.client_limits import ClientLimits
from ffhost.server.connection import ServerConnection
from ffhost.server.joined_answers import JoinedAnswers

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
BODY = bytes(range(256)) * 4000


class Application:
    """Answers with the digest of a body; remembers what became of those it did not get."""

    def __init__(self) -> None:
        self.ended: list[Any] = []
        self.patience: float | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        event = await receive()
        body = event["body"]
        if event["more_body"]:
            length = int(dict(scope["headers"])[b"content-length"])
            body = await self.collected(receive, body, length)
        answer = b"none" if body is None else hashlib.sha256(body).hexdigest().encode()
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def collected(self, receive: Any, begun: bytes, length: int) -> bytes | None:
        try:
            async with asyncio.timeout(self.patience):
                body: bytes | None = await receive.__self__.collect(begun, length)
        except BaseException as error:
            self.ended.append(type(error).__name__)
            if isinstance(error, TimeoutError):
                return None
            raise
        self.ended.append(None if body is None else len(body))
        return body


def served(
    client: Client, loop: Callable[[], Any], app: Application, *, read_seconds: float = UNLIMITED
) -> Any:
    """Serve *app* on a socket; return what *client* does."""

    async def run() -> Any:
        config = Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        logging.getLogger("uvicorn.access").propagate = True  # for other tests
        here = asyncio.get_running_loop()
        limits = ClientLimits(here, read_seconds, UNLIMITED, UNLIMITED)
        state = ServerState()
        server = await here.create_server(
            lambda: ServerConnection(config, state, {}, here, limits, JoinedAnswers(here)),
            "127.0.0.1",
            0,
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            return await asyncio.wait_for(client(reader, writer), 20)
        finally:
            writer.close()
            server.close()
            while state.connections:
                await asyncio.sleep(0.001)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(run())


def head(length: int, *fields: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: a", f"Content-Length: {length}", *fields, "", ""]
    return "\r\n".join(lines).encode()


async def answer(reader: asyncio.StreamReader) -> str:
    told = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(told.partition(b"content-length: ")[2].split(b"\r\n")[0])
    return (await reader.readexactly(length)).decode()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("loop", LOOPS)
def test_what_follows_a_body_is_the_next_request(loop: Callable[[], Any]) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[str]:
        writer.write(head(len(BODY)) + BODY + head(3) + b"abc" + head(len(BODY)) + BODY[::-1])
        return [await answer(reader) for _ in range(3)]

    expected = [digest(BODY), digest(b"abc"), digest(BODY[::-1])]
    assert served(client, loop, Application()) == expected


@settings(max_examples=20, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 300_000), max_size=6).map(sorted),
    length=st.integers(1, 300_000),
)
def test_a_body_is_whole_however_it_arrives(cuts: list[int], length: int) -> None:
    message = head(length) + BODY[:length] + head(1) + b"z"

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[str]:
        for begin, end in zip([0, *cuts], [*cuts, len(message)], strict=True):
            writer.write(message[begin:end])
            await writer.drain()
            await asyncio.sleep(0)
        return [await answer(reader), await answer(reader)]

    assert served(client, uvloop.new_event_loop, Application()) == [
        digest(BODY[:length]),
        digest(b"z"),
    ]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_leaves_before_the_end_gives_no_body(loop: Callable[[], Any]) -> None:
    app = Application()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head(len(BODY)) + BODY[:700_000])
        await writer.drain()
        writer.close()
        while not app.ended:
            await asyncio.sleep(0.001)

    served(client, loop, app)
    assert app.ended == [None]
    gc.collect()  # from Python 3.13 on, a file that cannot be closed now fails the test


@pytest.mark.parametrize("loop", LOOPS)
def test_a_body_that_does_not_arrive_in_time_is_refused(loop: Callable[[], Any]) -> None:
    app = Application()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(head(len(BODY)) + BODY[:400_000])
        return await reader.read()

    told = served(client, loop, app, read_seconds=0.2)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert app.ended == ["RequestTimeout"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_is_asked_for_the_body_it_announces(loop: Callable[[], Any]) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        writer.write(head(len(BODY), "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        return await answer(reader)

    assert served(client, loop, Application()) == digest(BODY)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_rest_of_a_body_that_nobody_waits_for_is_no_request(loop: Callable[[], Any]) -> None:
    app = Application()
    app.patience = 0.1

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[str]:
        writer.write(head(len(BODY)) + BODY[:400_000])
        first = await answer(reader)
        app.patience = None
        writer.write(BODY[400_000:] + head(len(BODY)) + BODY)
        return [first, await answer(reader)]

    assert served(client, loop, app) == ["none", digest(BODY)]
    assert app.ended[0] == "TimeoutError"
