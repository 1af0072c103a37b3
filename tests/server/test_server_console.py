"""The console of a real server: its workers are seen as one, and it never holds up the end."""

from __future__ import annotations

import http.client
import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ffhost.observability.metrics.totals_files import metrics_folder_of
from tests.serving import PATIENCE_SECONDS, Running, eventually, server

SOURCE = """
import logging, os

def hello(request):
    logging.warning("said hello with %s", request.args.get("secret_word"))
    return str(os.getpid())
"""
SETS = (
    "server.workers=2",
    "server.drain_delay=1s",
    "server.graceful_timeout=60s",
    "config_reload.interval=200ms",
    "admin={enabled: true, port: 0}",
    "console={enabled: true, capture: true}",
)


class Browser:
    """Asks the admin listener of a server."""

    def __init__(self, running: Running) -> None:
        host, _, port = running.urls()[1].removeprefix("http://").rpartition(":")
        self._address = host, int(port)

    def open(self, path: str) -> http.client.HTTPResponse:
        """Send a request on a connection of its own."""
        connection = http.client.HTTPConnection(*self._address, timeout=PATIENCE_SECONDS)
        connection.request("GET", f"/console/api/{path}")
        return connection.getresponse()

    def get(self, path: str) -> Any:
        """Return the JSON at an address."""
        with self.open(path) as answer:
            assert answer.status == 200
            return json.loads(answer.read())


def events(stream: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Yield the events of a stream until it ends."""
    name = ""
    for line in stream:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("console")
    with server(folder, *SETS, source=SOURCE, functions="hello") as started:
        yield started


def test_two_workers_are_seen_as_one(running: Running) -> None:
    browser = Browser(running)
    tokens = {browser.get("session")["token"] for _ in range(8)}
    assert len(tokens) == 1
    workers = set()
    while len(workers) < 2:
        workers.add(int(running.get("/hello?secret_word=abracadabra")))

    def calls_of_both() -> Any:
        found = browser.get("calls")["calls"]
        return found if {each["worker"] for each in found} >= workers else None

    seen = eventually(calls_of_both, "calls of both workers")
    for each in seen[:2]:
        call = browser.get(f"calls/{each['id']}")
        assert call["request"]["query"] == "secret_word=[masked]"
        assert [entry["event"][:10] for entry in call["entries"]] == ["said hello"]


def test_the_files_that_workers_share_are_their_owners_and_hold_no_secret(
    running: Running,
) -> None:
    browser = Browser(running)
    running.get("/hello?secret_word=abracadabra")
    folder = metrics_folder_of(running.process.pid)

    def written() -> list[Path] | None:
        browser.get("session")
        found = [path for path in folder.glob("console-*.lines") if path.stat().st_size]
        return found or None

    eventually(written, "files of calls")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.glob("console-*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in eventually(written, "files of calls"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        calls = [line for line in lines if line["kind"] == "call"]
        assert "abracadabra" not in json.dumps(calls)


def test_what_happens_is_seen_live_and_ends_with_the_drain(running: Running) -> None:
    browser = Browser(running)
    stream = browser.open("stream")
    seen = events(stream)
    assert next(seen)[0] == "hello"
    identity = "live-call"
    connection = running.connection()
    connection.request("GET", "/hello", headers={"Function-Execution-Id": identity})
    connection.getresponse().read()
    connection.close()
    assert any(name == "call" and data["id"] == identity for name, data in seen)
    file = running.folder / "functions.yaml"
    file.write_text(file.read_text() + "  again: {target: 'main.py:hello'}\n")
    assert next(data for name, data in seen if name == "reload")["ok"] is True
    assert any(
        "again" in [each["name"] for each in data["functions"]]
        for name, data in seen
        if name == "functions"
    )
    running.send(signal.SIGTERM)
    assert [name for name, _ in seen][-1] == "end"
    assert running.wait() == 0  # long before graceful_timeout has passed
    assert "calls_cut_off" not in running.output
    assert not metrics_folder_of(running.process.pid).exists()
