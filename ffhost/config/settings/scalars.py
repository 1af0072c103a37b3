"""Single values as people write them: switches, durations, sizes, counts.

Each kind knows how to read a value, which error to report, and its JSON schema.
Numbers without a bound are infinite: ``unlimited`` becomes ``math.inf``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from ffhost.config.units import UNLIMITED, ByteSize, Duration

_NO_BREAK_SPACE = "\xa0"
_NO_BREAK_HINT = "remove the no-break space, which looks like a space"


class InvalidSetting(ValueError):
    """A value that is not valid; *hint* says what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class SecretSetting(str):
    """A string from ``from_file`` or ``from_env``, hidden in its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


def show_setting(value: Any) -> str:
    """Show *value* in a message: short, on one line, and never a secret."""
    if isinstance(value, SecretSetting):
        return "a secret"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class SettingKind:
    """A kind of scalar: how to read it, and its JSON schema.

    Pydantic finds it in an annotation and uses both.
    """

    def __init__(self, read: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.read = read
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(plain_setting)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


class MayBeSecretSetting:
    """Annotation of a text that may be written as ``{from_file: …}`` or ``{from_env: …}``."""


MAY_BE_SECRET = MayBeSecretSetting()


class NotEmptySetting:
    """Annotation of a list that must contain at least one item."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(source), "min_length": 1}


def plain_setting(value: Any) -> Any:
    """Return *value* as it would be written in the file."""
    if isinstance(value, Duration | ByteSize):
        return str(value)
    return "unlimited" if value == UNLIMITED else value


def _duration(*, zero: bool = False, unlimited: bool = False) -> SettingKind:
    expected = "expected a duration with its unit, such as '250ms', '10s' or '2m'"
    if unlimited:
        expected += ", or 'unlimited'"

    def read(value: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        if unlimited and value == "unlimited":
            return Duration(UNLIMITED)
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise InvalidSetting(f"{expected}, got {value!r}", f"write '{value}s' for seconds")
        try:
            duration = Duration.parse(value)
        except (ValueError, AttributeError):
            raise InvalidSetting(
                f"{expected}, got {show_setting(value)}", _hint_of_unit(value)
            ) from None
        if math.isinf(duration):
            raise InvalidSetting(
                "the duration is too large", "write 'unlimited'" if unlimited else None
            )
        if not duration and not zero:
            raise InvalidSetting(
                "must be longer than 0s", "write 'unlimited'" if unlimited else None
            )
        return duration

    nonzero = "" if zero else "(?=.*[1-9])"
    pattern = rf"{nonzero}\s*(\d+(\.\d+)?\s*(ms|s|m|h)\s*)+"
    return SettingKind(
        read,
        {
            "type": "string",
            "pattern": f"^({pattern}|unlimited)$" if unlimited else f"^{pattern}$",
        },
    )


def _hint_of_unit(value: Any) -> str | None:
    if isinstance(value, str) and _NO_BREAK_SPACE in value:
        return _NO_BREAK_HINT
    if isinstance(value, str) and re.fullmatch(r"\d+:\d\d(:\d\d)?", value):
        return "a time of day is not a duration: write '90s' or '1m'"
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return f"write '{value}s' for seconds"
    return None


def _hint_of_size(value: Any) -> str | None:
    if isinstance(value, str) and _NO_BREAK_SPACE in value:
        return _NO_BREAK_HINT
    match = re.fullmatch(
        r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG])\s*", value if isinstance(value, str) else ""
    )
    if match is None:
        return None
    unit = match[2].upper()
    return f"write '{match[1]}{unit}iB', or '{match[1]}{unit}B' for powers of 1000"


