"""One table of requests, four servers, the same answers to the byte."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.forking import Python

MAIN = """
import asyncio, dataclasses
from typing import TypedDict
import falcon
from pydantic import BaseModel
import ffhost

def echo(request):
    return {"method": request.method, "path": request.path, "args": dict(request.args.items()),
            "body": request.get_data(as_text=True), "params": dict(request.path_params),
            "agent": request.headers.get("X-Agent"), "type": request.mimetype}

async def aecho(request):
    await asyncio.sleep(0)
    return echo(request)

def json_in(request):
    return {"json": request.get_json()}

def form(request):
    return {"form": dict(request.form.items()), "files": len(request.files)}

RESULTS = {
    "str": lambda: "text é", "bytes": lambda: b"\\x00\\xff",
    "dict": lambda: {"b": 1, "a": [1.5, None]},
    "list": lambda: [1, "two"], "empty": lambda: "", "status": lambda: ("made", 201),
    "headers": lambda: ("x", {"X-One": "1", "Content-Type": "text/plain"}),
    "all": lambda: ({"a": 1}, 202, {"X-Two": "2"}), "nocontent": lambda: ("", 204),
    "response": lambda: ffhost.Response("r", status=418, headers={"X": "y"}),
    "none": lambda: None, "int": lambda: 5, "object": lambda: object(), "raise": lambda: 1 / 0,
    "exit": lambda: (_ for _ in ()).throw(SystemExit(2)), "badstatus": lambda: ("x", 9999),
    "badheader": lambda: ("x", 200, {"X": "a\\r\\nb"}), "gen": lambda: (c for c in ("a", "b")),
    "http": lambda: (_ for _ in ()).throw(falcon.HTTPConflict(title="no", description="taken")),
    "notmodified": lambda: ("", 304),
}
def result(request):
    return RESULTS[request.path.rpartition("/")[2]]()

async def aresult(request):
    return result(request)

def falconish(req, resp):
    resp.status = 202
    resp.text = req.get_param("x") or "none"
    resp.content_type = "text/plain"

class Order(BaseModel):
    item: str
    quantity: int = 1

@dataclasses.dataclass
class Point:
    x: int
    y: int = 0

class Named(TypedDict):
    name: str

def order(order: Order) -> Order:
    return order

async def point(point: Point):
    return point

@ffhost.typed
def named(value: Named):
    return value

@ffhost.cloud_event
def event(event):
    if event["type"] == "reply":
        attributes = {"id": "r", "source": "/r", "type": "answer", "time": "2026-01-01T00:00:00Z"}
        return type(event)(attributes, {"got": event.data})
    if event["type"] == "crash":
        raise ValueError

@ffhost.event
async def background(data, context):
    if data.get("crash"):
        raise ValueError
"""
CONFIG = """
logging: {level: error}
functions:
  echo: {target: "main.py:echo"}
  aecho: {target: "main.py:aecho", path: "/a/{one}/{two}"}
  json-in: {target: "main.py:json_in"}
  form: {target: "main.py:form"}
  result: {target: "main.py:result"}
  aresult: {target: "main.py:aresult"}
  falconish: {target: "main.py:falconish"}
  order: {target: "main.py:order"}
  point: {target: "main.py:point"}
  named: {target: "main.py:named"}
  event: {target: "main.py:event"}
  background: {target: "main.py:background"}
  small: {target: "main.py:echo", max_body_size: 4B, methods: [POST]}
  off: {target: "main.py:echo", enabled: false}
  gone: {target: "main.py:echo", enabled: false, gone: true}
