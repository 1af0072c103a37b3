"""Durations and sizes with units. Nothing here knows pydantic or YAML."""

from __future__ import annotations

import math
import re

_SPACES = " \t"
"""What may stand in a value; a no-break space may not, because nobody could see it."""
_PART = re.compile(rf"(\d+(?:\.\d+)?)[{_SPACES}]*(ms|s|m|h)[{_SPACES}]*")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(rf"(\d+(?:\.\d+)?)[{_SPACES}]*(B|kB|KB|MB|GB|KiB|MiB|GiB|Ki|Mi|Gi)")
_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
}

UNLIMITED = math.inf
"""The value of ``unlimited``: larger than every finite number."""


class Duration(float):
    """A span of time in seconds; infinite if ``unlimited``."""

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``250ms``, ``10s``, ``2m``, ``1h`` or ``1m30s``, the largest unit first.

        Raises:
            ValueError: the text has another form; the message is meant for users.
        """
        text = text.strip(f"{_SPACES}\r\n")
        parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
        sizes = [_SECONDS[unit] for _, unit in parts]
        if not parts or sizes != sorted(set(sizes), reverse=True):
            raise ValueError("expected a duration with its unit, such as '250ms', '10s' or '2m'")
        seconds = math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)
        if math.isinf(seconds):
            raise ValueError("expected a duration, or 'unlimited'; this number is too large")
        return cls(seconds)

    def __str__(self) -> str:
        """Write the duration as `parse` reads it, in the largest unit without a fraction."""
        if math.isinf(self):
            return "unlimited"
        milliseconds = round(float(self) * 1000, 6)
        for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
            if milliseconds and milliseconds % size == 0:
                return f"{milliseconds / size:.0f}{unit}"
        text = f"{milliseconds:.6f}".rstrip("0").rstrip(".")
        return f"{text}ms" if milliseconds else "0s"

    def __repr__(self) -> str:
        return f"Duration('{self}')"


class ByteSize(int):
    """A number of bytes."""

    @classmethod
    def parse(cls, text: str) -> ByteSize:
        """Read ``512B``, ``10MB``, ``32MiB``, ``32Mi`` and the like.

        Raises:
            ValueError: the text has another form; the message is meant for users.
        """
        match = _SIZE.fullmatch(text.strip(f"{_SPACES}\r\n"))
        if match is None:
            raise ValueError("expected a size with its unit, such as '512KiB', '32MiB' or '10MB'")
        size = float(match[1]) * _BYTES[match[2]]
        if math.isinf(size):
            raise ValueError("expected a size; this number is too large")
        return cls(size)

    def __str__(self) -> str:
        """Write the size as `parse` reads it, in the largest unit without a fraction."""
        for unit in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
            if self and self % _BYTES[unit] == 0:
                return f"{int(self) // _BYTES[unit]}{unit}"
        return f"{int(self)}B"

    def __repr__(self) -> str:
        return f"ByteSize('{self}')"
