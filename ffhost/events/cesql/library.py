"""The built-in functions of CESQL (sections 3.5.1 to 3.5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from ffhost.events.cesql.casts import HIGHEST, LOWEST
from ffhost.events.cesql.faults import CesqlError, Value

# Unicode's White_Space; str.strip() would take four control characters as well.
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)


class CesqlFunction(NamedTuple):
    """A function: the types of its parameters, of further arguments, and of its result."""

    call: Callable[..., Value]
    parameters: Sequence[type]
    result: type
    rest: type | None = None

    def types_of(self, count: int) -> Sequence[type] | None:
        """Return the types of *count* arguments; None if it does not take that many."""
        missing = count - len(self.parameters)
        if missing == 0 or (missing > 0 and self.rest is not None):
            return [*self.parameters, *[self.rest or str] * missing]
        return None


def find_cesql_function(name: str, count: int) -> CesqlFunction | None:
    """Return the function *name* (upper case) that takes *count* arguments."""
    return next(
        (each for each in _BUILTINS.get(name, ()) if each.types_of(count) is not None), None
    )


def is_cesql_function(name: str) -> bool:
    """Whether any function has this name (upper case)."""
    return name in _BUILTINS


def _absolute(number: int) -> int:
    if number == LOWEST:
        raise CesqlError("math", f"ABS({LOWEST}) does not fit into 32 bits", HIGHEST)
    return abs(number)


def _left(text: str, count: int) -> str:
    return text[: _checked(text, count, "LEFT")]


def _right(text: str, count: int) -> str:
    return text[max(len(text) - _checked(text, count, "RIGHT"), 0) :]


def _checked(text: str, count: int, name: str) -> int:
    if count < 0:
        raise CesqlError("functionEvaluation", f"{name} of {count} characters", text)
    return count


def _substring(text: str, position: int, length: int | None = None) -> str:
    if abs(position) > len(text):
        raise CesqlError("functionEvaluation", f"SUBSTRING from {position} of {text!r}", "")
    if length is not None and length < 0:
        raise CesqlError("functionEvaluation", f"SUBSTRING of {length} characters", "")
    if position == 0:
        return ""
    start = position - 1 if position > 0 else len(text) + position
    return text[start:] if length is None else text[start : start + length]


def _identity(value: Any) -> Any:
    return value


_BUILTINS: Final[dict[str, tuple[CesqlFunction, ...]]] = {
    "ABS": (CesqlFunction(_absolute, [int], int),),
    "LENGTH": (CesqlFunction(len, [str], int),),
    "CONCAT": (CesqlFunction(lambda *texts: "".join(texts), [], str, str),),
    "CONCAT_WS": (CesqlFunction(lambda glue, *texts: glue.join(texts), [str], str, str),),
    "LOWER": (CesqlFunction(str.lower, [str], str),),
    "UPPER": (CesqlFunction(str.upper, [str], str),),
    "TRIM": (CesqlFunction(lambda text: text.strip(_SPACE), [str], str),),
    "LEFT": (CesqlFunction(_left, [str, int], str),),
    "RIGHT": (CesqlFunction(_right, [str, int], str),),
    "SUBSTRING": (
        CesqlFunction(_substring, [str, int], str),
        CesqlFunction(_substring, [str, int, int], str),
    ),
    "INT": (CesqlFunction(_identity, [int], int),),
    "BOOL": (CesqlFunction(_identity, [bool], bool),),
    "STRING": (CesqlFunction(_identity, [str], str),),
}
