"""Answers of several connections are written together, and none is lost on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from ffhost.config.units import UNLIMITED
from ffhost.server.client_limits import ClientLimits
from ffhost.server.connection import ServerConnection
from ffhost.server.joined_answers import MOST_WAITING, JoinedAnswers
from tests.server.test_server_exchange import GET, LENGTH, App, RecordingTransport, body, start


class LoggingTransport(RecordingTransport):
    """Writes into a log that several share."""

    def __init__(self, name: int, log: list[str]) -> None:
        super().__init__()
        self._name, self._log = name, log

    def write(self, data: Any) -> None:
        super().write(data)
        self._log.append(f"written {self._name}")


class Connections:
    """Connections of one loop, which have a log."""

    def __init__(self, make_app: Callable[[Connections], App], count: int) -> None:
        self.log: list[str] = []
        config = Config(make_app(self), ws="none", lifespan="off", log_config=None)
        logging.getLogger("uvicorn.access").propagate = True  # for other tests
        config.load()
        self._state = ServerState()
        loop = asyncio.get_running_loop()
        limits = ClientLimits(loop, UNLIMITED, UNLIMITED, UNLIMITED)
        joined = JoinedAnswers(loop)
        self.transports = [LoggingTransport(n, self.log) for n in range(count)]
        self.all = [
            ServerConnection(config, self._state, {}, loop, limits, joined) for _ in range(count)
        ]
        for connection, transport in zip(self.all, self.transports, strict=True):
            connection.connection_made(transport)

    async def get(self, request: bytes = GET) -> None:
        """Send a request on each of them, and wait until all is done."""
        for connection in self.all:
            connection.data_received(request)
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            quiet = 0 if self._state.tasks else quiet + 1


def answering(connections: Connections) -> App:
    """Make an application that answers, and says so once that is done."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await _receive()
        await send(start(LENGTH))
        await send(body(b"hello"))
        connections.log.append("answered")

    return app


def served(
    count: int, request: bytes = GET, make_app: Callable[[Connections], App] = answering
) -> Connections:
    async def serve() -> Connections:
        connections = Connections(make_app, count)
        await connections.get(request)
        return connections

    return asyncio.run(serve())


def test_answers_are_written_when_all_that_was_ready_has_been_worked_on() -> None:
    connections = served(3)
    assert connections.log == ["answered"] * 3 + [f"written {n}" for n in range(3)]
    assert all(connection.is_idle for connection in connections.all)


def test_the_answer_to_the_only_request_is_written_at_once() -> None:
    assert served(1).log == ["written 0", "answered"]


def test_no_answer_waits_for_more_than_a_few_others() -> None:
    log = served(3 * MOST_WAITING).log
    assert log[:MOST_WAITING].count("answered") == MOST_WAITING - 1
    assert log[MOST_WAITING - 1] == "written 0"
    assert sorted(log[-2:]) != ["answered"] * 2
    assert len(set(log)) == 3 * MOST_WAITING + 1


def test_pipelined_requests_of_several_connections_are_answered_in_turn() -> None:
    connections = served(3, GET * 3)
    assert [len(transport.writes) for transport in connections.transports] == [3] * 3
    assert all(connection.is_idle for connection in connections.all)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", id="close"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
    ],
)
def test_an_answer_that_ends_its_connection_is_written_first(end: bytes) -> None:
    for transport in served(2, end).transports:
        assert (len(transport.writes), transport.closed) == (1, True)


def test_an_application_that_fails_after_its_answer_does_not_take_it_back() -> None:
    def failing(connections: Connections) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answering(connections)(scope, receive, send)
            raise ValueError("too late")

        return app

    for transport in served(3, make_app=failing).transports:
        assert (len(transport.writes), transport.closed) == (1, True)


def test_a_connection_whose_answer_waits_is_neither_idle_nor_fresh_and_ends_after_it() -> None:
    looked: list[bool] = []

    def looking(connections: Connections) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answering(connections)(scope, receive, send)
            looked.extend(each.is_idle or each.is_fresh for each in connections.all)
            for each in connections.all:
                each.cycle.keep_alive = False  # as when the server ends

        return app

    for transport in served(2, make_app=looking).transports:
        assert (len(transport.writes), transport.closed) == (1, True)
    assert looked == [False] * 4


def test_a_client_that_leaves_meanwhile_takes_no_other_answer_along() -> None:
    def leaving(connections: Connections) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answering(connections)(scope, receive, send)
            connections.transports[0].closed = True

        return app

    connections = served(3, make_app=leaving)
    assert [len(transport.writes) for transport in connections.transports] == [0, 1, 1]


def test_one_answer_that_cannot_be_written_holds_up_no_other() -> None:
    class Broken:
        def write_whole(self, _answer: bytes) -> None:
            raise RuntimeError("broken")

    class Whole:
        def __init__(self) -> None:
            self.answer = b""

        def write_whole(self, answer: bytes) -> None:
            self.answer = answer

    async def write() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        joined, whole = JoinedAnswers(asyncio.get_running_loop()), Whole()
        joined.add(Broken(), b"one")
        joined.add(whole, b"two")
        for _ in range(3):
            await asyncio.sleep(0)
        return whole.answer

    assert asyncio.run(write()) == b"two"
