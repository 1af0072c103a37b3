"""One trace and one execution id through three functions, in one host and across HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.testing import client
from tests.collecting import Collector, collecting
from tests.log_reading import reading
from tests.serving import eventually, server

CODE = """
import ffhost

def first(request):
    return ffhost.call_sync("second").text

async def second(request):
    return (await ffhost.call("third")).text

def third(request):
    return ffhost.current().trace_id
"""
CONFIG = """
tracing: {{enabled: true, hooks: {{otel: {{options: {{endpoint: "{endpoint}", interval: 50ms}}}}}}}}
functions:
  first: {{target: "main.py:first"}}
  second: {{target: "main.py:second"}}
  third: {{target: "main.py:third"}}
"""
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01", "Function-Execution-Id": "one"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def write(folder: Path, collector: Collector) -> None:
    (folder / "main.py").write_text(CODE)
    (folder / "functions.yaml").write_text(CONFIG.format(endpoint=collector.endpoint))


def is_one_trace(collector: Collector) -> bool:
    """Whether the spans of the three functions are children of each other."""
    spans = {each.attributes["faas.name"]: each for each in collector.wait(3)}
    first, second, third = (spans[name] for name in ("first", "second", "third"))
    assert {each.trace_id for each in spans.values()} == {TRACE}
    assert {each.attributes["faas.invocation_id"] for each in spans.values()} == {"one"}
    parents = [first.parent_id, second.parent_id, third.parent_id]
    return parents == [SPAN, first.span_id, second.span_id]


def summaries(entries: list[dict[str, object]]) -> dict[object, tuple[object, ...]]:
    """Return execution id, trace and caller of the summary entry of each function."""
    return {
        each["function"]: (each["execution_id"], each["trace_id"], each.get("caller"))
        for each in entries
        if each["message"] == "invocation"
    }


@pytest.mark.parametrize("front", ["asgi", "wsgi"])
def test_three_functions_of_one_host_are_one_trace_and_one_execution(
    collector: Collector, tmp_path: Path, front: str
) -> None:
    write(tmp_path, collector)
    with reading(tmp_path) as log:
        log.configure()
        with client(tmp_path, front=front) as host:  # type: ignore[arg-type]
            assert host.get("/first", headers=HEADERS).text == TRACE
            assert is_one_trace(collector)
        assert summaries(log.entries()) == {
            "first": ("one", TRACE, None),
            "second": ("one", TRACE, "first"),
            "third": ("one", TRACE, "second"),
        }


def test_three_functions_of_two_hosts_are_one_trace_and_one_execution(
    collector: Collector, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    write(here, collector)
    otel = (
        f"tracing.hooks={{otel: {{options: {{endpoint: '{collector.endpoint}', interval: 50ms}}}}}}"
    )
    traced = ("tracing.enabled=true", otel, "logging.format=json")
    with server(there, *traced, source=CODE, functions="second third") as other:
        address, port = other.address
        environ = {
            "FUNCTION_TARGET": "first",
            "FFHOST_FUNCTIONS__SECOND__URL": f"http://{address}:{port}/second",
        }
        with client(here, environ=environ) as host:
            assert host.get("/first", headers=HEADERS).text == TRACE
            assert is_one_trace(collector)
        eventually(lambda: len(other.entries("invocation")) == 2, "both entries")
        assert summaries(other.entries("invocation")) == {
            "second": ("one", TRACE, "first"),
            "third": ("one", TRACE, "second"),
        }
