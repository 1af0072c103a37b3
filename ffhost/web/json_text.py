"""The one reader of JSON that callers send, for requests, events and typed bodies, and its writer.

It reads what ``json.loads`` reads of bytes: a byte order mark is skipped, ``NaN`` is accepted,
and of equal keys the last one wins. orjson reads almost all bodies, several times as fast.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date, time
from typing import Any, Final

import orjson

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * 19
_ANY_KEYS: Final = (
    orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
)


def read_json(text: bytes | str) -> Any:
    """Read *text* as JSON.

    What orjson refuses is read again by Python's reader. orjson makes floats of whole numbers
    beyond 64 bits, so a body with that many digits in a row is read by Python's at once. The
    search is a byte translation, because a regular expression takes thirty times as long.

    Raises:
        ValueError: it is not JSON, or nested too deeply
    """
    try:
        # `find`, because `in` takes the number for an integer first, and raises an error within.
        if isinstance(text, bytes) and text.translate(_DIGITS).find(_LONG_NUMBER) < 0:
            try:
                return orjson.loads(text)
            except ValueError:
                pass
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_json(value: Any, stand_in: Callable[[Any], Any], options: int = 0) -> bytes:
    """Write *value* as JSON; keys of dictionaries may be numbers, dates and the like.

    Args:
        value: what is written
        stand_in: returns what is written for a value that orjson does not know, such as a time;
            raises `TypeError` for what cannot be written
        options: further options of orjson

    Raises:
        TypeError: it cannot be written

    Example:
        >>> write_json({time(0, 0, 0, 10000): [time(12)]}, time_as_json_text)
        b'{"00:00:00.010000":["12:00:00"]}'
    """
    try:
        return orjson.dumps(value, stand_in, options | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        # Most often for a key that is not a text. Times among keys do not come to *stand_in*.
        return orjson.dumps(
            _with_times_of_keys_as_text(value),
            lambda unknown: _with_times_of_keys_as_text(_fields_or(stand_in, unknown)),
            options | _ANY_KEYS,
        )


def _fields_or(stand_in: Callable[[Any], Any], value: Any) -> Any:
    """Return the fields that orjson writes of a dataclass, or what stands in for *value*."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return stand_in(value)
    names = [each.name for each in dataclasses.fields(value) if not each.name.startswith("_")]
    return {name: getattr(value, name) for name in names}


def _with_times_of_keys_as_text(value: Any) -> Any:
    try:
        if isinstance(value, dict):
            return {
                key.isoformat() if isinstance(key, time) else key: _with_times_of_keys_as_text(each)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [_with_times_of_keys_as_text(each) for each in value]
    except RecursionError:
        raise TypeError("nested too deeply") from None
    return value


def time_as_json_text(value: object) -> str:
    """Return a date or time as ``isoformat`` writes it; what orjson is to call for it.

    orjson 3.13 writes a time of day with 10,000 to 99,999 microseconds without its leading zero,
    which makes a hundredth of a second a tenth. `write_json` asks here.

    Raises:
        TypeError: *value* is something else

    Example:
        >>> time_as_json_text(time(0, 0, 0, 10000))
        '00:00:00.010000'
    """
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
