"""The lines of an answer's head: what is written again and again is written once, and kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ffhost.server._uvicorn import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})


class UsualFields(NamedTuple):
    """The fields that all answers of a server have, for a second or so.

    Args:
        fields: as the server has them
        lines: the same, written out
        framing: those that concern body and connection
    """

    fields: Any
    lines: bytes
    framing: tuple[tuple[bytes, bytes], ...]


status_line = STATUS_LINE.get
"""Returns the first line of an answer with a status; None for one that has no name."""
usual = UsualFields(None, b"", ())
"""The fields of the last answer."""


def write_usual_fields(fields: Any) -> UsualFields:
    """Write *fields*, which the server has renewed, and keep them as `usual`."""
    global usual
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    framing = tuple(field for field in fields if field[0] in _FRAMING)
    usual = UsualFields(fields, lines, framing)
    return usual


FIELD_BEGINNINGS: dict[bytes, tuple[bytes, bytes | None]] = {}
"""How the lines of fields begin that were sent before, as `field_beginning` returns it."""
_MOST_NAMES = _MOST_VALUES = 1024
"""Of fields that are remembered: a function may make them up."""


def field_beginning(name: bytes) -> tuple[bytes, bytes | None]:
    """Return how the line of a field begins; and its name, if it concerns body or connection.

    Raises:
        RuntimeError: it cannot be sent
    """
    lower = name.lower()
    if HEADER_RE.search(lower):
        raise RuntimeError("a header field of the answer cannot be sent")
    found = (b"%b: " % lower, lower if lower in _FRAMING else None)
    if len(FIELD_BEGINNINGS) < _MOST_NAMES:
        FIELD_BEGINNINGS[bytes(name)] = found
    return found


SENDABLE_VALUES: set[bytes] = set()
"""Values that were sent before."""
_LONGEST_KEPT_BYTES = 256


def check_field_value(value: bytes) -> None:
    """Remember *value* as one that can be sent.

    Raises:
        RuntimeError: it cannot
    """
    if HEADER_VALUE_RE.search(value):
        raise RuntimeError("a header field of the answer cannot be sent")
    if len(value) <= _LONGEST_KEPT_BYTES:
        if len(SENDABLE_VALUES) >= _MOST_VALUES:
            SENDABLE_VALUES.clear()
        SENDABLE_VALUES.add(value)


def says_close(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether *fields* tell the client that the connection ends."""
    return any(
        name.lower() == b"connection" and b"close" in value.lower() for name, value in fields
    )
