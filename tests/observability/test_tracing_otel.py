"""Spans, as a receiver of OTLP sees them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collecting import Collector, collecting
from tests.conftest import Serve
from tests.log_reading import reading
from tests.serving import eventually, gunicorn, server

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OTHER_TRACE, OTHER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
OTHER_TRACEPARENT = f"00-{OTHER_TRACE}-{OTHER_SPAN}-01"

CODE = """
import asyncio, time
import ffhost
from opentelemetry import baggage, trace

tracer = trace.get_tracer("user")

def ids(request):
    here = trace.get_current_span().get_span_context()
    call = ffhost.current()
    return {
        "trace": f"{here.trace_id:032x}", "span": f"{here.span_id:016x}",
        "call": [call.trace_id, call.span_id], "baggage": dict(baggage.get_all()),
    }

async def nested(request):
    with tracer.start_as_current_span("work"):
        await asyncio.sleep(0)
        with tracer.start_as_current_span("detail"):
            pass
    return "done"

def streamed(request):
    yield "one"
    with tracer.start_as_current_span("chunk"):
        yield "two"

class OutOfOrder(Exception):
    pass

def crash(request):
    raise OutOfOrder("for today")

def slow(request):
    time.sleep(1)

def on_event(event):
    pass

@ffhost.event
def on_file(data, context):
    pass
"""

CONFIG = """
logging: {{invocations: false}}
tracing:
  enabled: true
  hooks:
    otel: {{options: {{endpoint: "{endpoint}", interval: 50ms, headers: {{x-key: k}}{more}}}}}
functions:
  ids: {{target: "main.py:ids", path: "/ids/{{key}}"}}
  nested: {{target: "main.py:nested"}}
  streamed: {{target: "main.py:streamed"}}
  crash: {{target: "main.py:crash"}}
  slow: {{target: "main.py:slow", timeout: 50ms}}
  on-event: {{target: "main.py:on_event", signature: cloudevent}}
  on-file: {{target: "main.py:on_file"}}
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def config(collector: Collector, more: str = "") -> str:
    return CONFIG.format(endpoint=collector.endpoint, more=more)


def test_a_call_is_a_server_span_with_the_conventions_attributes(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, config(collector))
    answer = host.post("/ids/7?secret=1", headers={"user-agent": "tests/1"}, body="abc")
    span = collector.only()
    assert (span.name, span.kind, span.parent_id, span.links) == (
        "POST /ids/{key}",
        "SERVER",
        "",
        [],
    )
    assert span.attributes == {
        "client.address": "127.0.0.1",
        "faas.coldstart": True,
        "faas.invocation_id": answer.headers["function-execution-id"],
        "faas.name": "ids",
        "faas.trigger": "http",
        "ffhost.outcome": "ok",
        "http.request.body.size": 3,
        "http.request.method": "POST",
        "http.response.body.size": len(answer.body),
        "http.response.status_code": 200,
        "http.route": "/ids/{key}",
        "network.protocol.version": "1.1",
        "server.address": "localhost",
        "server.port": 8080,
        "url.path": "/ids/7",
        "url.scheme": "http",
        "user_agent.original": "tests/1",
    }
    assert span.resource["service.name"] == "ffhost"
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["x-key"] == "k"
    ids = answer.json()
    assert ids["call"] == [ids["trace"], ids["span"]] == [span.trace_id, span.span_id]


def test_the_callers_trace_is_continued_with_its_baggage(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, config(collector))
    headers = {"traceparent": TRACEPARENT, "tracestate": "a=1", "baggage": "user=ada"}
    answer = host.get("/ids/7", headers=headers).json()
    span = collector.only()
    assert (span.trace_id, span.parent_id) == (TRACE, SPAN)
    assert answer["trace"] == TRACE
    assert answer["span"] == span.span_id
    assert answer["baggage"] == {"user": "ada"}


