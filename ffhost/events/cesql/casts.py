"""Casts between the three types of CESQL (section 3.7)."""

from __future__ import annotations

import re
from typing import Any, Final

from ffhost.events.cesql.faults import ZEROS, CesqlError, Value

LOWEST: Final = -(2**31)
HIGHEST: Final = 2**31 - 1

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_NAMES: Final = {bool: "Boolean", int: "Integer", str: "String"}


def cast_cesql_value(value: Value, target: type) -> Any:
    """Return *value* as *target*, which is ``bool``, ``int`` or ``str``.

    Raises:
        CesqlError: kind ``cast``; a text is neither a boolean nor a 32-bit integer.
    """
    if type(value) is target:
        return value
    if target is str:
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        return target(value)
    if target is bool and (word := value.lower()) in ("true", "false"):
        return word == "true"
    if target is int and _INTEGER.fullmatch(value) and is_cesql_integer(number := int(value)):
        return number
    raise CesqlError("cast", f"cannot cast the String {value!r} to {_NAMES[target]}", ZEROS[target])


def is_cesql_integer(number: int) -> bool:
    """Whether *number* is an integer of 32 bits."""
    return LOWEST <= number <= HIGHEST


def cesql_attribute_value(value: object) -> Value:
    """Return an attribute of an event as CESQL sees it.

    Booleans and 32-bit integers stay what they are; everything else is text (section 3.2).
    """
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int) and is_cesql_integer(value):
        return value
    return str(value)
