"""What logs, traces and metrics want to know of the event that a function was called with.

Imports no SDK: what a function may be called with is told apart by what it can do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple


class EventFacts(NamedTuple):
    """What identifies an event; None for what it does not say. ``time`` has a zone."""

    id: str | None
    type: str | None
    source: str | None = None
    subject: str | None = None
    specversion: str | None = None
    time: datetime | None = None


def event_facts_of(event: Any) -> EventFacts | None:
    """Return the facts of a CloudEvent of any class or of a background context.

    None for anything else, such as a batch.
    """
    if event is None:
        return None
    if hasattr(event, "event_type"):
        return EventFacts(
            event.event_id or None, event.event_type or None, time=_time(event.timestamp)
        )
    get = getattr(event, "get", None)
    if get is not None:  # the old generation of the SDK, and ours
        return EventFacts(
            get("id"),
            get("type"),
            get("source"),
            get("subject"),
            _text(get("specversion")),
            _time(get("time")),
        )
    if hasattr(event, "get_attributes"):
        attributes = event.get_attributes()
        return EventFacts(
            attributes.get("id"),
            attributes.get("type"),
            attributes.get("source"),
            attributes.get("subject"),
            _text(attributes.get("specversion")),
            _time(attributes.get("time")),
        )
    return None


def _text(value: Any) -> str | None:
    # The old SDK's pydantic class has an enumeration here.
    return None if value is None else str(getattr(value, "value", value))


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
