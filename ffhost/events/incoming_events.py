"""What arrived at the address for events, as events that can be routed. No I/O.

Each keeps the form in which it came, so that a function decodes it as if it had been sent to
the function itself. What decides where it goes are its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from ffhost.errors import BadRequest, FieldError, UnsupportedMediaType
from ffhost.events.background import is_background_event, read_background_event, read_draft_event
from ffhost.events.cloudevent_reader import (
    REQUIRED,
    MalformedEvent,
    event_mode_of,
    parse_event_body,
    read_binary_event,
    read_event_object,
    read_structured_event,
)
from ffhost.events.conversion import to_cloud_event
from ffhost.events.event_values import event_value_kind

EXPECTED: Final = (
    "this address takes CloudEvents (binary, structured or a batch), background events and "
    "Pub/Sub push messages"
)
BATCH_LIMIT: Final = 1000
"""How many events a batch may hold; each is routed after the one before."""

_STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
_TRACE: Final = ("traceparent", "tracestate")


class ReceivedEvent(NamedTuple):
    """One event: its attributes, and the header fields and body that carry it."""

    attributes: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        """What tells an event from all others: source and id (CloudEvents 1.0, section 3.1)."""
        return str(self.attributes["source"]), str(self.attributes["id"])


class ReceivedEvents(NamedTuple):
    """The events of one request, in order."""

    events: tuple[ReceivedEvent, ...]
    is_batch: bool = False


def read_events(headers: Mapping[str, str], body: bytes, path: str = "") -> ReceivedEvents:
    """Read the events of a request; header names are in lower case.

    Raises:
        BadRequest: the request holds no event, or one of a batch is not an event.
        UnsupportedMediaType: the events have a format other than JSON.
    """
    try:
        mode = event_mode_of(headers)
        if mode == "batch":
            return ReceivedEvents(_batch(headers, body), is_batch=True)
        if mode == "unknown":
            raise UnsupportedMediaType(f"the only event format is JSON; {EXPECTED}")
        attributes = _attributes(mode, headers, body, path)
        return ReceivedEvents((ReceivedEvent(attributes, headers, body),))
    except MalformedEvent as error:
        raise BadRequest(f"{error.problem}; {EXPECTED}", errors=error.fields) from error


def reply_event(headers: Mapping[str, str], body: bytes) -> ReceivedEvent | None:
    """Return the event that a function answered with; None if its answer is not an event."""
    try:
        if event_mode_of(headers) not in ("binary", "structured"):
            return None
        return read_events(headers, body).events[0]
    except BadRequest:
        return None


def _attributes(mode: str, headers: Mapping[str, str], body: bytes, path: str) -> dict[str, Any]:
    if mode == "binary":
        return read_binary_event(headers, body)[0]
    if mode == "draft":
        return to_cloud_event(read_draft_event(headers, parse_event_body(body) if body else None))[
            0
        ]
    value = read_event_object(body)
    if mode == "structured" or "specversion" in value:
        return read_structured_event(value)[0]
    if not is_background_event(value):
        raise MalformedEvent(
            "the request holds no event",
            *(FieldError(name, "required, but missing") for name in REQUIRED),
        )
    return to_cloud_event(read_background_event(value, path))[0]


def _batch(headers: Mapping[str, str], body: bytes) -> tuple[ReceivedEvent, ...]:
    values = parse_event_body(body)
    if not isinstance(values, list):
        raise MalformedEvent(
            "the batch is not a JSON array",
            FieldError("body", f"expected an array, got {event_value_kind(values)}"),
        )
    if len(values) > BATCH_LIMIT:
        raise MalformedEvent(f"the batch has {len(values)} events, more than {BATCH_LIMIT}")
    carried = _STRUCTURED | {name: headers[name] for name in _TRACE if name in headers}
    events: list[ReceivedEvent] = []
    faults: list[FieldError] = []
    for index, value in enumerate(values):
        try:
            attributes = read_structured_event(value)[0]
            events.append(ReceivedEvent(attributes, carried, _dump(value)))
        except MalformedEvent as error:
            faults += [
                FieldError(f"[{index}].{each.field}", each.message) for each in error.fields
            ] or [FieldError(f"[{index}]", error.problem)]
    if faults:
        raise MalformedEvent("the batch has events with faults", *faults)
    return tuple(events)


def _dump(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        import json

        return json.dumps(value, separators=(",", ":")).encode()