def test_a_hook_further_out_may_look_at_the_callers_ids(serve: Serve, collector: Collector) -> None:
    code = (
        CODE
        + """
def look(invocation):
    assert invocation.span_id == "b7ad6b7169203331"
    yield
    assert invocation.span_id != "b7ad6b7169203331"
"""
    )
    text = config(collector).replace(
        "    otel: ", '    look: {target: "main.py:look"}\n    otel: ', 1
    )
    host = serve(code, text)
    answer = host.get("/ids/7", headers={"traceparent": TRACEPARENT}).json()
    span = collector.only()
    assert answer["call"] == [TRACE, span.span_id]


def test_a_caller_that_is_not_trusted_is_linked(serve: Serve, collector: Collector) -> None:
    host = serve(CODE, config(collector, ", trust_callers: false"))
    headers = {"traceparent": TRACEPARENT, "baggage": "user=ada"}
    assert host.get("/ids/7", headers=headers).json()["baggage"] == {}
    span = collector.only()
    assert span.trace_id != TRACE
    assert (span.parent_id, span.links) == ("", [(TRACE, SPAN)])


def test_spans_of_user_code_nest(serve: Serve, collector: Collector) -> None:
    host = serve(CODE, config(collector))
    host.get("/nested")
    host.get("/streamed")
    call, work, detail = (collector.named(name, 5) for name in ("GET /nested", "work", "detail"))
    assert (work.parent_id, detail.parent_id) == (call.span_id, work.span_id)
    assert {call.trace_id, work.trace_id, detail.trace_id} == {call.trace_id}
    stream, chunk = collector.named("GET /streamed"), collector.named("chunk")
    assert (chunk.trace_id, chunk.parent_id) == (stream.trace_id, stream.span_id)
    assert stream.attributes["http.response.body.size"] == 6


def test_a_crash_is_recorded_with_its_plain_name(serve: Serve, collector: Collector) -> None:
    host = serve(CODE, config(collector))
    host.get("/crash")
    span = collector.only()
    assert span.failed
    assert span.attributes["error.type"] == "main.OutOfOrder"
    exception = span.events["exception"]
    assert (exception["exception.type"], exception["exception.message"]) == (
        "main.OutOfOrder",
        "for today",
    )


def test_a_deadline_ends_the_span_though_the_function_runs_on(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, config(collector))
    host.get("/slow")
    span = collector.only()
    assert span.failed
    assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == (
        "timeout",
        504,
    )
    assert span.nanoseconds < 900_000_000


EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.made"}
EVENT_ATTRIBUTES = {
    "cloudevents.event_id": "1",
    "cloudevents.event_source": "/s",
    "cloudevents.event_spec_version": "1.0",
    "cloudevents.event_type": "com.example.made",
    "cloudevents.event_subject": "thing",
    "faas.trigger": "other",
}


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("traced", [False, True], ids=["untraced", "traced"])
def test_the_trace_of_an_event_is_the_parent_or_else_a_link(
    serve: Serve, collector: Collector, mode: str, traced: bool
) -> None:
    host = serve(CODE, config(collector))
    attributes = {**EVENT, "subject": "thing", "traceparent": OTHER_TRACEPARENT}
    headers = {"traceparent": TRACEPARENT} if traced else {}
    if mode == "binary":
        headers |= {f"ce-{name}": text for name, text in attributes.items()}
        body = ""
    else:
        headers |= {"content-type": "application/cloudevents+json"}
        body = json.dumps(attributes)
    assert host.post("/on-event", headers=headers, body=body).status == 204
    span = collector.only()
    assert {name: span.attributes.get(name) for name in EVENT_ATTRIBUTES} == EVENT_ATTRIBUTES
    expected: Any = (OTHER_TRACE, OTHER_SPAN, [])
    if traced:
        expected = (TRACE, SPAN, [(OTHER_TRACE, OTHER_SPAN)])
    assert (span.trace_id, span.parent_id, span.links) == expected


