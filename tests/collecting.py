"""An OTLP receiver: takes what exporters post, decodes the protobuf, and keeps the spans."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Received:
    """One span, as it was received."""

    def __init__(self, span: Any, resource: dict[str, Any]) -> None:
        self.name: str = span.name
        self.kind: str = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
        self.trace_id: str = span.trace_id.hex()
        self.span_id: str = span.span_id.hex()
        self.parent_id: str = span.parent_span_id.hex()
        self.attributes = plain(span.attributes)
        self.links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
        self.events = {event.name: plain(event.attributes) for event in span.events}
        self.failed: bool = span.status.code == 2
        self.nanoseconds: int = span.end_time_unix_nano - span.start_time_unix_nano
        self.resource = resource


def plain(attributes: Any) -> dict[str, Any]:
    """Give OTLP's key-value pairs as a dictionary."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in attributes
    }


class Collector:
    """What was received."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.spans: list[Received] = []

    def wait(self, count: int) -> list[Received]:
        """Give the spans, once there are *count*; fewer after a while."""
        give_up = time.monotonic() + 10
        while len(self.spans) < count and time.monotonic() < give_up:
            time.sleep(0.01)
        return self.spans

    def only(self) -> Received:
        """Wait for the one span."""
        (span,) = self.wait(1)
        return span

    def named(self, name: str, count: int = 1) -> Received:
        """Wait for *count* spans in all; give the one of that name."""
        (span,) = [each for each in self.wait(count) if each.name == name]
        return span


@contextmanager
def collecting() -> Iterator[Collector]:
    """Receive spans."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = plain(group.resource.attributes)
                for scope in group.scope_spans:
                    collector.spans.extend(Received(span, resource) for span in scope.spans)
            collector.paths.append(self.path)
            collector.headers.append({name.lower(): text for name, text in self.headers.items()})
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
