"""A CloudEvent as it stands in an HTTP request, read into attributes and data.

Nothing here knows the SDK's classes, background events, or how a reply is written. What a
request says is checked here, before anything of the SDK sees it: the SDK invents a missing
id, passes malformed JSON on as text, and raises errors outside its own hierarchy.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

from ffhost.errors import FieldError
from ffhost.events.event_values import (
    decode_event_base64,
    event_value_kind,
    is_event_time,
    shorten_event_value,
)
from ffhost.web.json_text import read_json
from ffhost.web.mediatypes import is_json
from ffhost.web.messages import FieldChoice

Mode: TypeAlias = Literal["binary", "structured", "batch", "unknown", "draft", "json"]
"""How a request carries its event; see `event_mode_of`."""

REQUIRED: Final = ("id", "source", "type", "specversion")
"""The attributes that every CloudEvent has (spec 1.0 and 0.3, section "required attributes")."""

VERSIONS: Final = ("1.0", "0.3")

# `data` is not an attribute; `extensions` was one in older drafts and breaks the SDK's own
# functions, which keep a dictionary under that name.
_RESERVED: Final = frozenset({"", "data", "data_base64", "extensions"})
_TEXT_ATTRIBUTES: Final = (
    "time",
    "datacontenttype",
    "subject",
    "dataschema",
    "schemaurl",
    "datacontentencoding",
)
_KNOWN: Final = frozenset({*REQUIRED, *_TEXT_ATTRIBUTES})
_ATTRIBUTE_OF_FIELD: Final = {f"ce-{name}": name for name in _KNOWN}
_REQUIRED_FIELDS: Final = frozenset(f"ce-{name}" for name in REQUIRED)
_KNOWN_MEMBERS: Final = _KNOWN | {"data"}
EVENT_FIELDS: Final = FieldChoice(
    ("content-type", "traceparent", "tracestate", *_ATTRIBUTE_OF_FIELD), "ce-"
)
"""The header fields that events are read from."""
_NAME: Final = re.compile(r"[a-z0-9_.~-]+")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_UNREAD: Final = object()


class MalformedEvent(Exception):
    """What a request says is not an event; the caller turns it into a `BadRequest`."""

    def __init__(self, problem: str, *fields: FieldError) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fields = fields


class EventPayload:
    """The data of an event whose two SDK generations read it differently.

    ``old`` is what the old SDK makes of it, `new` what the new one does, ``raw`` the bytes
    that were sent.
    """

    __slots__ = ("_new", "old", "raw")

    def __init__(self, old: Any, raw: bytes, new: Any = _UNREAD) -> None:
        self.old = old
        self.raw = raw
        self._new = new

    @property
    def new(self) -> Any:
        """Return text where the bytes are UTF-8, else the bytes, as the new SDK does."""
        if self._new is _UNREAD:
            # A sentinel does not survive pickling, so the answer is kept once it is known.
            try:
                self._new = self.raw.decode()
            except UnicodeDecodeError:
                self._new = self.raw
        return self._new

    def __reduce__(self) -> tuple[Any, ...]:
        return EventPayload, (self.old, self.raw, self.new)


Read: TypeAlias = tuple[dict[str, Any], Any, EventPayload | None]
"""Attributes, data as the old SDK gives it, and the payload where the new one differs."""


def event_mode_of(headers: Mapping[str, str]) -> Mode:
    """Return how a request carries its event.

    ``structured`` and ``batch`` by the content type (HTTP binding, section 3), ``unknown``
    for an event format other than JSON, ``binary`` if any required attribute is a header,
    ``draft`` for the ``ce-eventId`` headers of the 0.1 draft, else ``json``: the body has
    to tell.
    """
    content_type = headers.get("content-type")
    if content_type is not None and content_type[:23].lower() == "application/cloudevents":
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type in ("application/cloudevents+json", "application/cloudevents"):
            return "structured"
        return "batch" if media_type == "application/cloudevents-batch+json" else "unknown"
    if "ce-specversion" in headers or not _REQUIRED_FIELDS.isdisjoint(headers):
        return "binary"
    return "draft" if "ce-eventid" in headers or "ce-eventtype" in headers else "json"


def read_binary_event(headers: Mapping[str, str], body: bytes) -> Read:
    """Read an event whose attributes are ``ce-`` headers and whose data is the body.

    The data follows the old SDK: JSON if the body parses as JSON, else bytes; None for an
    empty body. Only a body that is declared as JSON must parse.

    Raises:
        Malformed: an attribute is missing or wrong, or the body is not the JSON it claims.
    """
    attributes: dict[str, Any] = {}
    for name, value in headers.items():
        if name in _ATTRIBUTE_OF_FIELD:
            attributes[_ATTRIBUTE_OF_FIELD[name]] = value
        elif name.startswith("ce-"):
            attributes[name[3:]] = value
    text = "".join(attributes.values())
    if "%" in text or '"' in text or not text.isascii():
        attributes = {name: decode_event_header(name, each) for name, each in attributes.items()}
    return read_event_attributes(attributes, headers.get("content-type"), body)


def read_event_attributes(
    attributes: dict[str, Any], content_type: str | None, body: bytes
) -> Read:
    """Read an event in binary mode whose *attributes* are no longer header fields.

    Raises:
        Malformed: as for `read_binary_event`.
    """
    if content_type:
        attributes["datacontenttype"] = content_type
    _drop_strays(attributes)
    _check(attributes, "send it as the header 'ce-{}'")
    return (attributes, *_read_body(body, attributes.get("datacontenttype")))


def read_structured_event(value: object) -> Read:
    """Read an event from the JSON object that holds its attributes and its data.

    Raises:
        Malformed: not an object, or an attribute or the data is missing or wrong.
    """
    if not isinstance(value, dict):
        raise MalformedEvent(
            "the CloudEvent is not a JSON object",
            FieldError("body", f"expected an object, got {event_value_kind(value)}"),
        )
    if _KNOWN_MEMBERS.issuperset(value) and None not in value.values():
        attributes = {**value}
        attributes.pop("data", None)
    else:
        attributes = _named_attributes(value)
    if attributes.get("datacontenttype") == "":
        del attributes["datacontenttype"]
    _drop_strays(attributes)
    _check(attributes, "it is not in the object")
    return (attributes, *_read_member(value, attributes))


def _named_attributes(value: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, member in value.items():
        # JSON null means absent (JSON format, section 2.2); the SDK lower-cases names.
        if member is not None and name not in ("data", "data_base64"):
            lower = name.lower()
            if lower == name or (lower not in value and lower not in REQUIRED):
                attributes[lower] = member
    return attributes


def read_event_object(body: bytes) -> dict[str, Any]:
    """Parse *body* as a JSON object.

    Raises:
        Malformed: it is empty, not JSON, or another JSON value.
    """
    value = parse_event_body(body)
    if not isinstance(value, dict):
        raise MalformedEvent(
            "the body is not a JSON object",
            FieldError("body", f"expected an object, got {event_value_kind(value)}"),
        )
    return value


def parse_event_body(body: bytes) -> Any:
    """Parse *body* as JSON.

    Raises:
        Malformed: it is empty or not JSON.
    """
    try:
        return read_json(body)
    except ValueError:
        message = (
            "expected JSON, got bytes that are not JSON" if body else "expected JSON, got nothing"
        )
        raise MalformedEvent("the body is not JSON", FieldError("body", message)) from None


def decode_event_header(name: str, value: str) -> str:
    """Decode the header value of an attribute (HTTP binding, section 3.1.3.2).

    Quotes first, then one round of percent-decoding. Servers hand raw bytes over as
    Latin-1; those that are UTF-8 are what a sender wrote that does not percent-encode.

    Raises:
        Malformed: the percent-encoded bytes are not UTF-8, which the binding forbids.
    """
    if not value.isascii():
        with contextlib.suppress(UnicodeError):
            value = value.encode("latin-1").decode()
    if len(value) > 1 and value[0] == '"' == value[-1]:
        value = _ESCAPE.sub(r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise MalformedEvent(
            f"the header 'ce-{name}' cannot be decoded",
            FieldError(name, "its percent-encoded bytes are not utf-8"),
        ) from None


def event_json_or_bytes(raw: bytes) -> Any:
    """Return what the old SDK makes of bytes: JSON, else the bytes; None for what is empty."""
    try:
        value = read_json(raw)
    except ValueError:
        return raw or None
    return None if value == "" else value


def event_with_trace_attributes(attributes: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Add the request's trace context to the event, where it has none of its own.

    This is the distributed tracing extension; a malformed ``traceparent`` is ignored, as
    W3C Trace Context asks.
    """
    traceparent = headers.get("traceparent")
    if traceparent is None or "traceparent" in attributes:
        return
    if _TRACEPARENT.fullmatch(traceparent):
        attributes["traceparent"] = traceparent
        if tracestate := headers.get("tracestate"):
            attributes["tracestate"] = tracestate


