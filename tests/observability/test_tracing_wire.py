"""Spans written by hand are what the SDK would have written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from ffhost.observability.tracing.span_wire import FastSpanExporter, encode_span_request
from tests.installed import is_installed

is_used = pytest.mark.skipif(
    not is_installed("opentelemetry-exporter-otlp-proto-http>=1.45"),
    reason="this version is left to write spans itself",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
values = st.one_of(
    texts, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False)
)
attributes = st.dictionaries(texts.filter(bool), values | st.lists(texts, max_size=2), max_size=6)
kinds = st.sampled_from(SpanKind)
states = st.sampled_from([None, Status(StatusCode.OK), Status(StatusCode.ERROR, "broken")])


def made(drawn: list[Any]) -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "tests"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    remote = SpanContext(1 << 100, 77, is_remote=True, trace_flags=TraceFlags(1))
    around = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    for number, (name, kind, given_attributes, status, special) in enumerate(drawn):
        tracer = provider.get_tracer(f"scope{number % 2}", "1.0")
        links = [Link(remote, {"a": 1})] if special == "link" else []
        parent = around if number % 3 else None
        span = tracer.start_span(name, parent, kind, given_attributes, links)
        if special == "event":
            span.add_event("happened", {"why": "because"})
        if status is not None:
            span.set_status(status)
        span.end()
    return memory.get_finished_spans()


@is_used
@given(
    st.lists(
        st.tuples(texts, kinds, attributes, states, st.sampled_from(["", "", "link", "event"])),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_reads_as_what_the_sdk_writes(drawn: list[Any]) -> None:
    spans = made(drawn)
    assert ExportTraceServiceRequest.FromString(encode_span_request(spans)) == encode_spans(spans)


@is_used
def test_the_sdk_has_the_client_that_takes_bytes() -> None:
    exporter = FastSpanExporter()
    assert callable(exporter._client.export)
    exporter.shutdown()
