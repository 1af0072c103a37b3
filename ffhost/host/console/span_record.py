"""A span as the console shows it: one of OpenTelemetry, or one made of the calls themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ffhost.host.console.message_mask import ConsoleMessageMask

Span = dict[str, Any]


def console_span_record(span: Any, mask: ConsoleMessageMask) -> dict[str, Any]:
    """Return a span of OpenTelemetry that has ended."""
    ids, parent = span.get_span_context(), span.parent
    started, ended = span.start_time or 0, span.end_time or 0
    attributes = {str(name): _plain(value) for name, value in (span.attributes or {}).items()}
    return {
        "kind": "span",
        "key": f"{ids.trace_id:032x}",
        "span": {
            "id": f"{ids.span_id:016x}",
            "parent": None if parent is None else f"{parent.span_id:016x}",
            "name": mask.text(str(span.name)),
            "started": started / 1e6,
            "duration_ms": round((ended - started) / 1e6, 3),
            "status": span.status.status_code.name.lower(),
            "attributes": mask.fields(attributes),
        },
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def console_spans(spans: list[Span], call: dict[str, Any]) -> list[Span]:
    """Return spans of a trace with their beginning in milliseconds after that of the call."""
    # Two clocks were read, so the first span may seem to begin before the call.
    begun = min([_began(call), *(each["started"] for each in spans)])
    found = [
        {
            **{name: value for name, value in each.items() if name != "started"},
            "start_ms": round(each["started"] - begun, 3),
        }
        for each in spans
    ]
    return sorted(found, key=lambda each: float(each["start_ms"]))


def console_spans_of_calls(family: list[dict[str, Any]], call: dict[str, Any]) -> list[Span]:
    """Return the call and those that it makes by name as spans, where nothing else is traced."""
    begun = _began(call)
    names = {each["call"]["function"]: each["call"]["id"] for each in family}
    return sorted(
        (
            {
                "id": each["call"]["id"],
                "parent": names.get(each["caller"]),
                "name": each["call"]["function"],
                "start_ms": round(_began(each) - begun, 3),
                "duration_ms": each["call"]["duration_ms"],
                "status": "error" if each["call"]["status"] >= 500 else "ok",
                "attributes": {"status": each["call"]["status"], "from": each["call"]["from"]},
            }
            for each in family
        ),
        key=lambda each: float(each["start_ms"]),
    )


def _began(record: dict[str, Any]) -> float:
    """Return when a call began, in milliseconds since the epoch."""
    return datetime.fromisoformat(record["call"]["started"]).timestamp() * 1000
