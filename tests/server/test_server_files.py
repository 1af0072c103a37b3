"""Large files, which the thread of a call writes into the socket itself."""

from __future__ import annotations

import http.client
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import PATIENCE_SECONDS, Running, eventually, server

SIZE = 8 * 1024 * 1024
TRUNCATIONS = int(os.environ.get("TRUNCATED_FILES", "3"))
"""How many files become shorter while they are sent; the issue asks for 100 now and then."""
SOURCE = """
import os, pathlib, flask
from starlette.responses import FileResponse

def path(request):
    return pathlib.Path(request.args.get("name", "large")).absolute()

def native(request):
    return path(request).open("rb")

def wrapped(request):
    return flask.send_file(path(request))

async def responded(request):
    return FileResponse(path(request))

def pid(request):
    return str(os.getpid())

def upload(request):
    return request.get_data()
"""
FUNCTIONS = "native wrapped responded pid upload"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one server for all tests."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "large").write_bytes(os.urandom(SIZE))
    (folder / "empty").touch()
    with server(
        folder,
        "functions.wrapped.request=flask",
        "functions.native.request=ffhost",
        "functions.responded.request=ffhost",
        "functions.native.timeout=2s",
        "functions.upload.max_body_size=9MiB",
        source=SOURCE,
        functions=FUNCTIONS,
    ) as started:
        yield started


@pytest.fixture(params=["native", "wrapped", "responded"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def content(running: Running) -> bytes:
    return (running.folder / "large").read_bytes()


def ask(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[int, str | None, bytes]:
    """Return status, length and body."""
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers["content-length"], answer.read()


def test_a_large_file_arrives_and_the_connection_goes_on(running: Running, name: str) -> None:
    connection = running.connection()
    for _ in range(2):
        assert ask(connection, f"/{name}") == (200, str(SIZE), content(running))
    assert ask(connection, f"/{name}", "HEAD") == (200, str(SIZE), b"")
    assert ask(connection, f"/{name}?name=empty") == (200, "0", b"")
    assert ask(connection, "/pid")[0] == 200
    connection.close()


def test_a_large_upload_arrives_unless_it_is_too_large(running: Running) -> None:
    connection = running.connection()
    for _ in range(2):
        connection.request("POST", "/upload", content(running))
        answer = connection.getresponse()
        assert (answer.status, answer.read() == content(running)) == (200, True)
    connection.request("POST", "/upload", b"", {"Content-Length": str(9 * 1024 * 1024 + 1)})
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("name", ["wrapped", "responded"])
def test_a_large_range_arrives(running: Running, name: str) -> None:
    connection = running.connection()
    status, length, body = ask(connection, f"/{name}", Range="bytes=1000-3000999")
    assert (status, length, body) == (206, "3000000", content(running)[1000:3001000])
    connection.close()


def test_requests_that_wait_on_the_connection_are_answered_after_the_file(running: Running) -> None:
    with socket.create_connection(running.address, timeout=PATIENCE_SECONDS) as client:
        ends = b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        client.sendall(b"GET /native HTTP/1.1\r\nHost: a\r\n\r\n" + ends)
        head, _, rest = everything(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest[:SIZE] == content(running)
    assert rest[SIZE:].startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_arrives_during_a_file_waits_for_its_turn(running: Running) -> None:
    with begin(running, "/wrapped", is_kept=True) as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 500)
        client.sendall(b"Connection: close\r\n\r\n")
        assert running.get("/pid")  # the loop waits for nobody
        answers = everything(client)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert content(running)[-1000:] in answers


def test_a_server_that_stops_lets_a_client_take_its_file(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(SIZE))
    sets = ("functions.native.request=ffhost", "server.drain_delay=0s")
    with server(tmp_path, *sets, source=SOURCE, functions="native pid") as running:
        client = begin(running, "/native", is_kept=True)
        running.send(signal.SIGTERM)
        eventually(lambda: running.refuses(running.address), "the server stops")
        with client:
            assert everything(client).endswith(content(running)[-SIZE // 2 :])
        assert running.wait() == 0


def everything(client: socket.socket) -> bytes:
    data = bytearray()
    while chunk := client.recv(1024 * 1024):
        data += chunk
    return bytes(data)


@pytest.fixture(params=[False, True], ids=["first", "kept"])
def is_kept(request: pytest.FixtureRequest) -> bool:
    """Whether another request was answered on the connection before."""
    return bool(request.param)


def begin(running: Running, path: str, *, is_kept: bool = False) -> socket.socket:
    """Ask for a file, and read its beginning."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.settimeout(PATIENCE_SECONDS)
    client.connect(running.address)
    if is_kept:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
        client.recv(1024)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert client.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n")
    return client


def test_a_client_that_leaves_gives_its_thread_and_its_file_back(
    running: Running, name: str, is_kept: bool
) -> None:
    pid = running.get("/pid")
    for _ in range(3):
        begin(running, f"/{name}", is_kept=is_kept).close()
    eventually(lambda: str(running.folder / "large") not in open_files(pid), "the file is closed")
    assert running.get("/pid") == pid


def test_a_client_that_leaves_before_its_file_begins_gives_it_back(running: Running) -> None:
    pid = running.get("/pid")
    large = content(running)
    with socket.create_connection(running.address, timeout=PATIENCE_SECONDS) as client:
        client.sendall(
            f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n".encode()
        )
        client.sendall(large + b"GET /wrapped HTTP/1.1\r\nHost: a\r\n\r\n")
        path = str(running.folder / "large")
        eventually(lambda: path in open_files(pid), "the file waits for the answer before it")
    eventually(lambda: path not in open_files(pid), "the file is closed")
    assert running.get("/pid") == pid


def open_files(pid: str) -> list[str]:
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(each))
        except OSError:
            continue
    return found


def test_a_file_that_becomes_shorter_cuts_its_answer_and_harms_nobody(
    running: Running, name: str, is_kept: bool
) -> None:
    pid = running.get("/pid")
    path = running.folder / f"shrinking-{name}"
    for _ in range(TRUNCATIONS):
        path.write_bytes(b"x" * SIZE)
        with begin(running, f"/{name}?name={path.name}", is_kept=is_kept) as client:
            os.truncate(path, 1000)
            assert len(everything(client)) < SIZE
    assert running.get("/pid") == pid


def test_a_client_that_does_not_read_is_cut_at_the_deadline(
    running: Running, is_kept: bool
) -> None:
    pid = running.get("/pid")
    with begin(running, "/native", is_kept=is_kept) as client:
        eventually(lambda: str(running.folder / "large") not in open_files(pid), "it is over")
        assert len(everything(client)) < SIZE
    assert running.get("/pid") == pid