def test_every_event_of_a_batch_is_linked(serve: Serve, collector: Collector) -> None:
    host = serve(CODE, config(collector))
    events = [
        {**EVENT, "id": str(number), "traceparent": parent}
        for number, parent in enumerate((TRACEPARENT, OTHER_TRACEPARENT))
    ]
    headers = {"content-type": "application/cloudevents-batch+json"}
    assert host.post("/on-event", headers=headers, body=json.dumps(events)).status == 204
    span = collector.only()
    assert (span.parent_id, span.links) == ("", [(TRACE, SPAN), (OTHER_TRACE, OTHER_SPAN)])


def test_a_background_event_names_its_event(serve: Serve, collector: Collector) -> None:
    host = serve(CODE, config(collector))
    context = {
        "eventId": "7",
        "timestamp": "2026-01-02T03:04:05Z",
        "eventType": "google.storage.object.finalize",
        "resource": {"service": "storage.googleapis.com", "name": "projects/_/buckets/b/objects/o"},
    }
    assert host.post("/on-file", json={"context": context, "data": {}}).status == 204
    attributes = collector.only().attributes
    assert attributes["cloudevents.event_id"] == "7"
    assert attributes["faas.trigger"] == "datasource"


@pytest.mark.parametrize("broken", ["", "junk", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
def test_a_broken_traceparent_begins_a_trace(
    serve: Serve, collector: Collector, broken: str
) -> None:
    host = serve(CODE, config(collector))
    headers = {"traceparent": broken, "baggage": ";;=,"}
    assert host.get("/ids/7", headers=headers).status == 200
    assert collector.only().parent_id == ""


@pytest.mark.parametrize("field", ["baggage", "tracestate"])
@pytest.mark.parametrize("text", ["secret" * 2_000, "secret," * 1_000, "se(cret=1," * 100])
def test_what_callers_send_is_not_quoted_in_the_log(
    serve: Serve, collector: Collector, caplog: pytest.LogCaptureFixture, field: str, text: str
) -> None:
    host = serve(CODE, config(collector))
    headers = {"traceparent": TRACEPARENT, field: text}
    assert host.get("/ids/7", headers=headers).status == 200
    assert "cret" not in caplog.text


def test_the_callers_decision_is_kept_and_others_are_sampled(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, config(collector, ", sampling: 0"))
    unsampled = host.get("/nested", headers={"traceparent": TRACEPARENT[:-1] + "0"})
    assert unsampled.status == 200
    answer = host.get("/ids/7").json()
    assert len(answer["call"][0]) == 32
    host.get("/ids/7", headers={"traceparent": TRACEPARENT})
    assert [span.trace_id for span in collector.wait(1)] == [TRACE]


def test_a_function_may_have_a_sampling_ratio_of_its_own(
    serve: Serve, collector: Collector
) -> None:
    text = config(collector, ", sampling: 0").replace(
        'target: "main.py:nested"',
        'target: "main.py:nested", tracing: {hooks: {otel: {options: {sampling: 1}}}}',
    )
    host = serve(CODE, text)
    host.get("/ids/7")
    host.get("/nested")
    assert {span.name for span in collector.wait(3)} == {"GET /nested", "work", "detail"}


def test_switching_off_by_reload_ends_the_spans_of_user_code_too(
    serve: Serve, collector: Collector, tmp_path: Path
) -> None:
    host = serve(CODE, config(collector))
    host.get("/nested")
    collector.wait(3)
    file = tmp_path / "functions.yaml"
    file.write_text(file.read_text().replace("enabled: true", "enabled: false", 1))
    assert host.service.reload()
    host.get("/nested")
    file.write_text(file.read_text().replace("enabled: false", "enabled: true", 1))
    assert host.service.reload()
    host.get("/ids/7")
    assert [span.name for span in collector.wait(4)][3:] == ["GET /ids/{key}"]


def test_without_otel_the_callers_ids_are_in_the_log(serve: Serve, tmp_path: Path) -> None:
    code = """
        import logging
        def hello(request):
            logging.warning("hello")
            return "hello"
    """
    text = 'logging: {invocations: false}\nfunctions: {hello: {target: "main.py:hello"}}'
    with reading(tmp_path) as log:
        log.configure()
        host = serve(code, text)
        cloud = f"{OTHER_TRACE}/{int(OTHER_SPAN, 16)};o=1"
        for headers in (
            {},
            {"traceparent": TRACEPARENT, "x-cloud-trace-context": cloud},
            {"x-cloud-trace-context": cloud},
            {"traceparent": "junk"},
        ):
            host.get("/hello", headers=headers)
        entries = [each for each in log.entries() if each["message"] == "hello"]
        assert [(each.get("trace_id"), each.get("span_id")) for each in entries] == [
            (None, None),
            (TRACE, SPAN),
            (OTHER_TRACE, OTHER_SPAN),
            (None, None),
        ]


CHAIN = """
import urllib.request
from opentelemetry import propagate, trace

tracer = trace.get_tracer("user")

def outer(request):
    headers = {}
    with tracer.start_as_current_span("calling"):
        propagate.inject(headers)
        host = request.headers["host"]
        sent = urllib.request.Request(f"http://{host}/inner", headers=headers)
        return urllib.request.urlopen(sent).read().decode()

def inner(request):
    return "inner"
"""


@pytest.mark.parametrize("serving", [server, gunicorn])
def test_spans_nest_across_a_call_from_one_function_to_another(
    tmp_path: Path, collector: Collector, serving: Any
) -> None:
    options = f"{{endpoint: '{collector.endpoint}', interval: 1h}}"
    sets = ("server.workers=2", "tracing.enabled=true", f"tracing.hooks.otel.options={options}")
    with serving(tmp_path, *sets, source=CHAIN, functions="outer inner") as running:
        for _ in range(4):
            assert running.get("/outer") == "inner"
        assert collector.spans == []
        # Nothing was sent yet: the end of the workers brings them.
        running.send(signal.SIGTERM)
        assert running.wait() == 0
    spans = {span.span_id: span for span in collector.wait(12)}
    assert len(spans) == 12
    for inner in (span for span in spans.values() if span.name.endswith(" /inner")):
        calling = spans[inner.parent_id]
        outer = spans[calling.parent_id]
        assert (calling.name, outer.name, outer.parent_id) == ("calling", "GET /outer", "")
        assert {inner.trace_id, calling.trace_id, outer.trace_id} == {outer.trace_id}
        assert (inner.kind, calling.kind, outer.kind) == ("SERVER", "INTERNAL", "SERVER")


FORKED = """
import os
from ffhost.testing import client
from opentelemetry import trace

with client("functions.yaml", front="wsgi") as host:
    trace.get_tracer("user").start_span("before").end()
    if os.fork() == 0:
        host.get("/hello")
        host.service.stop()
        os._exit(0)
    assert os.wait()[1] == 0
    host.get("/hello")
"""


def test_a_process_that_was_forked_sends_its_own_spans(
    tmp_path: Path, collector: Collector
) -> None:
    (tmp_path / "main.py").write_text("def hello(request):\n    return 'hello'\n")
    (tmp_path / "functions.yaml").write_text(
        "logging: {invocations: false}\n"
        "tracing: {enabled: true, hooks: {otel: {options: "
        f"{{endpoint: '{collector.endpoint}', interval: 1h}}}}}}}}\n"
        "functions: {hello: {target: 'main.py:hello'}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=tmp_path,
        timeout=30,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    spans = collector.wait(3)
    assert sorted(span.name for span in spans) == ["GET /hello", "GET /hello", "before"]
    assert len({span.span_id for span in spans}) == 3
    assert len({span.trace_id for span in spans}) == 3


def test_a_collector_that_is_gone_fails_no_call_and_holds_up_no_end(tmp_path: Path) -> None:
    sets = (
        "tracing.enabled=true",
        "tracing.hooks.otel.options={endpoint: 'http://127.0.0.1:9', flush_timeout: 200ms}",
    )
    with server(tmp_path, *sets) as running:
        assert running.get("/hello") == "hello"
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        told = ("spans_lost", "Exception while exporting Span batch.")  # older SDKs try only once
        eventually(lambda: any(map(running.entries, told)), "the loss is logged")
