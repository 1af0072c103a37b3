"""Requests with events in them, for trying functions out. No I/O; nothing is sent.

Every builder returns ``(headers, body)``: a dictionary with lower-case names, and bytes. An id
and the current time are filled in. Strings and bytes are taken as they are; other data is
written as JSON.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ffhost.events.background import PUBSUB_MESSAGE, PUBSUB_SERVICE, PUBSUB_TYPE, Context
from ffhost.events.cloudevent_reader import MalformedEvent
from ffhost.events.cloudevent_writer import (
    dump_event_json,
    event_contents_of,
    to_binary_event,
    to_structured_event,
)
from ffhost.events.conversion import to_background
from ffhost.events.received_event import EventV03, EventV1

Form: TypeAlias = tuple[dict[str, str], bytes]
"""Headers and body of a request."""


class EventForms(NamedTuple):
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
    """Build a CloudEvent.

    Args:
        type: type of the event, such as ``com.example.created``
        source: source of the event, a URI reference
        data: written as JSON, unless *attributes* has another ``datacontenttype``: then a
            string is the body itself. Bytes are always the body itself. None for no data
        mode: ``binary`` or ``structured`` (CloudEvents HTTP protocol binding)
        specversion: ``1.0`` or ``0.3``
        attributes: further attributes; ``id`` and ``time`` are filled in if missing

    Returns:
        Headers and body of a request.

    Raises:
        ResultError: an attribute or the data cannot be written

    Example:
        >>> headers, body = make_cloud_event(type="t", source="/s", data={"id": 7}, id="1")
        >>> headers["ce-id"], headers["content-type"], body
        ('1', 'application/json', b'{"id":7}')

    Since 0.1.
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
    headers, body = to_binary_event(event) if mode == "binary" else to_structured_event(event)
    return dict(headers), body


def pubsub_push(
    data: Any = None,
    *,
    attributes: Mapping[str, str] | None = None,
    subscription: str = "projects/local/subscriptions/local",
    message_id: str | None = None,
    publish_time: str | None = None,
) -> Form:
    """Build the request of a Pub/Sub push subscription.

    It does not name the topic. Functions see one if the path of the request ends in
    ``/projects/P/topics/T``.

    Args:
        data: payload of the message; None for none
        attributes: attributes of the message; None for none
        subscription: full name of the subscription
        message_id: None to make one up
        publish_time: RFC 3339; None for now

    Returns:
        Headers and body of a request.

    Example:
        >>> headers, body = pubsub_push("hello", message_id="1")
        >>> b'"data":"aGVsbG8="' in body
        True

    Since 0.1.
    """
    number, time = message_id or _number(), publish_time or _now()
    message: dict[str, Any] = {
        # Pub/Sub writes both spellings, and some libraries read the second.
        "messageId": number,
        "message_id": number,
        "publishTime": time,
        "publish_time": time,
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
    """Build a background event of any type.

    Args:
        event_type: such as ``google.storage.object.finalize``
        data: data of the event, written as JSON
        resource: name of the resource, or a mapping with ``service``, ``name`` and ``type``
        event_id: None to make one up
        timestamp: RFC 3339; None for now
        members: further members of the body, beside ``context`` and ``data``

    Returns:
        Headers and body of a request.

    Example:
        >>> headers, body = background_event("t", {"id": 7}, resource="r", event_id="1")
        >>> b'"eventId":"1"' in body
        True

    Since 0.1.
    """
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
    """Build the background event of a Pub/Sub message.

    Args:
        data: payload of the message; None for none
        attributes: attributes of the message; None for none
        topic: full name of the topic
        context: ``event_id`` and ``timestamp``, as for `background_event`

    Returns:
        Headers and body of a request.

    Example:
        >>> with client("functions.yaml") as host:
        ...     host.send("/events/message", pubsub_event({"id": 7})).status
        204

    Since 0.1.
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
    """Build the background event of a changed object of Cloud Storage.

    Args:
        bucket: name of the bucket
        name: name of the object
        change: what happened to the object
        data: further members of its description, or others than the ones made up, such as
            ``size`` (decimal digits) and ``contentType``; None for none
        context: ``event_id`` and ``timestamp``, as for `background_event`

    Returns:
        Headers and body of a request.

    Example:
        >>> with client("functions.yaml") as host:
        ...     host.send("/events/upload", storage_event("b", "a.png")).status
        204

    Since 0.1.
    """
    described = {**_described(bucket, name), **(data or {})}
    resource = {
        "service": "storage.googleapis.com",
        "name": f"projects/_/buckets/{bucket}/objects/{name}",
        "type": "storage#object",
    }
    return background_event(
        f"google.storage.object.{change}", described, resource=resource, **context
    )


def _described(bucket: str, name: str) -> dict[str, Any]:
    """Return what Cloud Storage says of every object; it writes numbers as text."""
    now, generation = _now(), _number()
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{generation}",
        "bucket": bucket,
        "name": name,
        "generation": generation,
        "metageneration": "1",
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        "size": "0",
        "timeCreated": now,
        "updated": now,
    }


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
    """Build the background event of a changed document of Firestore.

    Args:
        document: path of the document, such as ``users/alice``
        change: what happened to the document
        value: the document with typed ``fields``, as Firestore writes it; None for none
        old_value: the document before the change; None for none
        project: id of the project
        database: name of the database
        context: ``event_id`` and ``timestamp``, as for `background_event`

    Returns:
        Headers and body of a request.

    Example:
        >>> headers, body = firestore_event("users/alice", change="create")
        >>> b"document.create" in body
        True

    Since 0.1.
    """
    return background_event(
        f"providers/cloud.firestore/eventTypes/document.{change}",
        {"value": dict(value or {}), "oldValue": dict(old_value or {}), "updateMask": {}},
        resource=f"projects/{project}/databases/{database}/documents/{document}",
        **context,
    )


def event_in_all_forms(event: object) -> EventForms:
    """Write an event of any class in all its forms.

    Raises:
        ResultError: it is not a CloudEvent, or cannot be written.
    """
    binary, structured = to_binary_event(event), to_structured_event(event)
    return EventForms(
        _background(event), (dict(binary[0]), binary[1]), (dict(structured[0]), structured[1])
    )


def _background(event: object) -> Form | None:
    attributes, data = event_contents_of(event)
    try:
        data, context = to_background(attributes, data)
    except MalformedEvent:
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
        raw = data if isinstance(data, bytes) else dump_event_json(data)
        message["data"] = base64.b64encode(raw).decode("ascii")
    return message


def _json(value: Any) -> Form:
    return {"content-type": "application/json"}, dump_event_json(value)


def _number() -> str:
    return str(uuid.uuid4().int)[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
