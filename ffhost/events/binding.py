"""Requests that carry events, decoded into what functions take. No I/O.

``decode_cloud_event`` gives a CloudEvent or an `EventBatch`, ``decode_background_event`` gives
``data, context``; each accepts what is meant for the other. What does not fit is a `BadRequest`
that names the fields at fault and what the signature takes; nothing else is ever raised but
`UnsupportedMediaType`, for event formats other than JSON.

What is tolerated, because rejecting a whole event for it would help nobody: a ``time``
without zone (read as UTC where a datetime is asked for), extension names such as
``my-ext``, unknown members of background events, a missing content type, a structured event
sent as ``application/json``, raw UTF-8 in headers, ``data_base64`` in 0.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ffhost.errors import BadRequest, FieldError, UnsupportedMediaType
from ffhost.events.background import (
    Context,
    is_background_event,
    is_pubsub_push,
    read_background_event,
    read_data_and_context,
    read_draft_event,
)
from ffhost.events.cloudevent_reader import (
    EVENT_FIELDS,
    REQUIRED,
    EventPayload,
    MalformedEvent,
    Read,
    event_json_or_bytes,
    event_mode_of,
    event_with_trace_attributes,
    parse_event_body,
    read_binary_event,
    read_event_object,
    read_structured_event,
)
from ffhost.events.conversion import BACKGROUND_TYPES, to_background, to_cloud_event
from ffhost.events.event_values import event_value_kind
from ffhost.web.messages import Message

if TYPE_CHECKING:
    from ffhost.events.handed_event import HandedEventMessage
    from ffhost.events.received_event import Event, EventMaker

CLOUD_EVENT_EXPECTED = (
    "the function's signature is 'cloudevent': it takes a CloudEvent (binary: the headers ce-id, "
    "ce-source, ce-type and ce-specversion; structured: application/cloudevents+json), a batch "
    "(application/cloudevents-batch+json), a background event or a Pub/Sub push message"
)
BACKGROUND_EXPECTED = (
    "the function's signature is 'event': it takes a background event as JSON (data, and "
    "context with eventId, timestamp, eventType and resource), a Pub/Sub push message, or a "
    "CloudEvent of Google Cloud in binary or structured mode"
)


class EventBatch(tuple["Event", ...]):
    """The events of one ``application/cloudevents-batch+json`` request, in order; may be empty."""

    __slots__ = ()


Decoder: TypeAlias = "Callable[[Message], Event | EventBatch]"
"""Takes a request; see `make_event_decoder`."""


def make_event_decoder(annotation: object = None) -> Decoder:
    """Compose, once, the decoder of a function whose argument has *annotation*.

    *annotation* is resolved (no string); what it does to the event says
    `ffhost.events.received_event.event_maker`. The events of a batch are of that class too.
    """
    from ffhost.events.received_event import event_maker

    make = event_maker(annotation)

    def decode(message: Message) -> Event | EventBatch:
        headers = message.fields_for(EVENT_FIELDS)
        try:
            mode = event_mode_of(headers)
            if mode == "batch":
                return _read_batch(headers, message.body, make)
            if mode == "binary":
                attributes, data, payload = read_binary_event(headers, message.body)
            else:
                attributes, data, payload = _read_other(mode, headers, message)
            if "traceparent" in headers:
                event_with_trace_attributes(attributes, headers)
            event: Event = make(attributes, data, payload)
            return event
        except MalformedEvent as error:
            raise _refusal(error, CLOUD_EVENT_EXPECTED) from error

    return decode


HandedDecoder: TypeAlias = "Callable[[HandedEventMessage], Event]"


def make_handed_event_decoder(annotation: object = None) -> HandedDecoder:
    """Compose what `make_event_decoder` does for events that another function hands over."""
    from ffhost.events.received_event import event_maker

    make = event_maker(annotation)

    def decode(message: HandedEventMessage) -> Event:
        try:
            event: Event = make(*message.read(traced=True))
            return event
        except MalformedEvent as error:
            raise _refusal(error, CLOUD_EVENT_EXPECTED) from error

    return decode


def decode_handed_background_event(message: HandedEventMessage) -> tuple[Any, Context]:
    """Decode an event that another function hands over, as `decode_background_event` does."""
    try:
        return _for_background(*message.read(traced=False))
    except MalformedEvent as error:
        raise _refusal(error, BACKGROUND_EXPECTED) from error


_decode: Decoder | None = None


def decode_cloud_event(
    headers: Mapping[str, str], body: bytes, path: str = ""
) -> Event | EventBatch:
    """Decode a request for a function that takes a CloudEvent and names no class.

    In this order: an event format in the content type (structured, batch); any of the
    required ``ce-`` headers (binary); the ``ce-eventId`` headers of the 0.1 draft; a JSON
    object with ``specversion`` (structured), or a background event or Pub/Sub push message,
    which is converted. ``traceparent`` and ``tracestate`` of the request become the event's
    where it has none.

    Raises:
        BadRequest: the request holds no event; ``errors`` names the fields.
        UnsupportedMediaType: the event has a format other than JSON.
    """
    global _decode
    if _decode is None:
        _decode = make_event_decoder()
    return _decode(Message("POST", path, headers=headers, body=body))


def decode_background_event(message: Message) -> tuple[Any, Context]:
    """Decode a request for a function that takes ``data, context``.

    A background event is handed on as it is. CloudEvents in binary and structured mode are
    converted where their type has a background equivalent, and Pub/Sub push messages are
    read as the events that they carry; the topic comes from the path. With the ``ce-eventId``
    headers of the 0.1 draft the data is the body, as bytes.

    Raises:
        BadRequest: the request holds no such event; ``errors`` names the fields.
        UnsupportedMediaType: a batch, or an event format other than JSON.
    """
    try:
        return _read_for_background(message.fields_for(EVENT_FIELDS), message)
    except MalformedEvent as error:
        raise _refusal(error, BACKGROUND_EXPECTED) from error


def _read_other(mode: str, headers: Mapping[str, str], message: Message) -> Read:
    if mode == "unknown":
        raise UnsupportedMediaType(
            f"the only event format is JSON (application/cloudevents+json); {CLOUD_EVENT_EXPECTED}"
        )
    body = message.body
    if mode == "draft":
        data = parse_event_body(body) if body else None
        return (*to_cloud_event(read_draft_event(headers, data)), None)
    value = read_event_object(body)
    if mode == "structured" or "specversion" in value:
        return read_structured_event(value)
    if not is_background_event(value):
        raise MalformedEvent(
            "the request holds no event",
            *(FieldError(name, "required, but missing") for name in REQUIRED),
        )
    return (*to_cloud_event(read_background_event(value, message.path)), None)


def _read_batch(headers: Mapping[str, str], body: bytes, make: EventMaker) -> EventBatch:
    values = parse_event_body(body)
    if not isinstance(values, list):
        raise MalformedEvent(
            "the batch is not a JSON array",
            FieldError("body", f"expected an array, got {event_value_kind(values)}"),
        )
    events, faults = [], []
    for index, value in enumerate(values):
        try:
            attributes, data, payload = read_structured_event(value)
            event_with_trace_attributes(attributes, headers)
            events.append(make(attributes, data, payload))
        except MalformedEvent as error:
            faults += [
                FieldError(f"[{index}].{each.field}", each.message) for each in error.fields
            ] or [FieldError(f"[{index}]", error.problem)]
    if faults:
        raise MalformedEvent("the batch has events with faults", *faults)
    return EventBatch(events)


def _read_for_background(headers: Mapping[str, str], message: Message) -> tuple[Any, Context]:
    mode = event_mode_of(headers)
    if mode in ("unknown", "batch"):
        raise UnsupportedMediaType(f"the content type cannot be read; {BACKGROUND_EXPECTED}")
    body = message.body
    if mode == "draft" or (
        mode == "binary"
        and "ce-eventid" in headers
        and headers.get("ce-type") not in BACKGROUND_TYPES
    ):
        return read_draft_event(headers, body)[:2]
    if mode == "binary":
        attributes, data, payload = read_binary_event(headers, body)
    else:
        value = read_event_object(body)
        if mode == "json" and ("specversion" not in value or "context" in value):
            path = message.path if is_pubsub_push(value) else ""
            return read_data_and_context(value, path)
        attributes, data, payload = read_structured_event(value)
    return _for_background(attributes, data, payload)


def _for_background(
    attributes: dict[str, Any], data: Any, payload: EventPayload | None
) -> tuple[Any, Context]:
    if payload is not None and isinstance(payload.new, bytes):
        data = event_json_or_bytes(payload.new)  # also where the old SDK leaves base64 of 0.3 alone
    return to_background(attributes, data)


def _refusal(error: MalformedEvent, expected: str) -> BadRequest:
    return BadRequest(f"{error.problem}; {expected}", errors=error.fields)
