"""The one reader of JSON that callers send, for requests, events and typed bodies.

It reads what ``json.loads`` reads of bytes: a byte order mark is skipped, ``NaN`` is accepted,
and of equal keys the last one wins. orjson reads almost all bodies, several times as fast.
"""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any, Final

import orjson

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * 19


def read_json(text: bytes | str) -> Any:
    """Read *text* as JSON.

    What orjson refuses is read again by Python's reader. orjson makes floats of whole numbers
    beyond 64 bits, so a body with that many digits in a row is read by Python's at once. The
    search is a byte translation, because a regular expression takes thirty times as long.

    Raises:
        ValueError: it is not JSON, or nested too deeply
    """
    try:
        if isinstance(text, bytes) and _LONG_NUMBER not in text.translate(_DIGITS):
            try:
                return orjson.loads(text)
            except ValueError:
                pass
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def time_as_json_text(value: object) -> str:
    """Return a date or time as ``isoformat`` writes it; what orjson is to call for it.

    orjson 3.13 writes a time of day with 10,000 to 99,999 microseconds without its leading zero,
    which makes a hundredth of a second a tenth. With ``OPT_PASSTHROUGH_DATETIME`` it asks here.

    Raises:
        TypeError: *value* is something else

    Example:
        >>> time_as_json_text(time(0, 0, 0, 10000))
        '00:00:00.010000'
    """
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
