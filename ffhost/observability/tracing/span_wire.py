"""Spans in OTLP's protobuf, written by hand.

The SDK builds an object for each attribute: 130 microseconds a span, several times what
tracing the call costs, and a busy worker pays it between its calls. A simple
span is written here in a tenth of that; everything else is left to the SDK, and a test compares
both. The numbers of the fields are those of opentelemetry/proto/trace/v1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from ffhost.observability.tracing._otel import ReadableSpan, otlp_sender
from ffhost.observability.tracing.light_span import EndedLightSpan

_PLAIN = frozenset({str, int, bool, float})
_DIFFERENT = frozenset({"faas.invocation_id"})
"""Attributes that no two spans share."""
_LONG = 128
"""Longer texts are not cached, to save memory."""
_IS_REMOTE_IS_KNOWN, _IS_REMOTE = 0x100, 0x200
_times = struct.Struct("<BQBQ").pack
_flags = struct.Struct("<HI").pack
_double = struct.Struct("<Bd").pack


class FastSpanExporter(OTLPSpanExporter):
    """The SDK's exporter, with a faster way to write.

    What takes the bytes is private to the SDK. Where it is missing, spans are exported as the SDK
    does; ``tests/observability/test_tracing_wire.py`` says if that is so.
    """

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send *spans*."""
        send = otlp_sender(self)
        if send is None:
            return super().export(spans)
        try:
            data = encode_span_request(spans)
        except Exception:  # the SDK reports the error
            return super().export(spans)
        sent = send(data)
        return SpanExportResult.SUCCESS if sent.success else SpanExportResult.FAILURE


def encode_span_request(spans: Sequence[ReadableSpan]) -> bytes:
    """Write an ``ExportTraceServiceRequest``."""
    by_resource: dict[int, dict[int, list[ReadableSpan]]] = {}
    for span in spans:
        by_scope = by_resource.setdefault(id(span.resource), {})
        by_scope.setdefault(id(span.instrumentation_scope), []).append(span)
    return b"".join(_resource(list(by_scope.values())) for by_scope in by_resource.values())


# The SDK writes resource and scope; what is repeated is appended, as protobuf allows.


def _resource(scopes: list[list[ReadableSpan]]) -> bytes:
    message = encode_spans(scopes[0][:1]).resource_spans[0]
    del message.scope_spans[:]
    return _field(0x0A, message.SerializeToString() + b"".join(map(_scope, scopes)))


def _scope(spans: list[ReadableSpan]) -> bytes:
    message = encode_spans(spans[:1]).resource_spans[0].scope_spans[0]
    del message.spans[:]
    body = b"".join(_field(0x12, _span(span)) for span in spans)
    return _field(0x12, message.SerializeToString() + body)


def _span(span: ReadableSpan) -> bytes:
    ids, parent = span.get_span_context(), span.parent
    assert ids is not None
    if isinstance(span, EndedLightSpan):
        attributes = _attributes(span.told)
        special = False
    else:
        attributes = _attributes(_copied(span.attributes))
        special = bool(
            span.events
            or span.links
            or span.dropped_attributes
            or span.dropped_events
            or span.dropped_links
        )
    if special or attributes is None or ids.trace_state:
        message = encode_spans([span])
        whole: bytes = message.resource_spans[0].scope_spans[0].spans[0].SerializeToString()
        return whole
    parts = [b"\x0a\x10", ids.trace_id.to_bytes(16, "big"), b"\x12\x08"]
    parts.append(ids.span_id.to_bytes(8, "big"))
    if parent is not None:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
    parts.append(_field(0x2A, span.name.encode()))
    parts.append(bytes((0x30, span.kind.value + 1)))
    parts.append(_times(0x39, span.start_time or 0, 0x41, span.end_time or 0))
    parts.append(attributes)
    status = b""
    if span.status.description:
        status += _field(0x12, span.status.description.encode())
    if span.status.status_code.value:
        status += bytes((0x18, span.status.status_code.value))
    parts.append(_field(0x7A, status))
    remote = _IS_REMOTE if parent is not None and parent.is_remote else 0
    parts.append(_flags(0x0185, _IS_REMOTE_IS_KNOWN | remote))
    return b"".join(parts)


def _copied(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    # The SDK's own mapping is a Python class, and slow to iterate; its copy is a dictionary.
    return attributes.copy() if isinstance(attributes, MappingProxyType) else dict(attributes or {})


def _attributes(attributes: Mapping[str, Any]) -> bytes | None:
    """Write attributes whose values are plain; None if others are among them."""
    parts = []
    for key, value in attributes.items():
        kind = value.__class__
        if kind not in _PLAIN:
            return None
        seldom = key in _DIFFERENT or kind is float or (kind is str and len(value) > _LONG)
        parts.append((_attribute if seldom else _same_attribute)(key, value, kind))
    return b"".join(parts)


def _attribute(key: str, value: Any, kind: type) -> bytes:
    if kind is str:
        plain = _field(0x0A, value.encode())
    elif kind is int:
        plain = b"\x18" + _varint(value & 0xFFFFFFFFFFFFFFFF)
    elif kind is bool:
        plain = b"\x10\x01" if value else b"\x10\x00"
    else:
        plain = _double(0x21, value)
    return _field(0x4A, _field(0x0A, key.encode()) + _field(0x12, plain))


# Most attributes of a span are those of the span before. The type is part of the key to
# distinguish 1 from True; nothing would distinguish 0.0 from -0.0.
_same_attribute = lru_cache(maxsize=1024)(_attribute)


def _field(tag: int, data: bytes) -> bytes:
    length = len(data)
    if length < 0x80:
        return bytes((tag, length)) + data
    return bytes((tag,)) + _varint(length) + data


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
