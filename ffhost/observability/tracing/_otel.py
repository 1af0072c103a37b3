"""The inside of OpenTelemetry, as our spans and our exporter use it; checked at import.

One thing may be missing: the client of the exporter, which versions before 1.45 do not have.
Spans are then exported as the SDK does it, which takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost._library import InstalledLibrary

__all__ = ["NonRecordingSpan", "ReadableSpan", "TracerProvider", "otlp_sender"]

sdk = InstalledLibrary("opentelemetry-sdk", tested="1.45.2")
with sdk.imports():
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
api = InstalledLibrary("opentelemetry-api", tested="1.45.2")
with api.imports():
    from opentelemetry.trace import NonRecordingSpan

# "Users should NOT be creating these objects directly", says the SDK. `light_span.EndedLightSpan`
# does.
sdk.require_parameters(
    ReadableSpan,
    {
        "name": "export a span that the SDK has not seen",
        "context": "export a span that the SDK has not seen",
        "parent": "export a span that the SDK has not seen",
        "resource": "export a span that the SDK has not seen",
        "attributes": "export a span that the SDK has not seen",
        "kind": "export a span that the SDK has not seen",
        "start_time": "export a span that the SDK has not seen",
        "end_time": "export a span that the SDK has not seen",
        "instrumentation_scope": "export a span that the SDK has not seen",
    },
)
sdk.require_parameters(
    TracerProvider,
    {
        "id_generator": "begin a span with ids that were told already",
        "shutdown_on_exit": "end after the last call and not before",
    },
)
sdk.require(TracerProvider, {"add_span_processor": "know whether user code receives spans"})
# `otel_hook` makes ids of a span only when it is asked, so it does not call `__init__`.
api.require(NonRecordingSpan, {"get_span_context": "make ids only when somebody asks"})


def otlp_sender(exporter: Any) -> Callable[[bytes], Any] | None:
    """Return what sends written spans for the SDK's OTLP exporter.

    None if this version of the exporter has no such thing, or if it was shut down.
    """
    if getattr(exporter, "_shutdown", False):
        return None
    send: Callable[[bytes], Any] | None = getattr(
        getattr(exporter, "_client", None), "export", None
    )
    return send
