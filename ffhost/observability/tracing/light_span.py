"""A cheap span of a call, as long as only the host writes to it.

The SDK takes 30 microseconds to begin, fill and end a span of sixteen attributes, for it
cleans and bounds each of them; most calls never look at theirs. So a sampled call gets a
`LightSpan`: ids, a start, and what the SDK would have been told. If user code writes to it,
reads from it, or its end has events or an error, it becomes an SDK span with the
same ids and start, and forwards everything to that from then on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import Attributes

from ffhost.observability.tracing._otel import NonRecordingSpan, ReadableSpan

_RANDOM = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)
_OF_A_ROOT = TraceFlags(TraceFlags.SAMPLED | _RANDOM)


def span_flags(parent: SpanContext | None) -> TraceFlags:
    """Return the flags of a sampled span, as the SDK does."""
    if parent is None:
        return _OF_A_ROOT
    return TraceFlags(TraceFlags.SAMPLED | parent.trace_flags & _RANDOM)


class EndedLightSpan(ReadableSpan):
    """A light span that has ended: it has no events, no links, and attributes of plain kinds."""

    told: dict[str, Any]
    """Its attributes."""


class LightSpan(Span):
    """A recording span of one call.

    Args:
        ids: its own
        parent: those of its parent, or None
        started: in nanoseconds since the epoch
        attributes: what is known of the call when it begins
        grow: begins the SDK's span with the same
    """

    def __init__(
        self,
        name: str,
        ids: SpanContext,
        parent: SpanContext | None,
        started: int,
        attributes: dict[str, Any],
        grow: Callable[[], Span],
    ) -> None:
        # What the SDK's span has under the same names must not be found here.
        self._name = name
        self._ids = ids
        self._parent = parent
        self._started = started
        self._attributes = attributes
        self._grow = grow
        self._lock = threading.Lock()
        self._grown: Span | None = None
        self._ended = False

    def finish(
        self, attributes: dict[str, Any], resource: Resource, scope: InstrumentationScope
    ) -> EndedLightSpan | None:
        """End the span; return what to export, or None if it became an SDK span."""
        with self._lock:
            if self._grown is not None or self._ended:
                return None
            self._ended = True
        told = self._attributes
        told.update(attributes)
        ended = EndedLightSpan(
            self._name,
            self._ids,
            self._parent,
            resource,
            told,
            kind=SpanKind.SERVER,
            start_time=self._started,
            end_time=time.time_ns(),
            instrumentation_scope=scope,
        )
        ended.told = told
        return ended

    def grown(self) -> Span:
        """Return the SDK's span; one that takes nothing if this one has ended without it."""
        with self._lock:
            if self._grown is None:
                self._grown = NonRecordingSpan(self._ids) if self._ended else self._grow()
            return self._grown

    # What every span can do

    def get_span_context(self) -> SpanContext:
        """Return the ids."""
        return self._ids

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return not self._ended if self._grown is None else self._grown.is_recording()

    def end(self, end_time: int | None = None) -> None:
        """End the span on request of user code."""
        self.grown().end(end_time)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().set_attributes(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.set_attributes({key: value})

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().update_name(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Make the SDK's span, and write to the SDK's span."""
        self.grown().record_exception(exception, attributes, timestamp, escaped)

    def __getattr__(self, name: str) -> Any:
        """Make the SDK's span for what only the SDK's span has, such as ``start_time``."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.grown(), name)
