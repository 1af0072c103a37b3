"""Clients that take their time to say what they want."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.serving import PATIENCE_SECONDS, Running, server

HALF = b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Half: "


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one server for all tests."""
    sets = ("server.read_timeout=700ms", "server.keepalive=2s")
    folder = tmp_path_factory.mktemp("slow")
    with server(folder, *sets) as started:
        yield started


def client(running: Running, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(running.address, timeout=PATIENCE_SECONDS)
    connection.sendall(data)
    return connection


def everything(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    with connection:
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
        return data


def one_answer(connection: socket.socket) -> bytes:
    """Read one answer of the function hello."""
    data = b""
    while not data.endswith(b"\r\n\r\nhello"):
        data += connection.recv(65536)
    return data


def test_half_sent_heads_are_answered_with_408_and_block_no_probe(running: Running) -> None:
    slow = [client(running, HALF) for _ in range(20)]
    assert running.get("/_ffhost/live") == '{"status":"live"}\n'
    for each in slow:
        assert everything(each).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_head_that_drips_has_no_more_time_than_one_that_stops(running: Running) -> None:
    dripping = client(running, HALF)
    dripping.settimeout(0.05)
    data = b""
    while not data:
        try:
            dripping.sendall(b"x")
            data = dripping.recv(65536)
        except TimeoutError:
            continue
    assert data.startswith(b"HTTP/1.1 408 ")


def test_a_second_request_on_a_connection_has_its_own_time(running: Running) -> None:
    connection = client(running, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    assert one_answer(connection).startswith(b"HTTP/1.1 200 ")
    time.sleep(1)
    connection.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    assert one_answer(connection).startswith(b"HTTP/1.1 200 ")
    connection.sendall(HALF)
    assert everything(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_closed_without_an_answer(running: Running) -> None:
    assert everything(client(running)) == b""
    assert everything(client(running, b"\r\n\r\n")) == b""


def test_an_idle_connection_is_closed_after_keepalive(running: Running) -> None:
    answer = everything(client(running, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_body_that_stops_is_answered_with_408(running: Running) -> None:
    head = b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
    chunked = b"POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    clients = [client(running, head), client(running, chunked)]
    for each in clients:
        answer = everything(each).lower()
        assert answer.startswith(b"http/1.1 408 ")
        assert answer.count(b"connection: close") == 1


def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    one = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n%s\r\nabc"
    last = one % (b"hello", b"Connection: close\r\n")
    answers = everything(client(running, one % (b"pid", b"") + one % (b"nil", b"") + last))
    assert re.findall(rb"HTTP/1.1 (\d{3})", answers) == [b"200", b"404", b"200"]
    assert answers.endswith(b"hello")
