"""The one tracer provider of a process, whose exporter and sampling follow the configuration.

OpenTelemetry lets a provider be set once. So that a reload can change where spans go, ours
is made once, and hands over to what was configured last. Exporting begins with the first
span that ends in a process: a thread that was started before a fork is dead after it.

Where user code has set a provider of its own, that one is used and left as it is.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from ffhost import __version__
from ffhost.invocation.logger import get_logger
from ffhost.observability.span_tap import span_tap
from ffhost.observability.tracing._otel import ReadableSpan, TracerProvider
from ffhost.observability.tracing.hook_options import OtelHookOptions
from ffhost.observability.tracing.light_span import LightSpan

SCOPE = "ffhost"
DECIDED = "faas.invocation_id"
"""Attribute of a call's own span, whose sampling the hook has decided already."""


class _Sampling(Sampler):
    """Samples what begins in this process outside of calls; off while no hook wants spans."""

    def __init__(self) -> None:
        self.inner: Sampler = ALWAYS_OFF

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """Return the decision."""
        if attributes is not None and DECIDED in attributes:
            state = trace.get_current_span(parent_context).get_span_context().trace_state
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
        return self.inner.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        """Describe the sampler in force."""
        return self.inner.get_description()


class _Ids(RandomIdGenerator):
    """Random ids, except for those that were preset for the next span."""

    def __init__(self) -> None:
        self._next = threading.local()

    def preset(self, trace_id: int, span_id: int) -> None:
        """Set the ids of the next span that begins in this thread; 0 for a random one."""
        self._next.trace_id = trace_id
        self._next.span_id = span_id

    def generate_trace_id(self) -> int:
        """Return an id."""
        trace_id: int = vars(self._next).pop("trace_id", 0)
        return trace_id or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return an id."""
        span_id: int = vars(self._next).pop("span_id", 0)
        return span_id or super().generate_span_id()


class _Provider(TracerProvider):
    """The SDK's provider, which knows whether user code has added span processors."""

    alone = False

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Register *span_processor* for every span."""
        self.alone = span_processor is _exporting
        super().add_span_processor(span_processor)


class _Exporting(SpanProcessor):
    """Passes spans to the configured exporter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: OtelHookOptions | None = None
        self._inner: SpanProcessor | None = None
        self._pid = 0

    def configure(self, options: OtelHookOptions | None) -> None:
        """Export as *options* say from now on; None: not at all."""
        with self._lock:
            if options == self._options:
                return
            inner, self._inner = self._inner, None
            self._options = options
        _shut(inner)

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Return at once: a span is exported when it has ended."""

    def on_end(self, span: ReadableSpan) -> None:
        """Export *span*, soon."""
        if span_tap.take is not None:
            span_tap.take(span)
        inner = self._inner if self._pid == os.getpid() else self._begin()
        if inner is None and self._options is not None:
            inner = self._begin()
        if inner is not None:
            inner.on_end(span)

    def _begin(self) -> SpanProcessor | None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._inner = os.getpid(), None
            options = self._options
            if self._inner is None and options is not None and options.exporter != "none":
                self._inner = BatchSpanProcessor(
                    _exporter(options),
                    schedule_delay_millis=float(options.interval) * 1000,
                    export_timeout_millis=float(options.timeout) * 1000,
                )
            return self._inner

    def shutdown(self) -> None:
        """Send the last spans; the provider may be used on."""
        with self._lock:
            inner, self._inner = self._inner, None
            mine = self._pid == os.getpid()
        if mine:
            _shut(inner, self._options)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send the spans that have ended."""
        inner = self._inner
        return inner is None or inner.force_flush(timeout_millis)


class _Telling(SpanProcessor):
    """Hands on the spans of a provider that user code has set."""

    def on_end(self, span: ReadableSpan) -> None:
        """Send *span* to whoever takes spans."""
        if span_tap.take is not None:
            span_tap.take(span)


