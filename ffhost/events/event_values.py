"""Times and base64, as events hold them. Nothing here knows what an event is."""

from __future__ import annotations

import binascii
from datetime import UTC, datetime


def decode_event_base64(text: str) -> bytes:
    """Decode base64 of RFC 4648, section 4, with its padding and without line breaks.

    Raises:
        ValueError: it is not base64.
    """
    return binascii.a2b_base64(text, strict_mode=True)


def parse_event_time(text: str) -> datetime:
    """Parse an RFC 3339 timestamp; one without a zone is taken as UTC.

    Raises:
        ValueError: it is not an RFC 3339 timestamp.
    """
    if len(text) < 19:
        raise ValueError("expected date and time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        # RFC 3339 allows lower-case letters and leap seconds, Python neither.
        moment = datetime.fromisoformat(text.upper().replace(":60", ":59"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def is_event_time(text: str) -> bool:
    """Whether `parse_event_time` reads *text*."""
    try:
        parse_event_time(text)
    except ValueError:
        return False
    return True


def event_value_kind(value: object) -> str:
    """Return the JSON type of *value*, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "an array", str: "a string", int: "a number"}
    return names.get(type(value), "a number")


def shorten_event_value(value: object) -> str:
    """Show a value of the request in a message, within 80 characters."""
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."
