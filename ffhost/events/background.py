"""Google's background events and Pub/Sub push messages, read from JSON.

A background event is what Google Cloud Functions sends to ``data, context`` functions. This
module reads one; how it becomes a CloudEvent, and back, is the business of `conversion`.
Nothing here knows the CloudEvents SDK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from ffhost.errors import FieldError
from ffhost.events.cloudevent_reader import MalformedEvent
from ffhost.events.event_values import event_value_kind

PUBSUB_SERVICE: Final = "pubsub.googleapis.com"
PUBSUB_TYPE: Final = "google.pubsub.topic.publish"
PUBSUB_MESSAGE: Final = "type.googleapis.com/google.pubsub.v1.PubsubMessage"

_CONTEXT_NAMES: Final = ("eventId", "timestamp", "eventType", "resource")
"""The values of a context, in the order of the arguments of `Context`."""
_TOPIC: Final = re.compile(r"projects/[^/?]+/topics/[^/?]+")


class Context:
    """The second argument of an ``event`` function.

    Args and attributes are those of ``google.cloud.functions.context.Context``: ``event_id``,
    ``timestamp`` and ``event_type`` are text, empty where the event has none; ``resource`` is
    what stood in the event, a string or an object with ``name``, ``service`` and ``type``.
    """

    def __init__(
        self,
        eventId: str = "",
        timestamp: str = "",
        eventType: str = "",
        resource: str | dict[str, Any] = "",
    ) -> None:
        self.event_id = eventId
        self.timestamp = timestamp
        self.event_type = eventType
        self.resource = resource

    def __str__(self) -> str:
        return (
            f"{{event_id: {self.event_id}, timestamp: {self.timestamp}, "
            f"event_type: {self.event_type}, resource: {self.resource}}}"
        )

    def __repr__(self) -> str:
        return (
            f"Context(eventId={self.event_id!r}, timestamp={self.timestamp!r}, "
            f"eventType={self.event_type!r}, resource={self.resource!r})"
        )


class ParsedBackgroundEvent(NamedTuple):
    """A background event as it was read.

    ``field_of`` returns under which name a value of the context was found, or belongs, for
    messages: ``context.eventId`` for ``eventId``. ``domain`` is the value of that name at
    the top level, which events of the Firebase database carry.
    """

    data: Any
    context: Context
    field_of: Callable[[str], str]
    domain: Any = None


def is_pubsub_push(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is what a Pub/Sub push subscription sends."""
    return "subscription" in value and "message" in value and value.get("context") is None


def is_background_event(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is meant as a background event or a Pub/Sub push message."""
    return not value.keys().isdisjoint(("context", "eventId", "eventType")) or is_pubsub_push(value)


def read_background_event(value: dict[str, Any], path: str = "") -> ParsedBackgroundEvent:
    """Read a background event as `read_data_and_context` does, for its conversion."""
    data, context = read_data_and_context(value, path)
    if is_pubsub_push(value):
        return ParsedBackgroundEvent(data, context, _field_of_push)
    return ParsedBackgroundEvent(data, context, partial(_field_of, value), value.get("domain"))


def read_data_and_context(value: dict[str, Any], path: str = "") -> tuple[Any, Context]:
    """Read a background event, or a Pub/Sub push message, from its JSON object.

    The context stands under ``context`` or at the top level; for each value the first place
    where it is found counts. Unknown members are tolerated everywhere.

    Raises:
        Malformed: a value of the context has the wrong type, or there is no event at all.
    """
    if is_pubsub_push(value):
        return _read_push(value, path)
    context = value.get("context")
    if context is not None and not isinstance(context, dict):
        raise _fault("context", f"expected an object, got {event_value_kind(context)}")
    if "data" not in value and not is_background_event(value):
        raise MalformedEvent(
            "the body is neither an event nor a Pub/Sub message",
            FieldError("data", "required, but missing"),
            FieldError("context", "required, but missing"),
        )
    # functions-framework hands on an empty string where there is no data.
    return value.get("data", ""), _read_context(context, value)


def _read_context(context: dict[str, Any] | None, value: dict[str, Any]) -> Context:
    found: list[Any] = []
    for name in _CONTEXT_NAMES:
        given = None if context is None else context.get(name)
        if given is None:
            given = value.get(name)
        if given is None:
            given = ""
        elif not (isinstance(given, str) or (name == "resource" and isinstance(given, dict))):
            expected = "a string or an object" if name == "resource" else "a string"
            problem = f"expected {expected}, got {event_value_kind(given)}"
            raise _fault(_field_of(value, name), problem)
        found.append(given)
    resource = found[-1]
    resource_name = resource.get("name") if isinstance(resource, dict) else None
    if resource_name is not None and not isinstance(resource_name, str):
        field = f"{_field_of(value, 'resource')}.name"
        raise _fault(field, f"expected a string, got {event_value_kind(resource_name)}")
    return Context(*found)


def read_draft_event(headers: Mapping[str, str], body: Any) -> ParsedBackgroundEvent:
    """Read the ``ce-eventId`` headers that senders of the 0.1 draft use; *body* is the data."""
    context = Context(
        eventId=headers.get("ce-eventid", ""),
        timestamp=headers.get("ce-timestamp", ""),
        eventType=headers.get("ce-eventtype", ""),
        resource=headers.get("ce-resource", ""),
    )
    return ParsedBackgroundEvent(body, context, "ce-{}".format)


def _field_of(value: dict[str, Any], name: str) -> str:
    context = value.get("context")
    within = context is not None and (context.get(name) is not None or value.get(name) is None)
    return f"context.{name}" if within else name


def _read_push(value: dict[str, Any], path: str) -> tuple[Any, Context]:
    message = value["message"]
    if not isinstance(message, dict):
        raise _fault("message", f"expected an object, got {event_value_kind(message)}")
    # The emulator writes snake case beside camel case.
    event_id = _text(message, "messageId", "message_id")
    if not event_id:
        raise _fault("message.messageId", "required, but missing")
    published = _text(message, "publishTime", "publish_time")
    data: dict[str, Any] = {"@type": PUBSUB_MESSAGE}
    if (text := _text(message, "data", "data")) is not None:
        data["data"] = text
    attributes = message.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        raise _fault(
            "message.attributes", f"expected an object, got {event_value_kind(attributes)}"
        )
    data["attributes"] = attributes or {}
    topic = _TOPIC.search(path)
    context = Context(
        eventId=event_id,
        timestamp=published or _now(),
        eventType=PUBSUB_TYPE,
        resource={
            "service": PUBSUB_SERVICE,
            "type": PUBSUB_MESSAGE,
            "name": unquote(topic[0]) if topic else "",
        },
    )
    return data, context


def _field_of_push(name: str) -> str:
    return {"eventId": "message.messageId", "timestamp": "message.publishTime"}.get(name, name)


def _text(message: dict[str, Any], name: str, other: str) -> str | None:
    value = message.get(name)
    if value is None:
        value = message.get(other)
    if value is not None and not isinstance(value, str):
        raise _fault(f"message.{name}", f"expected a string, got {event_value_kind(value)}")
    return value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault(field: str, message: str) -> MalformedEvent:
    return MalformedEvent(f"the event has a fault in: {field}", FieldError(field, message))