def _shut(processor: SpanProcessor | None, options: OtelHookOptions | None = None) -> None:
    """Flush and shut down *processor* on a thread, waiting for a limited time."""
    if processor is None:
        return
    # Its own shutdown waits for an export and its retries without a limit.
    thread = threading.Thread(target=processor.shutdown, name="ffhost-spans", daemon=True)
    thread.start()
    if options is not None:
        thread.join(float(options.flush_timeout))
        if thread.is_alive():
            get_logger("ffhost").warning(
                "spans_lost",
                reason="the collector did not take them in time",
                flush_timeout_seconds=float(options.flush_timeout),
            )


def _exporter(options: OtelHookOptions) -> SpanExporter:
    if options.exporter == "console":
        return ConsoleSpanExporter(
            out=sys.__stdout__ or sys.stdout, formatter=lambda span: span.to_json(None) + "\n"
        )
    from ffhost.observability.tracing.span_wire import FastSpanExporter

    return FastSpanExporter(
        endpoint=None if options.endpoint is None else traces_endpoint_url(options.endpoint),
        headers=options.headers or None,
        timeout=float(options.timeout),
    )


def traces_endpoint_url(endpoint: str) -> str:
    """Return the URL that spans are posted to: the endpoint's own path, or the usual one."""
    if urlsplit(endpoint).path not in ("", "/"):
        return endpoint
    return f"{endpoint.rstrip('/')}/v1/traces"


_lock = threading.Lock()
_sampling = _Sampling()
_exporting = _Exporting()
ids = _Ids()
_provider: _Provider | None = None
_told: TracerProvider | None = None
"""The provider of user code whose spans are handed on."""


def span_tracer(options: OtelHookOptions) -> trace.Tracer:
    """Return the tracer; `configure_span_export` sets the exporter.

    Args:
        options: describe the resource, if this is the first time
    """
    global _provider
    with _lock:
        current = trace.get_tracer_provider()
        if current is not _provider and isinstance(current, TracerProvider):
            get_logger("ffhost").info(
                "otel_provider_found", reason="user code has set one: its exporters are used"
            )
            _hand_on_spans_of(current)
            return current.get_tracer(SCOPE, __version__)
        if _provider is None:
            _provider = _Provider(
                sampler=_sampling,
                resource=_resource(options),
                # The host ends it, after the last call; at exit it would be too late.
                shutdown_on_exit=False,
                id_generator=ids,
            )
            _provider.add_span_processor(_exporting)
            trace.set_tracer_provider(_provider)
    return _provider.get_tracer(SCOPE, __version__)


def _hand_on_spans_of(provider: TracerProvider) -> None:
    """Ask the provider of user code for its spans, once, as soon as somebody takes spans."""
    global _told
    if _told is not provider:
        _told = provider
        span_tap.attach_by(lambda: provider.add_span_processor(_Telling()))


_MEASURES = ("OTEL_SPAN_", "OTEL_ATTRIBUTE_", "OTEL_EVENT_", "OTEL_SDK_", "OTEL_PYTHON_")
"""What variables begin with that bound or count what the SDK records."""
_scope = InstrumentationScope(SCOPE, __version__)
_unmeasured = not any(name.startswith(_MEASURES) for name in os.environ)


def takes_light_spans() -> bool:
    """Whether a span may be exported without the SDK."""
    return _provider is not None and _provider.alone and _unmeasured


def export_span(span: LightSpan, attributes: dict[str, Any]) -> bool:
    """End *span* and export it; False if it became a span that the SDK ends."""
    assert _provider is not None
    ended = span.finish(attributes, _provider.resource, _scope)
    if ended is None:
        return False
    _exporting.on_end(ended)
    return True


def _resource(options: OtelHookOptions) -> Resource:
    attributes: dict[str, Any] = dict(options.resource)
    name = options.service_name or os.environ.get("OTEL_SERVICE_NAME")
    name = name or os.environ.get("K_SERVICE") or "ffhost"
    attributes["service.name"] = name
    return Resource.create(attributes)


def configure_span_export(options: OtelHookOptions | None) -> None:
    """Sample and export as *options* say from now on; None: not at all."""
    _sampling.inner = ALWAYS_OFF
    if options is not None:
        _sampling.inner = ParentBased(TraceIdRatioBased(options.sampling))
    _exporting.configure(options)


def close_span_export() -> None:
    """Send the last spans."""
    _exporting.shutdown()
