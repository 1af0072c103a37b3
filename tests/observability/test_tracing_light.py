"""The span that a call has until somebody writes to it, and the SDK's span that it becomes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collecting import Collector, collecting
from tests.conftest import Serve

CODE = """
import ffhost
from opentelemetry import trace

def hello(request):
    doing = request.params.get("do")
    span = trace.get_current_span()
    if doing == "attribute":
        span.set_attribute("mine", 1)
    elif doing == "attributes":
        span.set_attributes({"mine": 1})
    elif doing == "event":
        span.add_event("mine", {"n": 1})
    elif doing == "name":
        span.update_name("mine")
    elif doing == "status":
        span.set_status(trace.StatusCode.ERROR, "mine")
    elif doing == "link":
        span.add_link(trace.SpanContext(1, 2, True))
    elif doing == "exception":
        span.record_exception(ValueError("mine"))
    elif doing == "read":
        return span.attributes["faas.name"]
    elif doing == "private":
        return str(hasattr(span, "no_such_thing"))
    elif doing == "end":
        span.end()
    assert span.is_recording() == (doing != "end")
    return f"{span.get_span_context().span_id:016x}"
"""
CONFIG = """
logging: {{invocations: false}}
tracing: {{enabled: true, hooks: {{otel: {{options: {{endpoint: "{endpoint}", interval: 20ms}}}}}}}}
functions: {{hello: {{target: "main.py:hello"}}}}
"""
OF_ONE_CALL = ("faas.coldstart", "faas.invocation_id", "http.response.body.size")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def test_a_span_that_user_code_has_touched_differs_in_what_that_did_alone(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, CONFIG.format(endpoint=collector.endpoint))
    touches = ("", "attribute", "attributes", "event", "name", "status", "link", "exception")
    answers = [host.get(f"/hello?do={doing}").text for doing in touches]
    received = {span.span_id: span for span in collector.wait(len(touches))}
    assert len(collector.spans) == len(received) == len(touches)
    spans = dict(zip(touches, (received[answer] for answer in answers), strict=True))
    plain = spans[""]
    for doing, span in spans.items():
        assert span.kind == plain.kind
        assert span.resource == plain.resource
        for name in OF_ONE_CALL:
            span.attributes.pop(name)
        expected = {"mine": 1} if doing.startswith("attribute") else {}
        assert span.attributes == plain.attributes | expected, doing
        assert span.name == ("mine" if doing == "name" else "GET /hello")
        assert span.failed == (doing == "status")
        assert span.links == ([(f"{1:032x}", f"{2:016x}")] if doing == "link" else [])
        events = {"event": ["mine"], "exception": ["exception"]}
        assert list(span.events) == events.get(doing, [])


@pytest.mark.parametrize(("doing", "answer"), [("read", "hello"), ("private", "False")])
def test_a_span_has_what_the_sdks_has(
    serve: Serve, collector: Collector, doing: str, answer: str
) -> None:
    host = serve(CODE, CONFIG.format(endpoint=collector.endpoint))
    assert host.get(f"/hello?do={doing}").text == answer
    collector.only()


def test_a_span_that_user_code_has_ended_is_exported_once(
    serve: Serve, collector: Collector
) -> None:
    host = serve(CODE, CONFIG.format(endpoint=collector.endpoint))
    ids = [host.get("/hello?do=end").text, host.get("/hello").text]
    assert [span.span_id for span in collector.wait(2)] == ids


def test_a_span_that_nobody_receives_can_be_shown(serve: Serve, collector: Collector) -> None:
    code = "from opentelemetry import trace\n\ndef hello(request):\n"
    code += "    return repr(trace.get_current_span())\n"
    config = CONFIG.replace("interval: 20ms", "sampling: 0")
    answer = serve(code, config.format(endpoint=collector.endpoint)).get("/hello")
    assert answer.status == 200
    assert answer.text.startswith("NonRecordingSpan(SpanContext(trace_id=0x")


# A process has one provider for all of its life, so these need processes of their own.

LOOKING = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

class Looking(SpanProcessor):
    def on_start(self, span, parent_context=None):
        span.set_attribute("seen", True)
    def on_end(self, span):
        print(span.name, span.attributes["seen"], len(span.attributes), flush=True)

def look(request):
    trace.get_tracer_provider().add_span_processor(Looking())
    return "looking"

def hello(request):
    return "hello"
"""
LOOKING_CONFIG = """
logging: {invocations: false}
tracing: {enabled: true, hooks: {otel: {options: {exporter: none}}}}
functions: {hello: {target: "main.py:hello"}, look: {target: "main.py:look"}}
"""
CALL = """
from ffhost.testing import client
with client("functions.yaml") as served:
    for path in %r:
        assert served.get(path).status == 200
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    def run(paths: list[str], environ: dict[str, str], config: str = LOOKING_CONFIG) -> str:
        (tmp_path / "main.py").write_text(LOOKING)
        (tmp_path / "functions.yaml").write_text(config)
        return subprocess.run(
            [sys.executable, "-c", CALL % (paths,)],
            cwd=tmp_path,
            env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environ},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    return run


def test_a_processor_of_user_code_sees_every_span_from_its_start(run: Callable[..., str]) -> None:
    lines = run(["/hello", "/look", "/hello", "/hello"], {}).splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["GET /hello True"] * 2


def test_bounds_that_the_sdk_takes_from_the_environment_hold(run: Callable[..., str]) -> None:
    config = LOOKING_CONFIG.replace("exporter: none", "exporter: console")
    output = run(["/hello"], {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2"}, config)
    span = json.loads(next(line for line in output.splitlines() if '"context"' in line))
    assert span["attributes"]["faas.name"] == "he"


def test_a_hook_inside_of_otel_finds_the_span_of_the_call(
    serve: Serve, collector: Collector
) -> None:
    code = CODE + "\ndef look(invocation):\n    LOOKED.append(invocation.span_id)\n    yield\n"
    code += "\nLOOKED = []\ndef looked(request):\n    return LOOKED\n"
    config = CONFIG.replace(
        "interval: 20ms}}}}", "interval: 20ms}}}}, look: {{target: main.py:look}}"
    )
    config = config.replace(
        '"main.py:hello"}}}}', '"main.py:hello"}}, looked: {{target: main.py:looked}}}}'
    )
    host = serve(code, config.format(endpoint=collector.endpoint))
    span_id = host.get("/hello").text
    assert host.get("/looked").json()[0] == span_id
    assert span_id in [span.span_id for span in collector.wait(2)]