def _drop_strays(attributes: dict[str, Any]) -> None:
    """Drop what cannot be an attribute; names such as ``my-ext`` stay, as in the old SDK."""
    if _KNOWN.issuperset(attributes):
        return
    names = "".join(attributes)
    if names.isascii() and names.isalnum() and _RESERVED.isdisjoint(attributes):
        return
    for name in list(attributes):
        if name in _RESERVED or not _NAME.fullmatch(name):
            del attributes[name]


def _check(attributes: Mapping[str, Any], hint: str) -> None:
    faults = _optional_faults(attributes)
    if not _has_required(attributes):
        faults = _required_faults(attributes, hint) + faults
    if faults:
        names = ", ".join(fault.field for fault in faults)
        raise MalformedEvent(f"the CloudEvent has faults in: {names}", *faults)


def _has_required(attributes: Mapping[str, Any]) -> bool:
    try:
        event_id, source, event_type = attributes["id"], attributes["source"], attributes["type"]
        version = attributes["specversion"]
    except KeyError:
        return False
    return bool(
        event_id.__class__ is source.__class__ is event_type.__class__ is str
        and event_id
        and source
        and event_type
        and version in VERSIONS
    )


def _required_faults(attributes: Mapping[str, Any], hint: str) -> list[FieldError]:
    faults = []
    for name in REQUIRED:
        value = attributes.get(name)
        if value is None:
            faults.append(FieldError(name, "required, but missing: " + hint.format(name)))
        elif not isinstance(value, str):
            faults.append(FieldError(name, f"expected a string, got {event_value_kind(value)}"))
        elif not value:
            faults.append(FieldError(name, "must not be empty"))
        elif name == "specversion" and value not in VERSIONS:
            faults.append(
                FieldError(name, f"expected '1.0' or '0.3', got {shorten_event_value(value)}")
            )
    return faults