def _size(*, unlimited: bool = False) -> SettingKind:
    expected = "expected a size with its unit, such as '512KiB', '32MiB' or '10MB'"
    if unlimited:
        expected += ", or 'unlimited'"

    def read(value: Any) -> ByteSize | float:
        if isinstance(value, ByteSize):
            return value
        if unlimited and value in ("unlimited", UNLIMITED):
            return UNLIMITED
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise InvalidSetting(f"{expected}, got {value!r}", f"write '{value}B' for bytes")
        try:
            size = ByteSize.parse(value)
        except (ValueError, AttributeError):
            raise InvalidSetting(
                f"{expected}, got {show_setting(value)}", _hint_of_size(value)
            ) from None
        except OverflowError:
            raise InvalidSetting("the size is too large") from None
        if not size:
            raise InvalidSetting(
                "must be larger than 0B", "write 'unlimited'" if unlimited else None
            )
        return size

    pattern = r"\s*(?=[0-9.]*[1-9])\d+(\.\d+)?\s*(B|kB|KB|MB|GB|KiB|MiB|GiB|Ki|Mi|Gi)\s*"
    return SettingKind(
        read,
        {
            "type": "string",
            "pattern": f"^({pattern}|unlimited)$" if unlimited else f"^{pattern}$",
        },
    )


def _count(minimum: int, *, unlimited: bool = False, maximum: int | None = None) -> SettingKind:
    expected = "expected a whole number"
    if unlimited:
        expected += " or 'unlimited'"

    def read(value: Any) -> int | float:
        if unlimited and value in ("unlimited", UNLIMITED):
            return UNLIMITED
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidSetting(f"{expected}, got {show_setting(value)}", _hint_of_number(value))
        if value < minimum:
            word = "; write 'unlimited' for no limit" if unlimited and value == 0 else ""
            raise InvalidSetting(f"must be at least {minimum}, got {value}{word}")
        if maximum is not None and value > maximum:
            raise InvalidSetting(f"must be at most {maximum}, got {value}")
        return value

    number: dict[str, Any] = {"type": "integer", "minimum": minimum}
    if maximum is not None:
        number["maximum"] = maximum
    return SettingKind(read, {"anyOf": [number, {"const": "unlimited"}]} if unlimited else number)


def _hint_of_number(value: Any) -> str | None:
    if isinstance(value, str) and _NO_BREAK_SPACE in value:
        return _NO_BREAK_HINT
    if isinstance(value, str) and re.fullmatch(r"0\d+", value):
        return f"a leading zero could mean octal: write {value.lstrip('0') or '0'}"
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return "remove the quotes"
    if isinstance(value, str) and re.fullmatch(r"\d[\d_]*", value):
        return f"write {value.replace('_', '')}"
    return None


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    hint = None
    if isinstance(value, str):
        word = words.get(value.lower(), value.lower())
        hint = f"write {word}" if word in ("true", "false") else None
    raise InvalidSetting(f"expected true or false, got {show_setting(value)}", hint)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        scalar = isinstance(value, int | float)
        raise InvalidSetting(
            f"expected a string, got {show_setting(value)}", "quote it" if scalar else None
        )
    if not value.strip():
        raise InvalidSetting("must not be empty", "remove the key to get its default")
    if "\x00" in value:
        raise InvalidSetting("must not contain the character U+0000")
    return value


Text = Annotated[str, SettingKind(_read_text, {"type": "string", "minLength": 1})]
"""A string that is not empty."""
Boolean = Annotated[bool, SettingKind(_read_boolean, {"type": "boolean"})]
Span = Annotated[Duration, _duration()]
SpanOrZero = Annotated[Duration, _duration(zero=True)]
SpanOrUnlimited = Annotated[Duration, _duration(unlimited=True)]
Size = Annotated[ByteSize, _size()]
SizeOrUnlimited = Annotated[ByteSize | float, _size(unlimited=True)]
CountOrUnlimited = Annotated[int | float, _count(1, unlimited=True)]
Count = Annotated[int, _count(1)]
Whole = Annotated[int, _count(0)]
Port = Annotated[int, _count(0, maximum=65535)]
Status = Annotated[int, _count(100, maximum=599)]
