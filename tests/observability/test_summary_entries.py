"""The summary entry of each call, on both fronts, and what a call tells of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.log_reading import Log, reading

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CODE = """
import threading, time
import ffhost

def hello(request):
    return "hello"

def crash(request):
    raise ValueError

def slow(request):
    time.sleep(0.3)

def stream(request):
    yield "one"
    yield "two"

async def on_event(event):
    pass

@ffhost.event
def on_file(data, context):
    pass

def tell(request):
    call = ffhost.current()
    thread = threading.Thread(target=lambda: call.log.warning("from a thread", colour="red"))
    thread.start()
    thread.join()
    call.log.warning("from the call")
    return [call.function_name, call.execution_id, call.trace_id, call.span_id, call.config,
            0 < call.remaining <= 60]
"""
CONFIG = """
functions:
  hello: {target: "main.py:hello"}
  crash: {target: "main.py:crash"}
  slow: {target: "main.py:slow", timeout: 50ms}
  stream: {target: "main.py:stream"}
  on-event: {target: "main.py:on_event", signature: cloudevent}
  on-file: {target: "main.py:on_file"}
  off: {target: "main.py:hello", enabled: false}
  tell: {target: "main.py:tell", config: {quality: 80}}
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with reading(tmp_path) as log:
        log.configure()
        yield log


def summaries(log: Log) -> list[dict[str, Any]]:
    return [each for each in log.entries() if each["logger"] == "ffhost.invocations"]


def test_each_call_has_one_entry_that_says_how_it_ended(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    for path in ("/hello/a%20b?secret=1", "/crash", "/slow", "/stream", "/off", "/nowhere"):
        host.request("GET", path, body=b"12345" if path == "/crash" else b"")
    told = [
        (each["path"], each["status"], each["outcome"], each["severity"], each["request_bytes"])
        for each in summaries(log)
    ]
    assert told == [
        ("/hello/a%20b", 200, "ok", "INFO", 0),
        ("/crash", 500, "crash", "WARNING", 5),
        ("/slow", 504, "timeout", "WARNING", 0),
        ("/stream", 200, "ok", "INFO", 0),
        ("/off", 503, "rejected", "WARNING", 0),
    ]
    assert "secret" not in log.text()


def test_a_request_that_matches_no_function_has_an_entry_of_its_own(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    host.request("GET", "/nowhere?secret=1")
    host.request("GET", "/on-event")
    assert [
        (each["message"], each["path"], each["status"], each["outcome"])
        for each in log.entries()
        if each["logger"] == "ffhost.requests"
    ] == [
        ("unmatched", "/nowhere", 404, "unmatched"),
        ("unmatched", "/on-event", 405, "unmatched"),
    ]
    assert "secret" not in log.text()


def test_an_entry_names_its_call_and_its_trace(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    headers = {"function-execution-id": "mine", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    host.post("/stream", headers=headers)
    (entry,) = summaries(log)
    duration = entry.pop("duration_seconds")
    del entry["timestamp"]
    assert 0 <= duration < 5
    assert entry == {
        "severity": "INFO",
        "message": "invocation",
        "logger": "ffhost.invocations",
        "function": "stream",
        "execution_id": "mine",
        "trace_id": TRACE,
        "span_id": SPAN,
        "config_revision": "r1",
        "signature": "http",
        "method": "POST",
        "path": "/stream",
        "status": 200,
        "outcome": "ok",
        "request_bytes": 0,
        "response_bytes": 6,
    }


def test_an_entry_names_the_event(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    event = {"specversion": "1.0", "id": "7", "source": "/s", "type": "made"}
    host.post("/on-event", headers={f"ce-{name}": text for name, text in event.items()})
    structured = [("content-type", "application/cloudevents+json")]
    host.post(
        "/on-event",
        headers=structured,
        body='{"specversion":"1.0","id":"8","source":"/s","type":"made too"}',
    )
    resource = {"service": "storage.googleapis.com", "name": "projects/_/buckets/b/objects/o"}
    context = {
        "eventId": "9",
        "timestamp": "2026-01-02T03:04:05Z",
        "eventType": "google.storage.object.finalize",
        "resource": resource,
    }
    host.post("/on-file", json={"context": context, "data": {}})
    host.post("/on-event", body="junk")
    assert [(each.get("event_id"), each.get("event_type")) for each in summaries(log)] == [
        ("7", "made"),
        ("8", "made too"),
        ("9", "google.storage.object.finalize"),
        (None, None),
    ]


def test_probes_are_silent_unless_they_fail(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    host.get("/_ffhost/live")
    for path in ("/hello", "/crash"):
        host.get(path, headers={"user-agent": "kube-probe/1.31"})
    assert [each["path"] for each in summaries(log)] == ["/crash"]


def test_summaries_can_be_switched_off(serve: Serve, log: Log) -> None:
    host = serve(CODE, "logging: {invocations: false}\n" + CONFIG)
    host.get("/hello")
    assert summaries(log) == []


def test_a_call_tells_what_it_is_and_logs_as_itself(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG)
    headers = {"function-execution-id": "mine", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    answer = host.get("/tell", headers=headers)
    assert answer.json() == ["tell", "mine", TRACE, SPAN, {"quality": 80}, True]
    lines = [each for each in log.entries() if each["message"].startswith("from ")]
    assert [(each["message"], each["function"], each["execution_id"]) for each in lines] == [
        ("from a thread", "tell", "mine"),
        ("from the call", "tell", "mine"),
    ]
    assert lines[0]["colour"] == "red"