def _optional_faults(attributes: Mapping[str, Any]) -> list[FieldError]:
    faults = []
    for name in _TEXT_ATTRIBUTES:
        if name not in attributes:
            continue
        value = attributes[name]
        if not isinstance(value, str):
            faults.append(FieldError(name, f"expected a string, got {event_value_kind(value)}"))
        elif name == "time" and not is_event_time(value):
            faults.append(FieldError(name, "expected an RFC 3339 time"))
        elif name == "datacontenttype" and not (value.isascii() and value.isprintable()):
            # It becomes a header of a reply, so a line break must not get in.
            faults.append(FieldError(name, "expected a media type in printable ascii"))
    return faults


def _read_body(body: bytes, content_type: str | None) -> tuple[Any, EventPayload | None]:
    if not body:
        return None, None
    if content_type is not None and is_json(content_type):
        try:
            data = read_json(body)
        except ValueError:
            raise MalformedEvent(
                "the data of the CloudEvent is not JSON",
                FieldError("data", "the content type says JSON, but the body is not JSON"),
            ) from None
        return (data, None) if data != "" else (None, EventPayload(None, body, ""))
    old = event_json_or_bytes(body)
    if content_type is None and old is not body:
        return old, EventPayload(old, body, "" if old is None else old)
    return old, EventPayload(old, body)


def _read_member(
    value: dict[str, Any], attributes: dict[str, Any]
) -> tuple[Any, EventPayload | None]:
    data, encoded = value.get("data"), value.get("data_base64")
    if encoded is not None:
        if data is not None:
            raise MalformedEvent(
                "the CloudEvent has its data twice",
                FieldError("data_base64", "give either 'data' or 'data_base64'"),
            )
        raw = _decode(encoded, "data_base64")
        # The old SDK looks for JSON in base64 as well; the new one gives the bytes.
        old = event_json_or_bytes(raw)
        return old, EventPayload(old, raw, raw)
    if attributes["specversion"] == "0.3" and _is_base64(attributes) and data is not None:
        # Decoded like data_base64 of 1.0; the old SDK handed the base64 text on.
        raw = _decode(data, "data")
        old = event_json_or_bytes(raw)
        return old, EventPayload(old, raw, raw)
    if data == "":
        declared = attributes.get("datacontenttype")
        return None, EventPayload(None, b'""' if declared is None or is_json(declared) else b"", "")
    return data, None


def _is_base64(attributes: Mapping[str, Any]) -> bool:
    return str(attributes.get("datacontentencoding")).lower() == "base64"


def _decode(text: object, field: str) -> bytes:
    try:
        if isinstance(text, str):
            return decode_event_base64(text)
        problem = f"expected a base64 string, got {event_value_kind(text)}"
    except ValueError:
        problem = "not base64 (RFC 4648, section 4)"
    raise MalformedEvent("the data of the CloudEvent cannot be decoded", FieldError(field, problem))
