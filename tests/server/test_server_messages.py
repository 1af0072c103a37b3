"""Messages as RFC 9112 frames them, whatever surrounds them, one packet or many."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.server.head_limits import head_without_upgrade, is_possible_host_in_request_head
from tests.serving import PATIENCE_SECONDS, Running, server

SOURCE = """
def seen(request):
    return {"method": request.method, "body": request.get_data(as_text=True),
            "user": request.headers.get("X-User"), "names": sorted(request.headers)}

def note(request):
    with open("noted", "a") as file:
        file.write("x")
    return {}

def streamed(request):
    yield "one,"
    yield "two"

def broken(request):
    yield "one,"
    raise ValueError("in the middle")
"""
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one server for all tests."""
    folder = tmp_path_factory.mktemp("messages")
    sets = ("server.max_body_size=1KiB", "server.read_timeout=5s")
    with server(folder, *sets, source=SOURCE, functions="seen streamed note broken") as started:
        yield started


def ask(running: Running, *packets: bytes) -> bytes:
    """Send *packets* one after the other, and return all that comes until the end."""
    with socket.create_connection(running.address, timeout=PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place, packet in enumerate(packets):
            if place:
                time.sleep(0.05)
            try:
                connection.sendall(packet)
            except OSError:  # it was refused already
                break
        data = b""
        try:
            while chunk := connection.recv(65536):
                data += chunk
        except ConnectionError:
            pass
        return data


def answers(data: bytes) -> list[tuple[int, Any]]:
    """Return status and JSON body of each answer in *data*."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        found.append((int(head.split()[1]), json.loads(rest[:length])))
        data = rest[length:]
    return found


def head(method: str = "POST", *fields: bytes, close: bool = True, path: str = "/seen") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", *fields]
    if close:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0", b"any/1, other"])
@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_upgrade_that_is_not_served_is_ignored(
    running: Running, protocol: bytes, pieces: int, chunked: bool
) -> None:
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 9"
    body = b"3\r\nGET\r\n6\r\n / HTT\r\n0\r\n\r\n" if chunked else b"GET / HTT"
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol
    message = head("POST", framing, upgrade, close=False) + body
    last = head("GET")
    step = -(-len(message) // pieces)
    packets = [message[at : at + step] for at in range(0, len(message), step)]
    packets[-1] += last  # pipelined behind it
    found = answers(ask(running, *packets))
    assert [(status, seen["method"], seen["body"]) for status, seen in found] == [
        (200, "POST", "GET / HTT"),
        (200, "GET", ""),
    ]


def test_requests_that_all_ask_for_an_upgrade_are_all_answered(running: Running) -> None:
    one = b"POST /seen HTTP/1.1\r\nHost: a\r\n" + H2C + b"Content-Length: 2\r\n\r\n"
    found = answers(ask(running, one + b"01" + one + b"23" + one + b"45" + head("GET")))
    assert [seen["body"] for _, seen in found] == ["01", "23", "45", ""]


def test_an_upgrade_that_is_not_served_is_no_warning(running: Running) -> None:
    fields = (H2C.rstrip(), b"Content-Length: 0")
    ((status, _),) = answers(ask(running, head("POST", *fields)))
    assert status == 200
    written = running.output + running.errors
    assert "upgrade" not in written.lower()
    assert '"severity":"WARNING"' not in written


def test_connect_is_refused(running: Running) -> None:
    ((status, problem),) = answers(
        ask(running, b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n" + head("GET"))
    )
    assert (status, problem["detail"]) == (400, "this server is not a proxy")


def test_trailer_fields_are_dropped(running: Running) -> None:
    body = b"1\r\na\r\n0\r\nX-User: root\r\nAuthorization: Bearer x\r\nContent-Type: a/b\r\n\r\n"
    ((status, seen),) = answers(ask(running, head("POST", b"Transfer-Encoding: chunked") + body))
    assert (status, seen["body"], seen["user"]) == (200, "a", None)
    assert {name.lower() for name in seen["names"]} == {"host", "connection", "transfer-encoding"}


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"GET /seen HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (1 << 20), 431),
        (b"GET /seen HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200_000, 431),
        (b"GET /seen HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1001 + b"\r\n", 431),
        (b"GET /" + b"a" * (1 << 20), 414),
    ],
    ids=["one field", "many fields", "too many fields", "target"],
)
def test_a_head_above_the_limits_is_refused_while_it_arrives(
    running: Running, message: bytes, status: int
) -> None:
    step = 100_000
    packets = [message[at : at + step] for at in range(0, len(message), step)]
    found = ask(running, *packets)
    # What is still on its way when the connection closes may reset it.
    assert found == b"" or found.startswith(f"HTTP/1.1 {status} ".encode())
    assert running.get("/seen").startswith('{"body"')


@pytest.mark.parametrize(
    "end",
    [
        b"1;" + b"x" * (1 << 20),
        b"0\r\nX: " + b"x" * (1 << 20),
        b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
    ],
    ids=["extension", "one trailer", "many trailers"],
)
def test_what_surrounds_a_body_has_its_limits_too(running: Running, end: bytes) -> None:
    found = ask(running, head("POST", b"Transfer-Encoding: chunked") + end)
    assert found == b"" or found.startswith(b"HTTP/1.1 431 ")
    assert running.get("/seen").startswith('{"body"')


def test_a_thousand_fields_are_not_too_many(running: Running) -> None:
    fields = b"\r\n".join(b"X-%d: y" % number for number in range(900))
    ((status, _),) = answers(ask(running, head("GET", fields)))
    assert status == 200


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a@b", b"[::1", b"a:b", b'a"b', b"a,b:1"])
def test_a_malformed_host_is_refused(running: Running, host: bytes) -> None:
    data = ask(running, b"GET /seen HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    if host == b"a,b:1":  # a comma is allowed in a registered name
        assert data.startswith(b"HTTP/1.1 200 ")
    else:
        ((status, problem),) = answers(data)
        assert (status, problem["detail"]) == (400, "the Host of the request is not valid")


def test_two_hosts_are_refused(running: Running) -> None:
    ((status, problem),) = answers(ask(running, head("GET", b"Host: localhost")))
    assert (status, problem["detail"]) == (400, "the request has more than one Host")


@pytest.mark.parametrize("field", ["", "Connection: keep-alive", "Proxy-Connection: keep-alive"])
def test_an_http_1_0_client_gets_no_chunks(running: Running, field: str) -> None:
    fields = f"Host: a\r\n{field}\r\n" if field else "Host: a\r\n"
    data = ask(running, f"GET /streamed HTTP/1.0\r\n{fields}\r\n".encode())
    start, _, body = data.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in start.lower()
    assert body == b"one,two"


def test_a_client_of_http_1_1_gets_chunks(running: Running) -> None:
    data = ask(running, head("GET", path="/streamed"))
    assert data.endswith(b"\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_what_is_not_http_ends_after_the_answers_that_are_owed(running: Running) -> None:
    found = answers(ask(running, head("GET", close=False) + b"\x16\x03\x01 nonsense\r\n\r\n"))
    assert found[0][0] == 200


def test_every_answer_that_is_owed_comes_before_the_connection_closes(running: Running) -> None:
    one = b"POST /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
    whole = one + b"1" + one + b"2" + one + b"3"
    for fault in (
        b"\x16\x03\x01 nonsense\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /seen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        data = ask(running, whole + fault)
        assert [seen["body"] for _, seen in answers(data)] == ["1", "2", "3"], fault
        assert data.lower().count(b"connection: close") == 1


def test_the_body_of_a_refused_request_reaches_no_other(running: Running) -> None:
    good = b"POST /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
    bad = b"POST /seen HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 4\r\n\r\nevil"
    ((status, seen),) = answers(ask(running, good + bad))
    assert (status, seen["body"]) == (200, "1")
    ((status, problem),) = answers(ask(running, bad))
    assert (status, problem["detail"]) == (400, "the request has more than one Host")


def test_nothing_that_follows_a_refused_message_is_run(running: Running) -> None:
    for bad in (head("GET", b"Host: b", close=False), b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"):
        ((status, _),) = answers(ask(running, bad + head("GET", path="/note")))
        assert status == 400
    ((status, _),) = answers(ask(running, head("GET", path="/note")))
    assert (status, (running.folder / "noted").read_text()) == (200, "x")


def test_empty_lines_without_end_are_refused(running: Running) -> None:
    found = ask(running, b"\r\n" * 300_000)
    assert found == b"" or found.startswith(b"HTTP/1.1 431 ")
    assert "Traceback" not in running.output + running.errors


def test_a_body_that_breaks_off_after_its_answer_gets_no_second_one(running: Running) -> None:
    start = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    data = ask(running, start, b"zz\r\n")
    assert data.startswith(b"HTTP/1.1 404 ")
    assert data.count(b"HTTP/1.1 ") == 1


def test_a_stream_that_fails_is_cut_and_has_one_error_entry(running: Running) -> None:
    data = ask(running, head("GET", path="/broken"))
    assert data.endswith(b"\r\n4\r\none,\r\n")
    ask(running, head("GET", path="/nowhere"))  # what follows the cut has been logged by then
    (crash,) = running.entries("function_crashed")
    assert "in the middle" in crash["exception"]
    assert running.entries("host_error") == []


@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from([b"a", b"connection", b"upgrade", b"x-y"]),
            st.from_regex(rb"[!-~]{1,9}", fullmatch=True),
        )
    )
)
def test_the_new_head_asks_for_no_upgrade_and_keeps_the_rest(
    fields: list[tuple[bytes, bytes]],
) -> None:
    lines = head_without_upgrade(b"POST", b"/a", "1.1", fields).split(b"\r\n")
    assert lines[0] == b"POST /a HTTP/1.1"
    assert lines[-2:] == [b"", b""]
    names = [line.partition(b": ")[0] for line in lines[1:-2]]
    assert names == [name for name, _ in fields if name != b"upgrade"]
    for line in lines[1:-2]:
        name, _, value = line.partition(b": ")
        if name == b"connection":
            assert b"upgrade" not in [token.strip().lower() for token in value.split(b",")]


@pytest.mark.parametrize(
    "host", [b"", b"localhost", b"example.com:8080", b"[::1]:80", b"1.2.3.4", b"a_b.c", b"x%41"]
)
def test_possible_hosts_are_taken(host: bytes) -> None:
    assert is_possible_host_in_request_head(host)
