"""How many bytes plain values can have as JSON, and whether they are equal after reading it.

Each function takes all values of one field, and looks at them without a call of Python for each.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

Column: TypeAlias = Callable[[Sequence[Any]], int]
"""Returns how many bytes all the values can have; raises `Unfit`."""

ESCAPED: Final = 6
"""Most bytes of a character in JSON."""
QUOTES: Final = 4
"""Bytes beside the characters of a text: its quotes, and a comma or colon."""


class Unsafe(Exception):
    """Values of a type can be changed, or need not be equal after writing and reading."""


class Unfit(Exception):
    """A value is not exactly what its type declares, or cannot be written as JSON."""


def check_exact(values: Sequence[Any], kind: type) -> None:
    """Raise `Unfit` unless all *values* are of the class *kind* itself."""
    if set(map(type, values)) != {kind}:
        raise Unfit


def sequences(kind: type, column: Column) -> Column:
    """Return what measures tuples or frozen sets, *kind*, of what *column* measures."""

    def measure(values: Sequence[Any]) -> int:
        check_exact(values, kind)
        inner = tuple(chain.from_iterable(values))
        return 3 * len(values) + (column(inner) if inner else 0)

    return measure


def chosen(columns: dict[Any, Column], value: Any) -> int:
    """Return how many bytes *value* can have, by what measures its class."""
    column = columns.get(value.__class__)
    if column is None:
        raise Unfit
    return column((value,))


def choices(arguments: tuple[Any, ...]) -> Column:
    """Return what measures values that are one of *arguments*.

    Raises:
        Unsafe: these are not plain
    """
    if not {type(each) for each in arguments} <= {str, int, bool, NoneType}:
        raise Unsafe
    allowed = {(type(each), each) for each in arguments}
    longest = max(_text_bytes(each) for each in arguments)

    def measure(values: Sequence[Any]) -> int:
        if not {str, int, bool, NoneType}.issuperset(map(type, values)):
            raise Unfit
        if not allowed.issuperset((type(each), each) for each in values):
            raise Unfit
        return longest * len(values)

    return measure


def members(kind: type[enum.Enum]) -> Column:
    """Return what measures members of *kind*.

    Raises:
        Unsafe: they are not found again by their values
    """
    all_of_them = list(kind)
    if issubclass(kind, enum.Flag) or hasattr(kind, "__get_pydantic_core_schema__"):
        raise Unsafe
    for each in all_of_them:
        mixed = isinstance(each, str | int)
        if type(each.value) not in (str, int) or (mixed and each != each.value):
            raise Unsafe
    longest = max((_text_bytes(each.value) for each in all_of_them), default=0)

    def measure(values: Sequence[Any]) -> int:
        check_exact(values, kind)
        return longest * len(values)

    return measure


def _text_bytes(value: Any) -> int:
    """Return how many bytes a value can have; a text must be Unicode, a number have 64 bits."""
    try:
        return chosen(PLAIN, value)
    except (Unfit, UnicodeError) as error:
        raise Unsafe from error


def _texts(values: Sequence[Any]) -> int:
    check_exact(values, str)
    if not all(map(str.isascii, values)):
        "".join(values).encode()
    return ESCAPED * sum(map(len, values)) + QUOTES * len(values)


def _numbers(values: Sequence[Any]) -> int:
    check_exact(values, int)
    if min(values) < -(2**63) or max(values) >= 2**63:
        raise Unfit
    return 21 * len(values)


def _floats(values: Sequence[Any]) -> int:
    check_exact(values, float)
    if not all(map(math.isfinite, values)):
        raise Unfit
    return 26 * len(values)


def _truths(values: Sequence[Any]) -> int:
    check_exact(values, bool)
    return 6 * len(values)


def _nothings(values: Sequence[Any]) -> int:
    check_exact(values, NoneType)
    return 5 * len(values)


def _byte_strings(values: Sequence[Any]) -> int:
    check_exact(values, bytes)
    for value in values:
        value.decode()
    return ESCAPED * sum(map(len, values)) + QUOTES * len(values)


def _moments(values: Sequence[Any]) -> int:
    check_exact(values, datetime)
    if any(each.tzinfo not in (None, UTC) or each.fold for each in values):
        raise Unfit
    return 40 * len(values)


def _dates(values: Sequence[Any]) -> int:
    check_exact(values, date)
    return 16 * len(values)


def _times(values: Sequence[Any]) -> int:
    check_exact(values, time)
    if any(each.tzinfo is not None or each.fold for each in values):
        raise Unfit
    return 24 * len(values)


def _decimals(values: Sequence[Any]) -> int:
    check_exact(values, Decimal)
    if not all(map(Decimal.is_finite, values)):
        raise Unfit
    return sum(len(str(each)) + QUOTES for each in values)


def _identifiers(values: Sequence[Any]) -> int:
    check_exact(values, UUID)
    return 40 * len(values)


PLAIN: Final[dict[Any, Column]] = {
    str: _texts,
    int: _numbers,
    float: _floats,
    bool: _truths,
    NoneType: _nothings,
    bytes: _byte_strings,
    datetime: _moments,
    date: _dates,
    time: _times,
    Decimal: _decimals,
    UUID: _identifiers,
}
