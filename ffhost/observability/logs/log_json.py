"""A JSON encoder for any Python value, which never raises.

Most entries hold plain values and take one call of orjson. A value that orjson refuses
(a lone surrogate, an integer of more than 64 bits, a structure that contains itself, an
object whose ``__repr__`` raises) makes its entry be encoded again, value by value, which is slower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import orjson

from ffhost.web.json_text import time_as_json_text, write_json

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_UTC_Z
_DEEPEST = 40
_LINE_ENDS = tuple((chr(n).encode(), b"\\u%04x" % n) for n in (0x85, 0x2028, 0x2029))
# Recognised by name: importing these modules for a rare value would slow down every start.
_BEST_AS_TEXT = frozenset({"decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"})
_INTEGERS = range(-(2**63), 2**64)

# What user code may raise from __repr__ and friends. Not KeyboardInterrupt and not the
# exception that ends a call at its deadline: those are meant for the call.
_FAILURES = (Exception, SystemExit)


def log_value_as_json(value: Mapping[str, Any]) -> bytes:
    """Render any *value* as one line of JSON."""
    try:
        rendered = write_json(value, log_value_stand_in, orjson.OPT_UTC_Z)
    except _FAILURES:
        rendered = orjson.dumps(plain_log_value(value), option=_OPTIONS)
    return rendered if rendered.isascii() else log_text_on_one_line(rendered)


def log_text_on_one_line(rendered: bytes) -> bytes:
    """Escape characters that end a line in Unicode, but not in JSON.

    Readers that follow Unicode, such as ``str.splitlines``, would see two lines.
    """
    for character, escape in _LINE_ENDS:
        rendered = rendered.replace(character, escape)
    return rendered


def log_value_stand_in(value: Any) -> Any:
    """Return a simpler value in place of *value*, which JSON cannot represent."""
    try:
        return _stand_in(value, type(value))
    except _FAILURES:
        return log_value_repr(value)


def _stand_in(value: Any, kind: type) -> Any:
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return _digits(int(value))
    if issubclass(kind, date | time):
        return _time(value)
    if issubclass(kind, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if issubclass(kind, set | frozenset):
        return _ordered(list(value))
    if issubclass(kind, BaseException):
        text = log_value_as_text(value)
        return f"{kind.__name__}: {text}" if text else kind.__name__
    if kind.__module__.partition(".")[0] in _BEST_AS_TEXT:  # Python 3.13: pathlib._local
        return str(value)
    if issubclass(kind, type | FunctionType | BuiltinFunctionType | MethodType):
        return f"{value.__module__}.{value.__qualname__}"
    if issubclass(kind, ModuleType):
        return value.__name__
    if issubclass(kind, Mapping):
        return dict(value)
    if callable(getattr(kind, "__structlog__", None)):
        return value.__structlog__()
    if callable(getattr(kind, "model_dump", None)):  # pydantic, without importing it
        return value.model_dump(mode="json")
    return log_value_repr(value)


def _time(value: date | time) -> str:
    text = time_as_json_text(value)
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def log_value_repr(value: Any) -> str:
    """Return ``repr(value)``, or say that it failed."""
    try:
        return str.__str__(repr(value))
    except _FAILURES as error:
        return f"<{_type_name(value)} object, its repr raised {_type_name(error)}>"


def log_value_as_text(value: Any) -> str:
    """Return ``str(value)``, or say that it failed."""
    try:
        return str.__str__(str(value))
    except _FAILURES as error:
        return f"<{_type_name(value)} object, its str raised {_type_name(error)}>"


def plain_log_value(value: Any, *, _above: tuple[int, ...] = ()) -> Any:
    """Copy *value* into dicts, lists, strings and numbers that JSON can hold."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    try:
        if issubclass(kind, Enum):
            value, kind = value.value, type(value.value)
        if issubclass(kind, str):
            return clean_log_text(str.__str__(value))
        if issubclass(kind, bool):
            return bool(value)
        if issubclass(kind, int):
            return int(value) if int(value) in _INTEGERS else _digits(int(value))
        if issubclass(kind, float):
            return float(value) if math.isfinite(value) else None
        if issubclass(kind, date | time):
            return _time(value)
        if id(value) in _above or len(_above) > _DEEPEST:
            return "..."
        above = (*_above, id(value))
        if issubclass(kind, dict):
            return {
                _key(key): plain_log_value(item, _above=above) for key, item in list(value.items())
            }
        if issubclass(kind, list | tuple):
            return [plain_log_value(item, _above=above) for item in list(value)]
        names = getattr(kind, "__dataclass_fields__", None)
        if type(names) is dict:
            shown_names = [name for name in names if not name.startswith("_")]
            return {
                name: plain_log_value(getattr(value, name), _above=above) for name in shown_names
            }
        return plain_log_value(log_value_stand_in(value), _above=above)
    except _FAILURES:
        return clean_log_text(log_value_repr(value))


def clean_log_text(text: str) -> str:
    r"""Write lone surrogates, which UTF-8 cannot hold, as ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _key(key: Any) -> str:
    if type(key) is str:
        return clean_log_text(key)
    simple = plain_log_value(key, _above=(0,) * _DEEPEST)
    return simple if type(simple) is str else orjson.dumps(simple).decode()


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # longer than sys.get_int_max_str_digits()
        return hex(number)


def _ordered(items: list[Any]) -> list[Any]:
    try:
        return sorted(items)
    except _FAILURES:
        return items


def _type_name(value: Any) -> str:
    try:
        return str.__str__(type(value).__qualname__)
    except _FAILURES:
        return "unknown"
