"""CloudEvents of every class, written as HTTP: replies of functions, and requests to them.

An event that came with a request is written as it came: data that was not touched keeps its
bytes. Nothing here reads requests.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from cloudevents.core.v03.event import CloudEvent as NewEvent03
from cloudevents.core.v1.event import CloudEvent as NewEvent
from cloudevents.v1.abstract import CloudEvent as AnyOldEvent

from ffhost.errors import ResultError
from ffhost.events.cloudevent_reader import REQUIRED, VERSIONS, EventPayload
from ffhost.events.event_values import decode_event_base64
from ffhost.events.received_event import Event
from ffhost.web.json_text import read_json, time_as_json_text, write_json
from ffhost.web.mediatypes import is_json
from ffhost.web.messages import HeaderList, Reply

_NAME: Final = re.compile(r"[a-z0-9_.~-]+")
# Printable ASCII without space, double quote and percent (HTTP binding, section 3.1.3.2).
_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_PLAIN: Final = re.compile(r"[!#$&-~]*")


class _Contents(NamedTuple):
    attributes: Mapping[str, Any]
    data: Any
    payload: EventPayload | None
    """What came with the request, where the data is still that."""
    text_is_final: bool
    """Whether text is the body itself even where JSON is declared, as in the new SDK."""


def is_cloud_event(value: object) -> bool:
    """Whether *value* is a CloudEvent of either generation of the SDK, or ours."""
    return isinstance(value, (AnyOldEvent, NewEvent, NewEvent03)) or (
        callable(getattr(value, "get_attributes", None))
        and callable(getattr(value, "get_data", None))
    )


def encode_event(event: object) -> Reply:
    """Write the event that a function returned: status 200, binary mode.

    Data is JSON where its content type says so or none is named (the reply then names it),
    text and bytes stay what they are elsewhere.

    Raises:
        ResultError: it is not a CloudEvent, lacks a required attribute, or cannot be written.
    """
    headers, body = to_binary_event(event)
    return Reply(200, headers, body)


def encode_event_batch(events: Iterable[object]) -> Reply:
    """Write the events that the calls of one batch returned; None among them is left out.

    Status 200 and a batch, or 204 where no event is left.

    Raises:
        ResultError: as for `encode_event`.
    """
    replies = [_structured(event) for event in events if event is not None]
    if not replies:
        return Reply(204)
    return Reply(
        200, [("content-type", "application/cloudevents-batch+json")], dump_event_json(replies)
    )


class BinaryEvent(NamedTuple):
    """An event in binary mode, before its attributes are written as header fields.

    Args:
        attributes: text by name, without the content type
        content_type: of the data; None for none
        body: the data
    """

    attributes: dict[str, str]
    content_type: str | None
    body: bytes

    def headers(self) -> HeaderList:
        """Return the header fields.

        Raises:
            ResultError: an attribute is not valid Unicode
        """
        fields: HeaderList = [
            (f"ce-{name}", _header_text(name, text)) for name, text in self.attributes.items()
        ]
        if self.content_type is not None:
            fields.append(("content-type", self.content_type))
        return fields


def binary_event_of(event: object) -> BinaryEvent:
    """Return *event* in binary mode.

    Raises:
        ResultError: as for `encode_event`.
    """
    contents = _contents(event)
    attributes = {
        name: str.__str__(value) if isinstance(value, str) else _canonical(value)
        for name, value in contents.attributes.items()
        if value is not None and name not in ("datacontenttype", "datacontentencoding")
    }
    body, content_type = _body(contents, contents.attributes.get("datacontenttype") or None)
    return BinaryEvent(attributes, content_type, body)


def to_binary_event(event: object) -> tuple[HeaderList, bytes]:
    """Return the header fields and the body of *event* in binary mode.

    Raises:
        ResultError: as for `encode_event`.
    """
    written = binary_event_of(event)
    return written.headers(), written.body


def to_structured_event(event: object) -> tuple[HeaderList, bytes]:
    """Return the header fields and the body of *event* in structured mode, as JSON.

    Raises:
        ResultError: as for `encode_event`.
    """
    return [("content-type", "application/cloudevents+json")], dump_event_json(_structured(event))


def event_contents_of(event: object) -> tuple[dict[str, Any], Any]:
    """Return the attributes of *event* as text, as the old SDK has them, and its data.

    Raises:
        ResultError: as for `encode_event`.
    """
    contents = _contents(event)
    return _attributes_as_text(contents), contents.data


def _contents(event: Any) -> _Contents:
    if not is_cloud_event(event):
        raise ResultError(
            f"expected None or a CloudEvent, got {type(event).__name__!r}; "
            "a cloudevent function returns nothing, or the event that is its reply"
        )
    if Event in type(event).__mro__:  # the SDK's protocol makes `isinstance` slow
        contents = _Contents(event._get_attributes(), event.data, _unchanged(event), False)
    else:
        final = not isinstance(event, AnyOldEvent)
        contents = _Contents(event.get_attributes(), event.get_data(), None, final)
    _check(contents.attributes)
    return contents


def _unchanged(event: Event) -> EventPayload | None:
    """Return what came with the request, unless the data was replaced or changed in place."""
    payload = event.unchanged_payload
    if payload is None or not isinstance(event.data, dict | list):
        return payload
    try:
        return payload if read_json(payload.raw) == event.data else None
    except RecursionError:
        return None


def _check(attributes: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if not attributes.get(name):
            raise ResultError(f"the CloudEvent that was returned has no {name!r}")
    if attributes["specversion"] not in VERSIONS:
        raise ResultError(
            "the specversion of the CloudEvent that was returned is not '1.0' or '0.3'"
        )
    names = "".join(attributes)
    ordinary = names.isascii() and names.isalnum() and names.islower() and "" not in attributes
    for name in () if ordinary else attributes:
        if not _NAME.fullmatch(name):
            raise ResultError(f"{name!r} cannot be an attribute of a CloudEvent")
    content_type = attributes.get("datacontenttype") or ""
    if not (
        isinstance(content_type, str) and content_type.isascii() and content_type.isprintable()
    ):
        raise ResultError(
            "the datacontenttype of the CloudEvent that was returned is not a media type"
        )


def _header_text(name: str, text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    try:
        return quote(text, safe=_SAFE)
    except UnicodeEncodeError:
        raise ResultError(f"the attribute {name!r} is not valid unicode") from None


def _canonical(value: Any) -> str:
    """Return the canonical text of an attribute's type (spec 1.0, section "type system")."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict | list):
        return dump_event_json(value).decode()
    return str(value)


