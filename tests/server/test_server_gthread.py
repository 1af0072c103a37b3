"""ffhost.wsgi under gunicorn's own threads, with our configuration module; real processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.host.service import Service
from ffhost.server.gthread_hooks import GthreadDrain
from tests.serving import FUNCTIONS, PATIENCE_SECONDS, Running, eventually, free_port, gunicorn

SOURCE = (
    FUNCTIONS
    + """
import ffhost

def slow_to_the_end(request):
    text = slow(request)
    pathlib.Path("slow-over").touch()
    return text

@ffhost.on_startup
def begin():
    pathlib.Path("begun").touch()

@ffhost.on_shutdown
def end():
    pathlib.Path("ended").write_text("slow-over" * pathlib.Path("slow-over").exists())

def echo(request):
    return request.get_data()

def headers(request):
    return dict(request.headers.items())

def broken(request):
    yield "one,"
    raise ValueError("in the middle")
"""
)
NAMES = "hello pid slow slow_to_the_end echo headers broken"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one server for the tests that do not end it."""
    sets = ("server.read_timeout=700ms", "server.workers=1", "admin.enabled=true", "admin.port=1")
    folder = tmp_path_factory.mktemp("gthread")
    with gunicorn(folder, *sets, source=SOURCE, functions=NAMES) as started:
        assert started.get("/hello") == "hello"
        yield started


