"""The hook ``otel``: a server span for every call.

Attributes are those of OpenTelemetry's semantic conventions 1.x: HTTP server spans, FaaS and
CloudEvents. Names are written out, because the constants' module costs 20 ms to import.
Query strings, bodies and header values are never recorded.

The caller's ``traceparent`` is the parent. The trace that a CloudEvent was made in (its
distributed tracing extension) is the parent where there is no other, else a link: with a
broker in between the two differ.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from random import getrandbits
from typing import Any

import orjson
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ffhost.errors import TimedOut
from ffhost.events.facts import event_facts_of
from ffhost.invocation.call import Call
from ffhost.invocation.outcome import Outcome
from ffhost.loading.modules import plain_module_name, with_plain_module_names
from ffhost.observability.tracing import span_provider
from ffhost.observability.tracing._otel import NonRecordingSpan
from ffhost.observability.tracing.hook import TraceHook, TraceHookPair, TraceHookPlace
from ffhost.observability.tracing.hook_options import OtelHookOptions
from ffhost.observability.tracing.light_span import LightSpan, span_flags
from ffhost.web.messages import FieldChoice, Message

_TRACE_CONTEXT = TraceContextTextMapPropagator()
_BAGGAGE = W3CBaggagePropagator()
# Their warnings quote the fields of callers, whole, and up to thousands of times a request.
for _quoting in (W3CBaggagePropagator, trace.TraceState):
    logging.getLogger(_quoting.__module__).setLevel(logging.ERROR)
_MOST_LINKS = 128
_LOWER_64_BITS = (1 << 64) - 1
_KNOWN_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_CARRIERS = FieldChoice(("traceparent", "tracestate", "baggage"))
# What a context with nothing but a span has, made at once: a fifth of what hooks cost a call.
(_SPAN_KEY,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
_EVENT_SIGNATURES = ("cloudevent", "event")
_A_FUNCTIONS_OWN = frozenset({"sampling", "trust_callers"})


def make_trace_hook(name: str, options: OtelHookOptions, place: TraceHookPlace) -> TraceHook:
    """Make the hook.

    Raises:
        ValueError: a function's options send its spans elsewhere than the host's
    """
    if place.host_options is not None:
        host = OtelHookOptions.model_validate(dict(place.host_options))
        for key in OtelHookOptions.model_fields.keys() - _A_FUNCTIONS_OWN:
            if getattr(options, key) != getattr(host, key):
                raise ValueError(f"{key!r} is the same for all functions; change the host's")
        exporting = host
    else:
        exporting = options
    spans = _Spans(options, span_provider.span_tracer(exporting))
    return TraceHook(
        name,
        pair=TraceHookPair(spans.begin, _end),
        take_effect=lambda: span_provider.configure_span_export(exporting),
    )


class _Unsampled(NonRecordingSpan):
    """A span that is not exported; its ids are made at the first access."""

    _ids: SpanContext | None = None

    def __init__(self, trace_id: int, parent: SpanContext | None) -> None:
        self._trace_id = trace_id
        self._parent = parent

    def get_span_context(self) -> SpanContext:
        """Return the ids, the same every time."""
        if self._ids is None:
            parent = self._parent
            inherited = () if parent is None else (parent.trace_flags, parent.trace_state)
            ids = SpanContext(self._trace_id, _span_id(), False, *inherited)
            # If two threads access it at once, the first one's ids are used.
            self._ids = vars(self).setdefault("_made", ids)
        return self._ids

    def __repr__(self) -> str:
        return f"NonRecordingSpan({self.get_span_context()!r})"


class _Spans:
    """Makes the spans of calls."""

    def __init__(self, options: OtelHookOptions, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._trust_callers = options.trust_callers
        # As TraceIdRatioBased decides, so that every service that asks it agrees.
        self._bound = round(options.sampling * (1 << 64))
        self._warm: set[str] = set()

    def begin(self, call: Call) -> trace.Span:
        """Begin the span of one call, and make it the current one."""
        message = call.message
        around = contexts.get_current()
        links: list[Link] = []
        sent = message.fields_for(_CARRIERS)
        if "traceparent" in sent or "baggage" in sent:
            around = self._follow(sent, around, links)
        if call.function.signature in _EVENT_SIGNATURES:
            around = self._follow_events(message, around, links)
        span = self._span(call, around, links)
        call.span_context = span.get_span_context
        call.ids = None  # an outer hook may have read the caller's ids
        # Nothing detaches it: the context is the call's own and ends with it.
        contexts.attach(
            trace.set_span_in_context(span, around) if around else Context({_SPAN_KEY: span})
        )
        return span

    def _follow(self, headers: Mapping[str, str], around: Context, links: list[Link]) -> Context:
        sent = _TRACE_CONTEXT.extract(headers, around)
        if self._trust_callers:
            return _BAGGAGE.extract(headers, sent)
        _link(sent, around, links)
        return around

    def _follow_events(self, message: Message, around: Context, links: list[Link]) -> Context:
        extensions = _extensions(message)
        if len(extensions) == 1 and self._trust_callers and not _has_span(around):
            return _TRACE_CONTEXT.extract(extensions[0], around)
        for extension in extensions[:_MOST_LINKS]:
            _link(_TRACE_CONTEXT.extract(extension, Context()), around, links)
        return around

    def _span(self, call: Call, around: Context, links: list[Link]) -> trace.Span:
        """Begin a span, or a placeholder for an unsampled one, which costs a tenth."""
        above = trace.get_current_span(around).get_span_context() if around else None
        if above is not None and above.is_valid:
            if not above.trace_flags.sampled:
                return _Unsampled(above.trace_id, above)
            trace_id = 0
        else:
            above, trace_id = None, getrandbits(128) or 1
            if (trace_id & _LOWER_64_BITS) >= self._bound:
                return _Unsampled(trace_id, None)
        message = call.message
        method = message.method if message.method in _KNOWN_METHODS else "HTTP"
        route = getattr(call.function, "path", message.path)
        name = f"{method} {route}"
        started = time.time_ns() - int((time.monotonic() - call.started) * 1e9)
        attributes = self._attributes(call, route)
        span_id = _span_id()

        def grow() -> trace.Span:
            span_provider.ids.preset(trace_id, span_id)
            return self._tracer.start_span(
                name, around, SpanKind.SERVER, attributes, links, started
            )

        if links or not span_provider.takes_light_spans():
            return grow()
        state = None if above is None else above.trace_state
        of_trace = trace_id if above is None else above.trace_id
        ids = SpanContext(of_trace, span_id, False, span_flags(above), state)
        return LightSpan(name, ids, above, started, attributes, grow)

    def _attributes(self, call: Call, route: str) -> dict[str, Any]:
        message, function = call.message, call.function
        headers = message.headers
        attributes: dict[str, Any] = {
            span_provider.DECIDED: call.execution_id,
            "faas.name": function.name,
            "faas.coldstart": self._is_first(function.name),
            "http.request.method": message.method,
            "http.route": route,
            "url.path": message.path,
            "url.scheme": message.scheme,
            "network.protocol.version": message.http_version,
        }
        size = message.body_bytes
        if size is not None:
            attributes["http.request.body.size"] = size
        if message.method not in _KNOWN_METHODS:
            attributes["http.request.method"] = "_OTHER"
            attributes["http.request.method_original"] = message.method
        if function.signature not in _EVENT_SIGNATURES:
            attributes["faas.trigger"] = "http"
        host = headers.get("host")
        if host:
            attributes.update(_server(host))
        if message.client is not None:
            attributes["client.address"] = message.client[0]
        agent = headers.get("user-agent")
        if agent is not None:
            attributes["user_agent.original"] = agent
        return attributes

    def _is_first(self, function: str) -> bool:
        first = function not in self._warm
        self._warm.add(function)
        return first


def _end(span: trace.Span, call: Call, outcome: Outcome) -> None:
    """End the span of a call, if it is recording and user code has not ended it."""
    if isinstance(span, _Unsampled) or not span.is_recording():
        return
    attributes: dict[str, Any] = {
        "http.response.status_code": outcome.status,
        "http.response.body.size": outcome.sent_bytes,
        "ffhost.outcome": outcome.kind,
    }
    if call.function.signature in _EVENT_SIGNATURES:
        attributes.update(_event_attributes(call))
    error = outcome.error
    plain = error is None and outcome.status < 500 and outcome.kind not in ("crash", "timeout")
    if plain and isinstance(span, LightSpan) and span_provider.export_span(span, attributes):
        return
    span.set_attributes(attributes)
    if outcome.kind == "crash" and error is not None:
        kind = _type_name(error)
        span.record_exception(
            error,
            attributes={
                "exception.type": kind,
                "exception.message": with_plain_module_names(str(error)),
            },
        )
        span.set_attribute("error.type", kind)
    elif isinstance(error, TimedOut):
        span.set_attribute("error.type", "timeout")
    elif outcome.status >= 500:
        span.set_attribute("error.type", str(outcome.status))
    if outcome.status >= 500 or outcome.kind in ("crash", "timeout"):
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def _event_attributes(call: Call) -> dict[str, Any]:
    facts = event_facts_of(call.event)
    if facts is None:
        return {"faas.trigger": "other"}
    attributes = {
        "faas.trigger": _trigger(facts.type or ""),
        "cloudevents.event_id": facts.id,
        "cloudevents.event_source": facts.source,
        "cloudevents.event_spec_version": facts.specversion,
        "cloudevents.event_type": facts.type,
        "cloudevents.event_subject": facts.subject,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _trigger(event_type: str) -> str:
    """Return the kind of trigger, in the words of the FaaS conventions."""
    for words, trigger in (
        (("pubsub", "messag"), "pubsub"),
        (("storage", "firestore", "firebase.database"), "datasource"),
        (("scheduler", "timer", "ping", "cron"), "timer"),
    ):
        if any(word in event_type for word in words):
            return trigger
    return "other"


def _extensions(message: Message) -> list[dict[str, str]]:
    """Return the trace contexts that events carry, whatever mode they were sent in."""
    headers = message.headers
    given = headers.get("ce-traceparent")
    if given is not None:
        return [_carrier(given, headers.get("ce-tracestate"))]
    if not headers.get("content-type", "").startswith("application/cloudevents"):
        return []
    if b'"traceparent"' not in message.body:
        return []
    try:
        events = orjson.loads(message.body)
    except ValueError:  # the signature reports that
        return []
    return [
        _carrier(each["traceparent"], each.get("tracestate"))
        for each in (events if isinstance(events, list) else [events])
        if isinstance(each, dict) and isinstance(each.get("traceparent"), str)
    ]


def _carrier(traceparent: str, tracestate: Any) -> dict[str, str]:
    if not isinstance(tracestate, str):
        return {"traceparent": traceparent}
    return {"traceparent": traceparent, "tracestate": tracestate}


def _has_span(around: Context) -> bool:
    return trace.get_current_span(around).get_span_context().is_valid


def _link(sent: Context, around: Context, links: list[Link]) -> None:
    """Link the sent trace context, unless it is the current one."""
    ids = trace.get_current_span(sent).get_span_context()
    here = trace.get_current_span(around).get_span_context()
    if ids.is_valid and (ids.trace_id, ids.span_id) != (here.trace_id, here.span_id):
        links.append(Link(ids))


@lru_cache(maxsize=128)
def _server(host: str) -> Mapping[str, Any]:
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal() or name.endswith(":"):
        return {"server.address": host.strip("[]")}
    return {"server.address": name.strip("[]"), "server.port": int(port)}


def _span_id() -> int:
    return getrandbits(64) or 1


def _type_name(error: BaseException) -> str:
    kind = type(error)
    module = plain_module_name(kind.__module__)
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
