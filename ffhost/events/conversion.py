"""Google's background events to CloudEvents and back, as values.

The tables come from the mapping that Google's functions frameworks share. Both directions
work on copies: what was read stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ffhost.errors import FieldError
from ffhost.events.background import PUBSUB_MESSAGE, Context, ParsedBackgroundEvent
from ffhost.events.cloudevent_reader import MalformedEvent
from ffhost.events.event_values import event_value_kind, is_event_time, shorten_event_value

_PUBSUB: Final = "pubsub.googleapis.com"
_STORAGE: Final = "storage.googleapis.com"
_FIRESTORE: Final = "firestore.googleapis.com"
_AUTH: Final = "firebaseauth.googleapis.com"
_DATABASE: Final = "firebasedatabase.googleapis.com"
_ANALYTICS: Final = "firebaseanalytics.googleapis.com"
_REMOTE_CONFIG: Final = "firebaseremoteconfig.googleapis.com"

_SERVICES: Final = {
    "providers/cloud.firestore/": _FIRESTORE,
    "providers/google.firebase.analytics/": _ANALYTICS,
    "providers/firebase.auth/": _AUTH,
    "providers/google.firebase.database/": _DATABASE,
    "providers/firebase.remoteConfig/": _REMOTE_CONFIG,
    "providers/cloud.pubsub/": _PUBSUB,
    "google.pubsub": _PUBSUB,
    "providers/cloud.storage/": _STORAGE,
    "google.storage": _STORAGE,
}

_FIRESTORE_TYPE: Final = "providers/cloud.firestore/eventTypes/document."
_DATABASE_TYPE: Final = "providers/google.firebase.database/eventTypes/ref."

CLOUD_EVENT_TYPES: Final = {
    "google.pubsub.topic.publish": "google.cloud.pubsub.topic.v1.messagePublished",
    "providers/cloud.pubsub/eventTypes/topic.publish": (
        "google.cloud.pubsub.topic.v1.messagePublished"
    ),
    "google.storage.object.finalize": "google.cloud.storage.object.v1.finalized",
    "google.storage.object.delete": "google.cloud.storage.object.v1.deleted",
    "google.storage.object.archive": "google.cloud.storage.object.v1.archived",
    "google.storage.object.metadataUpdate": "google.cloud.storage.object.v1.metadataUpdated",
    "providers/cloud.storage/eventTypes/object.change": "google.cloud.storage.object.v1.finalized",
    f"{_FIRESTORE_TYPE}write": "google.cloud.firestore.document.v1.written",
    f"{_FIRESTORE_TYPE}create": "google.cloud.firestore.document.v1.created",
    f"{_FIRESTORE_TYPE}update": "google.cloud.firestore.document.v1.updated",
    f"{_FIRESTORE_TYPE}delete": "google.cloud.firestore.document.v1.deleted",
    "providers/firebase.auth/eventTypes/user.create": "google.firebase.auth.user.v1.created",
    "providers/firebase.auth/eventTypes/user.delete": "google.firebase.auth.user.v1.deleted",
    "providers/firebase.remoteConfig/remoteconfig.update": (
        "google.firebase.remoteconfig.remoteConfig.v1.updated"
    ),
    "providers/google.firebase.analytics/eventTypes/event.log": (
        "google.firebase.analytics.log.v1.written"
    ),
    f"{_DATABASE_TYPE}create": "google.firebase.database.ref.v1.created",
    f"{_DATABASE_TYPE}write": "google.firebase.database.ref.v1.written",
    f"{_DATABASE_TYPE}update": "google.firebase.database.ref.v1.updated",
    f"{_DATABASE_TYPE}delete": "google.firebase.database.ref.v1.deleted",
}
"""Background event type to CloudEvent type."""

BACKGROUND_TYPES: Final = {
    cloud_event: background
    for background, cloud_event in CLOUD_EVENT_TYPES.items()
    if background
    not in (
        "providers/cloud.pubsub/eventTypes/topic.publish",
        "providers/cloud.storage/eventTypes/object.change",
    )
}
"""CloudEvent type to background event type; of two that share one, the newer."""

_AUTH_NAMES: Final = {"createdAt": "createTime", "lastSignedInAt": "lastSignInTime"}
_GENERATION: Final = re.compile(r"#\d+\Z")
_SOURCE: Final = re.compile(r"//([^/]+)/(.*)", re.DOTALL)
_LOCATION: Final = re.compile(r"/locations/[^/]+")


def to_cloud_event(event: ParsedBackgroundEvent) -> tuple[dict[str, Any], Any]:
    """Convert a background event to the attributes and the data of a CloudEvent 1.0.

    Raises:
        Malformed: the event type is not in the table, or what its conversion needs is missing.
    """
    context, field_of = event.context, event.field_of
    if not context.event_type:
        raise _fault(field_of("eventType"), "required, but missing")
    cloud_type = CLOUD_EVENT_TYPES.get(context.event_type)
    if cloud_type is None:
        raise _fault(
            field_of("eventType"),
            f"{shorten_event_value(context.event_type)} has no CloudEvent equivalent",
        )
    if not context.event_id:
        raise _fault(field_of("eventId"), "required, but missing")
    own = next(
        service for prefix, service in _SERVICES.items() if context.event_type.startswith(prefix)
    )
    resource, subject, data = _PARTS.get(own, _plain_parts)(event)
    attributes: dict[str, Any] = {
        "id": context.event_id,
        "source": f"//{_named_service(event) or own}/{resource}",
        "specversion": "1.0",
        "type": cloud_type,
        "datacontenttype": "application/json",
    }
    if context.timestamp:
        if not is_event_time(context.timestamp):
            raise _fault(field_of("timestamp"), "expected an RFC 3339 time")
        attributes["time"] = context.timestamp
    if subject:
        attributes["subject"] = subject
    return attributes, data


def to_background(attributes: dict[str, Any], data: Any) -> tuple[Any, Context]:
    """Convert the attributes and the data of a CloudEvent to ``data, context``.

    Raises:
        Malformed: the type is not in the table, or source, subject or data do not fit it.
    """
    event_type = BACKGROUND_TYPES.get(attributes["type"])
    if event_type is None:
        raise _fault(
            "type", f"{shorten_event_value(attributes['type'])} has no background equivalent"
        )
    source = _SOURCE.fullmatch(attributes["source"])
    if source is None:
        raise _fault("source", "expected '//SERVICE/RESOURCE'")
    service, path = source[1], source[2]
    subject = attributes.get("subject") or ""
    resource: str | dict[str, Any] = f"{path}/{subject}" if subject else path
    if service in (_STORAGE, _DATABASE, _FIRESTORE) and not subject:
        raise _fault("subject", f"required in events of {service}, but missing")
    if service == _PUBSUB:
        resource = {"service": service, "name": path, "type": PUBSUB_MESSAGE}
        data = _unwrap_message(data)
    elif service == _STORAGE:
        # "storage#object" is the only kind that Cloud Storage has for objects.
        kind = data.get("kind", "storage#object") if isinstance(data, dict) else "storage#object"
        resource = {"service": service, "name": resource, "type": kind}
    elif service == _AUTH:
        resource = path
        data = _rename_metadata(data, {new: old for old, new in _AUTH_NAMES.items()})
    elif service == _DATABASE:
        resource = f"{_LOCATION.sub('', path, count=1)}/{subject}"
    return data, Context(attributes["id"], attributes.get("time", ""), event_type, resource)


def _pubsub_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    message = dict(_object(event.data, "data"))
    message.setdefault("messageId", event.context.event_id)
    if event.context.timestamp:
        message.setdefault("publishTime", event.context.timestamp)
    # A push that does not name its topic in the path has an empty resource.
    return _resource_name(event, required=False), "", {"message": message}


def _storage_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    source, subject = _split(
        event, r"(projects/[^/]+/buckets/[^/]+)/(objects/.+)", "buckets/B/objects/O"
    )
    return source, _GENERATION.sub("", subject), event.data


def _firestore_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    pattern = r"(projects/[^/]+/databases/[^/]+)/(documents/.+)"
    return (*_split(event, pattern, "databases/D/documents/X"), event.data)


def _database_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    pattern = r"projects/[^/]+/(instances/[^/]+)/(refs/.+)"
    instance, subject = _split(event, pattern, "instances/I/refs/R")
    if event.domain is None:
        raise _fault("domain", "required in events of the Firebase database, but missing")
    if not isinstance(event.domain, str):
        raise _fault("domain", f"expected a string, got {event_value_kind(event.domain)}")
    location = "us-central1" if event.domain == "firebaseio.com" else event.domain.partition(".")[0]
    if not location:
        raise _fault("domain", "expected 'firebaseio.com' or 'LOCATION.firebasedatabase.app'")
    return f"projects/_/locations/{location}/{instance}", subject, event.data


def _analytics_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    # Converted back from a CloudEvent, the resource names the app as well.
    pattern = r"(projects/[^/]+)(?:/apps/[^/]+)?/(events/.+)"
    project, subject = _split(event, pattern, "events/E")
    found = event.data
    for name in ("userDim", "appInfo", "appId"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise _fault("data.userDim.appInfo.appId", "required in events of Analytics, but missing")
    return f"{project}/apps/{found}", subject, event.data


def _auth_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    data = _rename_metadata(_object(event.data, "data"), _AUTH_NAMES)
    uid = data.get("uid")
    return _resource_name(event), f"users/{uid}" if uid else "", data


def _plain_parts(event: ParsedBackgroundEvent) -> tuple[str, str, Any]:
    return _resource_name(event), "", event.data


_PARTS: Final[dict[str, Callable[[ParsedBackgroundEvent], tuple[str, str, Any]]]] = {
    _PUBSUB: _pubsub_parts,
    _STORAGE: _storage_parts,
    _FIRESTORE: _firestore_parts,
    _DATABASE: _database_parts,
    _ANALYTICS: _analytics_parts,
    _AUTH: _auth_parts,
}
"""By service: the rest of the source, the subject, and the data of the CloudEvent."""


def _split(event: ParsedBackgroundEvent, pattern: str, shape: str) -> tuple[str, str]:
    match = re.fullmatch(pattern, _resource_name(event), re.DOTALL)
    if match is None:
        raise _fault(_name_field(event), f"expected 'projects/P/{shape}'")
    return match[1], match[2]


def _resource_name(event: ParsedBackgroundEvent, *, required: bool = True) -> str:
    resource = event.context.resource
    name: str = resource if isinstance(resource, str) else resource.get("name") or ""
    if required and not name:
        raise _fault(_name_field(event), "required, but missing")
    return name


def _name_field(event: ParsedBackgroundEvent) -> str:
    field = event.field_of("resource")
    return field if isinstance(event.context.resource, str) else f"{field}.name"


def _named_service(event: ParsedBackgroundEvent) -> str:
    resource = event.context.resource
    service = resource.get("service") if isinstance(resource, dict) else None
    if service is None:
        return ""
    if not isinstance(service, str) or "/" in service:
        raise _fault(f"{event.field_of('resource')}.service", "expected the name of a service")
    return service


def _unwrap_message(data: Any) -> Any:
    if isinstance(data, dict) and "message" in data:
        data = data["message"]
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in ("messageId", "publishTime")}


def _rename_metadata(data: Any, names: dict[str, str]) -> Any:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(metadata, dict):
        return data
    return {**data, "metadata": {names.get(name, name): value for name, value in metadata.items()}}


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _fault(field, f"expected an object, got {event_value_kind(value)}")
    return value


def _fault(field: str, message: str) -> MalformedEvent:
    return MalformedEvent(
        f"the event cannot be converted because of: {field}", FieldError(field, message)
    )