def _body(contents: _Contents, content_type: str | None) -> tuple[bytes, str | None]:
    data = contents.data
    if contents.payload is not None:
        return contents.payload.raw, content_type
    if data is None:
        return b"", content_type
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data), content_type
    if isinstance(data, str):
        if contents.attributes.get("datacontentencoding") == "base64":
            return _decoded(data), content_type
        if contents.text_is_final or not (content_type is None or is_json(content_type)):
            try:
                return data.encode(), content_type
            except UnicodeEncodeError:
                raise ResultError("the data of the CloudEvent is not valid unicode") from None
    return dump_event_json(data), content_type or "application/json"


def _structured(event: object) -> dict[str, Any]:
    contents = _contents(event)
    value = _attributes_as_text(contents)
    data = contents.data if contents.payload is None else contents.payload.new
    if isinstance(data, bytes | bytearray | memoryview):
        text = base64.b64encode(data).decode("ascii")
        if value["specversion"] == "0.3":
            value.update(datacontentencoding="base64", data=text)
        else:
            value["data_base64"] = text
    elif data is not None:
        value["data"] = data
    return value


def _attributes_as_text(contents: _Contents) -> dict[str, Any]:
    """Return the attributes as JSON has them: numbers and booleans as they are, the rest text."""
    return {
        name: each if isinstance(each, str | int) else _canonical(each)
        for name, each in contents.attributes.items()
        if each is not None
    }


def _decoded(text: str) -> bytes:
    try:
        return decode_event_base64(text)
    except ValueError:
        raise ResultError("the data of the CloudEvent is declared as base64, but is not") from None


def dump_event_json(value: Any) -> bytes:
    """Write *value* as JSON.

    Raises:
        ResultError: JSON cannot hold it.
    """
    try:
        return write_json(value, time_as_json_text)
    except TypeError as unsupported:
        # orjson refuses whole numbers beyond 64 bits; json writes them.
        import json

        try:
            return json.dumps(value, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError):
            raise ResultError(
                f"the data of the CloudEvent cannot be written as JSON: {unsupported}"
            ) from unsupported
