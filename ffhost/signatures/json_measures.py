"""How many bytes plain values can have as JSON, and whether they are equal after reading it."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

Part: TypeAlias = Callable[[Any], int]
"""Returns how many bytes a part of a value can have; raises `UnfitTypedValue`."""

ESCAPED: Final = 6
"""Most bytes of a character in JSON."""
QUOTES: Final = 4
"""Bytes beside the characters of a text: its quotes, and a comma or colon."""


class UnsafeValueType(Exception):
    """Values of a type can be changed, or need not be equal after writing and reading."""


class UnfitTypedValue(Exception):
    """A value is not exactly what its type declares, or cannot be written as JSON."""


def measure_typed_union(parts: dict[Any, Part]) -> Part:
    """Return what measures a value by its class."""

    def measure(value: Any) -> int:
        part = parts.get(value.__class__)
        if part is None:
            raise UnfitTypedValue
        return part(value)

    return measure


def measure_typed_choices(arguments: tuple[Any, ...]) -> Part:
    """Return what measures a value that is one of *arguments*.

    Raises:
        Unsafe: these are not plain
    """
    longest = max(map(_constant, arguments))
    allowed = {(type(each), each) for each in arguments}

    def measure(value: Any) -> int:
        if value.__class__ not in _CONSTANTS or (value.__class__, value) not in allowed:
            raise UnfitTypedValue
        return longest

    return measure


def measure_typed_members(kind: type[enum.Enum]) -> Part:
    """Return what measures members of *kind*.

    Raises:
        Unsafe: they are not found again by their values
    """
    if issubclass(kind, enum.Flag) or hasattr(kind, "__get_pydantic_core_schema__"):
        raise UnsafeValueType
    for each in kind:
        mixed = isinstance(each, str | int)
        if type(each.value) not in (str, int) or (mixed and each != each.value):
            raise UnsafeValueType
    longest = max((_constant(each.value) for each in kind), default=0)

    def measure(value: Any) -> int:
        if value.__class__ is not kind:
            raise UnfitTypedValue
        return longest

    return measure


def _constant(value: Any) -> int:
    """Return how many bytes a value of a type has; a text is Unicode, a number has 64 bits."""
    if value.__class__ not in _CONSTANTS:
        raise UnsafeValueType
    try:
        return PLAIN[value.__class__](value)
    except (UnfitTypedValue, UnicodeError) as error:
        raise UnsafeValueType from error


def _text(value: Any) -> int:
    if value.__class__ is not str:
        raise UnfitTypedValue
    if not value.isascii():
        value.encode()
    return ESCAPED * len(value) + QUOTES


def _texts(values: Sequence[Any]) -> int:
    if set(map(type, values)) != {str}:
        raise UnfitTypedValue
    if not all(map(str.isascii, values)):
        "".join(values).encode()
    return ESCAPED * sum(map(len, values)) + QUOTES * len(values)


def _number(value: Any) -> int:
    if value.__class__ is not int or not -(2**63) <= value < 2**63:
        raise UnfitTypedValue
    return 21


def _numbers(values: Sequence[Any]) -> int:
    if set(map(type, values)) != {int} or min(values) < -(2**63) or max(values) >= 2**63:
        raise UnfitTypedValue
    return 21 * len(values)


def _float(value: Any) -> int:
    if value.__class__ is not float or not math.isfinite(value):
        raise UnfitTypedValue
    return 26


def _floats(values: Sequence[Any]) -> int:
    if set(map(type, values)) != {float} or not all(map(math.isfinite, values)):
        raise UnfitTypedValue
    return 26 * len(values)


def _truth(value: Any) -> int:
    if value.__class__ is not bool:
        raise UnfitTypedValue
    return 6


def _nothing(value: Any) -> int:
    if value is not None:
        raise UnfitTypedValue
    return 5


def _byte_string(value: Any) -> int:
    if value.__class__ is not bytes:
        raise UnfitTypedValue
    value.decode()
    return ESCAPED * len(value) + QUOTES


def _moment(value: Any) -> int:
    if value.__class__ is not datetime or value.tzinfo not in (None, UTC) or value.fold:
        raise UnfitTypedValue
    return 40


def _day(value: Any) -> int:
    if value.__class__ is not date:
        raise UnfitTypedValue
    return 16


def _clock(value: Any) -> int:
    if value.__class__ is not time or value.tzinfo is not None or value.fold:
        raise UnfitTypedValue
    return 24


def _decimal(value: Any) -> int:
    if value.__class__ is not Decimal or not value.is_finite():
        raise UnfitTypedValue
    return len(str(value)) + QUOTES


def _identifier(value: Any) -> int:
    if value.__class__ is not UUID:
        raise UnfitTypedValue
    return 40


PLAIN: Final[dict[Any, Part]] = {
    str: _text,
    int: _number,
    float: _float,
    bool: _truth,
    NoneType: _nothing,
    bytes: _byte_string,
    datetime: _moment,
    date: _day,
    time: _clock,
    Decimal: _decimal,
    UUID: _identifier,
}
TOGETHER: Final[dict[Any, Part]] = {str: _texts, int: _numbers, float: _floats}
"""What measures many values without a call of Python for each."""
_CONSTANTS: Final = frozenset({str, int, bool, NoneType})
