"""Requests with events in them, for trying functions out. No I/O; nothing is sent.

Every builder gives ``(headers, body)``: a dictionary with lower-case names, and bytes. What
is left out is made up: an id, the time of now. Strings and bytes are taken as they are,
other data is written as JSON.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ffhost.events.background import PUBSUB_MESSAGE, PUBSUB_SERVICE, PUBSUB_TYPE, Context
from ffhost.events.cloudevent_reader import Malformed
from ffhost.events.cloudevent_writer import contents_of, dump_json, to_binary, to_structured
from ffhost.events.conversion import to_background
from ffhost.events.received_event import EventV03, EventV1

Form: TypeAlias = tuple[dict[str, str], bytes]
"""Headers and body of a request."""


class Forms(NamedTuple):
    """One event in each form; ``background`` is None where the event has no such form."""

    background: Form | None
    binary: Form
    structured: Form


def make_cloud_event(
    *,
    type: str,
    source: str,
    data: Any = None,
    mode: Literal["binary", "structured"] = "binary",
    specversion: Literal["1.0", "0.3"] = "1.0",
    **attributes: Any,
) -> Form:
    """Build a CloudEvent; ``id`` and ``time`` are made up unless *attributes* has them.

    ``datacontenttype`` is ``application/json`` if data is given and nothing else is said;
    with another type strings are the body itself. Bytes always are.

    Raises:
        ResultError: an attribute or the data cannot be written.
    """
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "source": source,
        "type": type,
        "specversion": specversion,
        "time": _now(),
        **attributes,
    }
    if data is not None:
        values.setdefault("datacontenttype", "application/json")
    event = (EventV1 if specversion == "1.0" else EventV03)(values, data)
    headers, body = to_binary(event) if mode == "binary" else to_structured(event)
    return dict(headers), body


def pubsub_push(
    data: Any = None,
    *,
    attributes: Mapping[str, str] | None = None,
    subscription: str = "projects/local/subscriptions/local",
    message_id: str | None = None,
    publish_time: str | None = None,
) -> Form:
    """Build what a Pub/Sub push subscription sends.

    The topic is not in the request but in its path, as ``/projects/P/topics/T``.
    """
    message: dict[str, Any] = {
        "messageId": message_id or _number(),
        "publishTime": publish_time or _now(),
        **_message(data, attributes),
    }
    return _json({"subscription": subscription, "message": message})


def background_event(
    event_type: str,
    data: Any,
    *,
    resource: str | Mapping[str, Any],
    event_id: str | None = None,
    timestamp: str | None = None,
    **members: Any,
) -> Form:
    """Build a background event of any type; *members* stand beside ``context`` and ``data``."""
    context = {
        "eventId": event_id or _number(),
        "timestamp": timestamp or _now(),
        "eventType": event_type,
        "resource": resource,
    }
    return _json({**members, "context": context, "data": data})


def pubsub_event(
    data: Any = None,
    *,
    attributes: Mapping[str, str] | None = None,
    topic: str = "projects/local/topics/local",
    **context: Any,
) -> Form:
    """Build the background event of a message published to *topic*.

    *context* may hold ``event_id`` and ``timestamp``, here and below.
    """
    resource = {"service": PUBSUB_SERVICE, "name": topic, "type": PUBSUB_MESSAGE}
    message = {"@type": PUBSUB_MESSAGE, **_message(data, attributes)}
    return background_event(PUBSUB_TYPE, message, resource=resource, **context)


def storage_event(
    bucket: str,
    name: str,
    *,
    change: Literal["finalize", "delete", "archive", "metadataUpdate"] = "finalize",
    data: Mapping[str, Any] | None = None,
    **context: Any,
) -> Form:
    """Build the background event of a changed object; *data* adds to its description."""
    described = {"kind": "storage#object", "bucket": bucket, "name": name, **(data or {})}
    resource = {
        "service": "storage.googleapis.com",
        "name": f"projects/_/buckets/{bucket}/objects/{name}",
        "type": "storage#object",
    }
    return background_event(
        f"google.storage.object.{change}", described, resource=resource, **context
    )


def firestore_event(
    document: str,
    *,
    change: Literal["write", "create", "update", "delete"] = "write",
    value: Mapping[str, Any] | None = None,
    old_value: Mapping[str, Any] | None = None,
    project: str = "local",
    database: str = "(default)",
    **context: Any,
) -> Form:
    """Build the background event of a changed document (``users/alice``).

    *value* and *old_value* are documents as Firestore writes them, with typed ``fields``.
    """
    return background_event(
        f"providers/cloud.firestore/eventTypes/document.{change}",
        {"value": dict(value or {}), "oldValue": dict(old_value or {}), "updateMask": {}},
        resource=f"projects/{project}/databases/{database}/documents/{document}",
        **context,
    )


def to_forms(event: object) -> Forms:
    """Write an event of any class in all its forms.

    Raises:
        ResultError: it is not a CloudEvent, or cannot be written.
    """
    binary, structured = to_binary(event), to_structured(event)
    return Forms(
        _background(event), (dict(binary[0]), binary[1]), (dict(structured[0]), structured[1])
    )


def _background(event: object) -> Form | None:
    attributes, data = contents_of(event)
    try:
        data, context = to_background(attributes, data)
    except Malformed:
        return None
    if isinstance(data, bytes):  # such as protobuf, which a JSON body cannot hold
        return None
    return _json({"context": _context(context), "data": data, **_domain(attributes["source"])})


def _context(context: Context) -> dict[str, Any]:
    return {
        "eventId": context.event_id,
        "timestamp": context.timestamp,
        "eventType": context.event_type,
        "resource": context.resource,
    }


def _domain(source: str) -> dict[str, str]:
    """Return the member that tells a database's location, which only its CloudEvent names."""
    if not source.startswith("//firebasedatabase.googleapis.com/"):
        return {}
    location = source.partition("/locations/")[2].partition("/")[0] or "us-central1"
    us = location == "us-central1"
    return {"domain": "firebaseio.com" if us else f"{location}.firebasedatabase.app"}


def _message(data: Any, attributes: Mapping[str, str] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"attributes": dict(attributes or {})}
    if data is not None:
        if isinstance(data, str):
            data = data.encode()
        raw = data if isinstance(data, bytes) else dump_json(data)
        message["data"] = base64.b64encode(raw).decode("ascii")
    return message


def _json(value: Any) -> Form:
    return {"content-type": "application/json"}, dump_json(value)


def _number() -> str:
    return str(uuid.uuid4().int)[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
