"""Our replacement of ``functions_framework.event_conversion``.

The functions take a request of Flask, or anything with ``headers``, ``path``, ``get_data()`` and
``get_json()``. What converts is `ffhost.events`, as for the functions that the host calls.
"""

from __future__ import annotations

from typing import Any

from ffhost.events.background import Context, is_pubsub_push, read_background_event
from ffhost.events.cloudevent_reader import MalformedEvent, event_mode_of, read_binary_event
from ffhost.events.conversion import BACKGROUND_TYPES, to_background, to_cloud_event
from ffhost.loading.compat.framework.exceptions import EventConversionException


def background_event_to_cloud_event(request: Any) -> Any:
    """Return the background event of *request* as a CloudEvent of the old SDK.

    Raises:
        EventConversionException: the body is not a background event, or has no equivalent
    """
    from cloudevents.v1.http import CloudEvent

    try:
        attributes, data = to_cloud_event(
            read_background_event(_json_object(request), request.path)
        )
    except MalformedEvent as error:
        raise EventConversionException(_text(error)) from error
    return CloudEvent(attributes, data)


def is_convertable_cloud_event(request: Any) -> bool:
    """Whether *request* is a binary CloudEvent of a type that has a background equivalent."""
    headers = _lowered(request)
    return "ce-source" in headers and headers.get("ce-type") in BACKGROUND_TYPES


def cloud_event_to_background_event(request: Any) -> tuple[Any, Context]:
    """Return data and context of the background event that equals the CloudEvent of *request*.

    Raises:
        EventConversionException: the request is not such an event, or has no equivalent
    """
    headers = _lowered(request)
    try:
        if event_mode_of(headers) != "binary":
            raise MalformedEvent("the request has no CloudEvent in its header fields")
        attributes, data, _ = read_binary_event(headers, request.get_data())
        return to_background(attributes, data)
    except MalformedEvent as error:
        raise EventConversionException(_text(error)) from error


def marshal_background_event_data(request: Any) -> Any:
    """Return the JSON of *request*; of a Pub/Sub push message the background event that it is.

    Raises:
        EventConversionException: the message is malformed
    """
    value = request.get_json()
    if not isinstance(value, dict) or not is_pubsub_push(value):
        return value
    try:
        event = read_background_event(value, request.path)
    except MalformedEvent as error:
        raise EventConversionException(_text(error)) from error
    context = event.context
    return {
        "context": {
            "eventId": context.event_id,
            "timestamp": context.timestamp,
            "eventType": context.event_type,
            "resource": context.resource,
        },
        "data": event.data,
    }


def _json_object(request: Any) -> dict[str, Any]:
    value = request.get_json()
    if not isinstance(value, dict):
        raise MalformedEvent("the body is not a JSON object")
    return value


def _lowered(request: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _text(error: MalformedEvent) -> str:
    return "; ".join([error.problem, *(f"{each.field}: {each.message}" for each in error.fields)])