"""
Request = tuple[str, str, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
BINARY = {**JSON, "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": 1}}
OLD = {"specversion": "0.3", "id": "1", "source": "/s", "type": "t", "data": {"a": 1}}
LEGACY = {
    "context": {
        "eventId": "1",
        "timestamp": "2026-01-01T00:00:00Z",
        "eventType": "google.storage.object.finalize",
        "resource": {"name": "projects/_/buckets/b/objects/o", "service": "storage.googleapis.com"},
    },
    "data": {"name": "o"},
}
PUSH = {"subscription": "s", "message": {"messageId": "1", "data": "aGk="}}
RESULTS = [*re.findall(r'"(\w+)": lambda', MAIN), "unknown"]


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def table() -> list[Request]:
    form = b"a=1&b=%C3%A9"
    requests: list[Request] = [
        ("GET", "/echo?x=1&y=%C3%A9", {"X-Agent": "me"}, b""),
        ("POST", "/echo/below/it", {"Content-Type": "text/plain; charset=utf-8"}, b"body"),
        ("GET", "/echo/%E4%BD%A0%20x", {}, b""),
        ("HEAD", "/echo", {}, b""),
        ("OPTIONS", "/echo", {}, b""),
        ("PUT", "/echo", {}, b"x" * 100_000),
        ("DELETE", "/echo", {}, b""),
        ("PATCH", "/echo", JSON, b"{}"),
        ("GET", "/a/1/2?z=3", {}, b""),
        ("GET", "/a/1/2/3", {}, b""),
        ("GET", "/a/1", {}, b""),
        ("GET", "/echothere", {}, b""),
        ("GET", "/", {}, b""),
        ("GET", "/_ffhost/live", {}, b""),
        ("GET", "/_ffhost/ready", {}, b""),
        ("GET", "/_ffhost/other", {}, b""),
        ("POST", "/_ffhost/live", {}, b""),
        ("POST", "/json-in", JSON, b'{"a": [1, 2.5, "x"]}'),
        ("POST", "/json-in", JSON, b'{"a": '),
        ("POST", "/json-in", JSON, b""),
        ("POST", "/json-in", {"Content-Type": "text/plain"}, b"{}"),
        ("POST", "/form", {"Content-Type": "application/x-www-form-urlencoded"}, form),
        ("GET", "/falconish?x=7", {}, b""),
        ("POST", "/order", JSON, b'{"item": "tea", "quantity": 2}'),
        ("POST", "/order", JSON, b'{"item": 5, "quantity": "x"}'),
        ("POST", "/order", JSON, b"not json"),
        ("POST", "/order", JSON, b"[]"),
        ("GET", "/order", {}, b""),
        ("HEAD", "/order", {}, b""),
        ("POST", "/point", JSON, b'{"x": 1}'),
        ("POST", "/point", JSON, b'{"y": 1}'),
        ("POST", "/named", JSON, b'{"name": "n"}'),
        ("POST", "/named", JSON, b'{"nam": "n"}'),
        ("POST", "/event", BINARY, b'{"a": 1}'),
        ("POST", "/event", {**BINARY, "ce-type": "reply"}, b'{"a": 1}'),
        ("POST", "/event", {**BINARY, "ce-type": "crash"}, b'{"a": 1}'),
        ("POST", "/event", {**BINARY, "ce-specversion": "9.9"}, b"{}"),
        ("POST", "/event", {**JSON, "ce-id": "1"}, b"{}"),
        ("POST", "/event", BINARY, b"{broken"),
        ("POST", "/event", {**BINARY, "ce-time": "yesterday"}, b"{}"),
        ("POST", "/event", STRUCTURED, dump(EVENT)),
        ("POST", "/event", STRUCTURED, dump(OLD)),
        ("POST", "/event", STRUCTURED, b"[]"),
        ("POST", "/event", STRUCTURED, dump({**EVENT, "type": None})),
        ("POST", "/event", BATCH, dump([EVENT, OLD])),
        ("POST", "/event", BATCH, dump([EVENT, {**EVENT, "type": "reply"}])),
        ("POST", "/event", BATCH, dump([EVENT, {**EVENT, "type": "crash"}, EVENT])),
        ("POST", "/event", BATCH, dump([EVENT, {}])),
        ("POST", "/event", JSON, dump(LEGACY)),
        ("POST", "/event", JSON, dump(PUSH)),
        ("GET", "/event", {}, b""),
        ("POST", "/background", JSON, dump(LEGACY)),
        ("POST", "/background", JSON, dump(PUSH)),
        ("POST", "/background", JSON, dump({**LEGACY, "data": {"crash": 1}})),
        ("POST", "/background", STRUCTURED, dump(EVENT)),
        ("POST", "/background", JSON, b"[]"),
        ("POST", "/background", JSON, b"null"),
        ("POST", "/small", {}, b"1234"),
        ("POST", "/small", {}, b"12345"),
        ("GET", "/small", {}, b""),
        ("GET", "/off", {}, b""),
        ("GET", "/gone", {}, b""),
    ]
    requests += [("GET", f"/result/{name}", {}, b"") for name in RESULTS]
    requests += [("POST", f"/aresult/{name}", {}, b"x") for name in RESULTS]
    return requests


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def servers(port: int) -> dict[str, list[str]]:
    python = ["-m"]
    bind = f"127.0.0.1:{port}"
    gunicorn = [*python, "gunicorn", "ffhost.wsgi:app", "-b", bind, "--no-control-socket"]
    return {
        "ffhost serve": [*python, "ffhost", "serve", "--host", "127.0.0.1", "--port", str(port)],
        "gunicorn, one worker": [*gunicorn, "--threads", "4"],
        "gunicorn, four workers": [*gunicorn, "-w", "4"],
        "uvicorn": [*python, "uvicorn", "ffhost.asgi:app", "--port", str(port)],
    }


@contextmanager
def running(folder: Path, name: str) -> Iterator[int]:
    port = free_port()
    environ = {**os.environ, "FFHOST_CONFIG": "functions.yaml"}
    for variable in ("PORT", "HOST", "FUNCTION_TARGET"):
        environ.pop(variable, None)
    log = folder / "log.txt"
    server = Python(servers(port)[name], folder, environ, log, log)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill_all()


def answers(port: int) -> list[tuple[int, bytes, str | None]]:
    found = []
    for method, path, headers, body in table():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        fixed = {"Function-Execution-Id": "parity", **headers}
        connection.request(method, path, body=body or None, headers=fixed)
        answer = connection.getresponse()
        found.append((answer.status, answer.read(), answer.getheader("Content-Type")))
        assert answer.getheader("Function-Execution-Id") == "parity"
        assert answer.getheader("ETag") is None
        connection.close()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parity")
    (made / "main.py").write_text(MAIN)
    (made / "functions.yaml").write_text(CONFIG)
    return made


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[tuple[int, bytes, str | None]]:
    with running(folder, "ffhost serve") as port:
        return answers(port)


def test_the_table_is_long_and_varied(expected: list[tuple[int, bytes, str | None]]) -> None:
    assert len(expected) >= 60
    statuses = {status for status, _, _ in expected}
    assert statuses >= {200, 201, 202, 204, 304, 400, 404, 405, 409, 410, 413, 415, 418, 422}
    assert statuses >= {500, 503}


def test_no_bad_request_is_a_5xx(expected: list[tuple[int, bytes, str | None]]) -> None:
    meant = ["none", "int", "object", "raise", "exit", "badstatus", "badheader", "unknown"]
    meant = [f"result/{name}" for name in meant] + ["crash", "/off"]
    assert [
        request
        for request, (status, _, _) in zip(table(), expected, strict=True)
        if status >= 500 and not any(word in str(request) for word in meant)
    ] == []


@pytest.mark.parametrize("name", ["gunicorn, one worker", "gunicorn, four workers", "uvicorn"])
def test_every_server_gives_the_same_answers(
    folder: Path, expected: list[tuple[int, bytes, str | None]], name: str
) -> None:
    with running(folder, name) as port:
        found = answers(port)
    different = [
        (request[:2], one, other)
        for request, one, other in zip(table(), expected, found, strict=True)
        if one != other
    ]
    assert different == []