def exchange(running: Running, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send *pieces* and read until the server closes."""
    with socket.create_connection(running.address, timeout=PATIENCE_SECONDS) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        return rest(connection)


def wait_for_workers(running: Running, count: int) -> None:
    """Wait until *count* workers have answered."""
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.add(running.get("/pid"))
        return len(seen) == count

    eventually(all_seen, f"{count} workers answer")


def rest(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def head(path: str, *fields: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: a", *fields, "", "")).encode()


# What is answered


def test_the_functions_are_served_with_the_start_up_hooks_run(running: Running) -> None:
    assert (running.folder / "begun").exists()
    assert running.get("/_ffhost/ready") == '{"status":"ready"}\n'


def test_one_warning_says_what_gthread_cannot_do(running: Running) -> None:
    (entry,) = running.entries("gthread_lacks")
    assert (entry["severity"], len(entry["missing"])) == ("WARNING", 5)
    assert "server.read_timeout" in entry["missing"][0]
    assert "ffhost serve" in entry["hint"]
    assert running.entries("settings_are_ignored") == []


def test_the_admin_address_is_not_bound_and_its_pages_are_not_served(tmp_path: Path) -> None:
    admin = free_port()
    sets = ("admin.enabled=true", f"admin.port={admin}")
    with gunicorn(tmp_path, *sets) as running:
        assert running.get("/hello") == "hello"
        assert running.refuses(("127.0.0.1", admin))
        assert '"status": 404' in running.get("/functions")


def test_a_field_with_an_underscore_does_not_pass_for_one_with_a_dash(running: Running) -> None:
    sent = head(
        "/headers", "X_User: admin", "X-Fine: yes", "Content-Length: 0", "Connection: close"
    )
    answer = exchange(running, sent)
    fields = {name.lower(): text for name, text in json.loads(answer.split(b"\r\n\r\n")[1]).items()}
    assert fields["x-fine"] == "yes"
    assert [name for name in fields if "user" in name] == []


def test_a_forwarded_field_of_a_client_is_not_believed(running: Running) -> None:
    sent = head("/hello", "X-Forwarded-Proto: https", "SCRIPT_NAME: /x", "Connection: close")
    assert exchange(running, sent).startswith(b"HTTP/1.1 200 ")


def test_the_limits_of_heads_are_gunicorns(running: Running) -> None:
    too_long = f"GET /{'x' * 10_000} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    assert b" 414 " in exchange(running, too_long).split(b"\r\n")[0]
    fields = [f"X-{number}: y" for number in range(200)]
    assert b" 4" in exchange(running, head("/hello", *fields)).split(b"\r\n")[0]


# Bodies in time


@pytest.mark.parametrize(
    ("fields", "piece"),
    [("Content-Length: 100000", b"half"), ("Transfer-Encoding: chunked", b"4\r\nhalf\r\n")],
    ids=["length", "chunked"],
)
def test_a_body_that_stops_is_answered_with_408(
    running: Running, fields: str, piece: bytes
) -> None:
    answer = exchange(running, head("/echo", fields), piece)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.lower().count(b"connection: close") == 1


@pytest.mark.parametrize(
    ("fields", "piece"),
    [("Content-Length: 100000", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")],
    ids=["length", "chunked"],
)
def test_a_body_that_drips_has_no_more_time_than_one_that_stops(
    running: Running, fields: str, piece: bytes
) -> None:
    with socket.create_connection(running.address, timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head("/echo", fields))
        connection.settimeout(0.05)
        data = b""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not data:
            assert time.monotonic() < give_up_at
            try:
                connection.sendall(piece)
                data = connection.recv(65536)
            except TimeoutError:
                continue
    assert data.startswith(b"HTTP/1.1 408 ")


def test_a_body_in_time_leaves_the_connection_for_the_next_request(running: Running) -> None:
    connection = running.connection()
    for number in range(3):
        body = b"x" * (number * 100_000 + 1)
        connection.request("POST", "/echo", body=body)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, body)
        time.sleep(0.5)  # together longer than a body may take
    connection.close()


def test_a_stream_that_fails_is_cut_and_has_one_error_entry(running: Running) -> None:
    assert exchange(running, head("/broken")).endswith(b"\r\n4\r\none,\r\n")
    running.get("/hello")
    assert len(running.entries("function_crashed")) == 1
    assert "Error handling request" not in running.output + running.errors


def test_a_call_may_take_longer_than_its_body(running: Running) -> None:
    sent = head("/slow?seconds=1.5", "Content-Length: 2", "Connection: close")
    assert exchange(running, sent, b"ab").endswith(b"slow")


# The end


def test_sigterm_drains_first_and_runs_the_shut_down_hooks(tmp_path: Path) -> None:
    sets = ("server.drain_delay=2s", "server.workers=2")
    with gunicorn(tmp_path, *sets, source=SOURCE, functions=NAMES) as running:
        # A worker that has not begun to serve has nobody to wait for, and ends at once.
        wait_for_workers(running, 2)
        kept = running.connection()
        kept.request("GET", "/_ffhost/ready")
        assert kept.getresponse().read() == b'{"status":"ready"}\n'
        running.send(signal.SIGTERM)
        eventually(lambda: "draining" in running.get("/_ffhost/ready"), "it drains")
        kept.request("GET", "/hello")
        answer = kept.getresponse()
        assert (answer.read(), answer.getheader("connection")) == (b"hello", "close")
        assert not (tmp_path / "ended").exists()
        assert running.wait() == 0
        assert (tmp_path / "ended").exists()
        assert "Traceback" not in running.output + running.errors


def test_a_call_in_flight_is_answered_before_the_hooks_run(tmp_path: Path) -> None:
    sets = ("server.graceful_timeout=20s", "server.drain_delay=100ms")
    with gunicorn(tmp_path, *sets, source=SOURCE, functions=NAMES) as running:
        found: list[str] = []
        ask = "/slow_to_the_end?seconds=1"
        calling = threading.Thread(target=lambda: found.append(running.get(ask)))
        calling.start()
        eventually((tmp_path / "slow-begun").exists, "the call runs")
        running.send(signal.SIGTERM)
        calling.join()
        assert running.wait() == 0
        assert found == ["slow"]
        assert (tmp_path / "ended").read_text() == "slow-over"


def test_a_stuck_call_does_not_keep_the_shut_down_hooks_from_running(tmp_path: Path) -> None:
    sets = ("server.graceful_timeout=1s", "defaults.timeout=unlimited")
    with gunicorn(tmp_path, *sets, source=SOURCE, functions=NAMES) as running:
        connection = running.connection()
        connection.request("GET", "/slow?seconds=60")
        eventually((tmp_path / "slow-begun").exists, "the call runs")
        running.send(signal.SIGTERM)
        running.wait()
        assert (tmp_path / "ended").exists()
        connection.close()


def test_sigint_skips_the_drain_and_runs_the_hooks(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "server.drain_delay=60s", source=SOURCE, functions=NAMES) as running:
        assert running.get("/hello") == "hello"
        running.send(signal.SIGINT)
        assert running.wait() == 0
        assert (tmp_path / "ended").exists()


def test_a_worker_that_hup_replaces_sends_its_clients_to_the_others(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "server.drain_delay=3s") as running:
        old = running.get("/pid")
        kept = running.connection()
        kept.request("GET", "/pid")
        assert kept.getresponse().read().decode() == old
        running.send(signal.SIGHUP)
        eventually(lambda: old != running.get("/pid"), "a new worker answers")
        kept.request("GET", "/pid")
        answer = kept.getresponse()
        assert (answer.read().decode(), answer.getheader("connection")) == (old, "close")
        eventually(lambda: int(old) not in running.workers(), "the old one ends")
        assert running.get("/hello") == "hello"


def test_a_repeated_sigterm_does_not_cut_the_drain_short() -> None:
    ended: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: ended.append(True))
    try:
        current = Service(embedded=True)
        GthreadDrain(current, 1.0).install()
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert (current.draining, ended) == (True, [])
        eventually(lambda: ended, "the drain ends by itself")
        assert ended == [True]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_failed_start_up_hook_ends_gunicorn(tmp_path: Path) -> None:
    source = FUNCTIONS + (
        "\nimport ffhost\n@ffhost.on_startup\ndef connect():\n    raise OSError('no database')\n"
    )
    with gunicorn(tmp_path, source=source) as running:
        assert running.wait() == 3
        assert "no database" in running.errors
        assert "Traceback" not in running.errors
        assert running.entries("Exception in worker process") == []


# Settings


def test_options_of_gunicorns_own_win(tmp_path: Path) -> None:
    options = ("--workers", "2", "--threads", "3")
    with gunicorn(tmp_path, options=options) as running:
        assert running.get("/hello") == "hello"
        eventually(lambda: len(running.workers()) == 2, "two workers")


def test_a_function_that_fills_its_slots_leaves_threads_to_others(tmp_path: Path) -> None:
    sets = ("defaults.concurrency=2", "defaults.queue=3", "defaults.queue_timeout=60s")
    with gunicorn(tmp_path, *sets) as running:
        hanging = [running.connection() for _ in range(5)]
        for each in hanging:
            each.request("GET", "/slow?seconds=60")
        eventually((running.folder / "slow-begun").exists, "the calls run")
        assert running.get("/hello") == "hello"
        assert running.get("/_ffhost/live") == '{"status":"live"}\n'
        for each in hanging:
            each.close()


def test_the_asgi_app_is_served_by_our_worker_with_the_admin_listener(tmp_path: Path) -> None:
    admin = free_port()
    sets = ("admin.enabled=true", f"admin.port={admin}")
    with gunicorn(tmp_path, *sets, app="asgi") as running:
        assert running.get("/hello") == "hello"
        connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/functions")
        assert connection.getresponse().status == 200
        assert running.entries("gthread_lacks") == []
        running.send(signal.SIGTERM)
        assert running.wait() == 0


def test_without_the_module_bodies_are_bounded_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SOURCE)
    (tmp_path / "functions.yaml").write_text(
        "server: {read_timeout: 500ms}\nfunctions: {echo: {target: 'main.py:echo'}}\n"
    )
    port = free_port()
    command = ["-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--no-control-socket"]
    environ = {name: text for name, text in os.environ.items() if name == "PATH"}
    running = Running(tmp_path, [*command, "--threads", "2", "ffhost.wsgi:app"], environ)
    try:
        running.urls = lambda: [f"http://127.0.0.1:{port}"]  # type: ignore[method-assign]
        eventually(lambda: not running.refuses(("127.0.0.1", port)), "gunicorn listens")
        answer = exchange(running, head("/echo", "Content-Length: 9"), b"half")
        assert answer.startswith(b"HTTP/1.1 408 ")
    finally:
        running.close()


def test_a_worker_that_hands_a_connection_over_can_be_told_to_end_at_once(tmp_path: Path) -> None:
    """gthread's own handler would wait for the lock that the code below it holds."""
    source = (
        FUNCTIONS
        + """
from concurrent.futures import ThreadPoolExecutor

submit = ThreadPoolExecutor.submit

def slow_submit(pool, call, *arguments):
    with pool._shutdown_lock:
        pathlib.Path("handing-over").touch()
        time.sleep(1)
    return submit(pool, call, *arguments)

def slow_down(request):
    ThreadPoolExecutor.submit = slow_submit
    return "slowed down"
"""
    )
    with gunicorn(tmp_path, source=source, functions="slow_down") as running:
        assert running.get("/slow_down") == "slowed down"
        with socket.create_connection(running.address):
            eventually((tmp_path / "handing-over").exists, "a connection is handed over")
            running.send(signal.SIGINT)
            assert running.wait() == 0
