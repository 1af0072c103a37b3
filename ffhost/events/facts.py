"""What logs, traces and metrics want to know of the event that a function was called with.

Imports no SDK: what a function may be called with is told apart by what it can do.
"""

from __future__ import annotations

from collections.abc import Callable
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
    get = _attributes_of(event)
    if get is None:
        return None
    return EventFacts(
        get("id"),
        get("type"),
        get("source"),
        get("subject"),
        _text(get("specversion")),
        _time(get("time")),
    )


def event_id_and_type_of(event: Any) -> tuple[str | None, str | None]:
    """Return two of the facts of an event, which takes less time than all."""
    get = _attributes_of(event)
    return (None, None) if get is None else (get("id"), get("type"))


def event_time_of(event: Any) -> datetime | None:
    """Return when an event happened, with a zone; None if it does not say."""
    get = _attributes_of(event)
    return None if get is None else _time(get("time"))


def _attributes_of(event: Any) -> Callable[[str], Any] | None:
    """Return what returns an attribute of an event by its name in CloudEvents, or None."""
    if event is None:
        return None
    if hasattr(event, "event_type"):
        found = {"id": event.event_id, "type": event.event_type, "time": event.timestamp}
        return lambda name: found.get(name) or None
    get: Callable[[str], Any] | None = getattr(event, "get", None)
    if get is not None:  # the old generation of the SDK, and ours
        return get
    if hasattr(event, "get_attributes"):
        of_new: Callable[[str], Any] = event.get_attributes().get
        return of_new
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
