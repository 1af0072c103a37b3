"""JSON of what functions return, in exactly the bytes of Flask's ``jsonify``.

Keys sorted, compact, ASCII only, a line break at the end: functions that move here from
functions-framework answer what they answered before. That is Python's own C encoder, made
once; orjson is faster (0.2 instead of 0.9 microseconds for three fields) but writes small
and large floats and non-ASCII text differently.
"""

from __future__ import annotations

import dataclasses
import json.encoder
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from ffhost.web.responses import http_date


def dump_flask_json(value: Any) -> bytes:
    """Write *value*.

    Raises:
        TypeError, ValueError: the value, or something in it, has no JSON
    """
    try:
        text = "".join(_encode(value, 0))
    except RecursionError as error:
        raise ValueError("it contains itself, or is nested too deeply") from error
    return (text + "\n").encode()


def plain_flask_value(value: Any) -> Any:
    """Return what JSON has for *value*; beyond Flask's list also models and mappings."""
    from decimal import Decimal  # rare, and two milliseconds of every start
    from uuid import UUID

    if isinstance(value, datetime):
        return http_date(value)
    if isinstance(value, date):
        return http_date(datetime.combine(value, time()))
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    if is_pydantic_model(type(value)):
        return value.model_dump(mode="json", by_alias=encodes_by_alias(type(value)))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def is_pydantic_model(kind: type) -> bool:
    """Whether *kind* is a pydantic model, without importing pydantic."""
    return hasattr(kind, "__pydantic_serializer__") and hasattr(kind, "model_dump_json")


def encodes_by_alias(model: Any) -> bool:
    """Whether a pydantic model is answered with its aliases: as FastAPI does, unless it refuses.

    ``serialize_by_alias=False`` in its configuration refuses.
    """
    return getattr(model, "model_config", {}).get("serialize_by_alias") is not False


def make_flask_json_encoder(default: Callable[[Any], Any]) -> Callable[[Any, int], Any]:
    """Return what encodes a value as Flask does; *default* says what other objects become."""
    compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=default)
    c_make_encoder = getattr(json.encoder, "c_make_encoder", None)
    if c_make_encoder is None:  # not on CPython
        return lambda value, _level: compact.iterencode(value)
    # What JSONEncoder.iterencode does for every call, done once. Without markers a value
    # that contains itself ends as a RecursionError.
    encoder: Callable[[Any, int], Any] = c_make_encoder(
        None,
        default,
        json.encoder.encode_basestring_ascii,
        None,
        compact.key_separator,
        compact.item_separator,
        True,
        False,
        True,
    )
    return encoder


_encode = make_flask_json_encoder(plain_flask_value)
