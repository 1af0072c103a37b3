"""The field Range: which bytes of a body a client wants (RFC 9110, section 14)."""

from __future__ import annotations

import re

_SPEC = re.compile(r"(\d*)\s*-\s*(\d*)", re.ASCII)
_RANGES_LIMIT = 100
"""More ranges are ignored, as the RFC advises: each costs more than it saves."""
_DIGITS_LIMIT = 19
"""Numbers with more digits are past the end of every file."""


class UnsatisfiableRange(Exception):
    """No part of the body is wanted: answer 416."""


def parse_ranges(text: str, size: int) -> list[tuple[int, int]]:
    """Return what is wanted of a body of *size* bytes: first byte, and the one after the last.

    Ranges that overlap or touch are one. An empty list means the whole body: the field has
    another unit or cannot be read, and is to be ignored.

    Raises:
        UnsatisfiableRange: all ranges lie behind the end
    """
    unit, _, specs = text.partition("=")
    parts = [part for part in map(str.strip, specs.split(",")) if part]
    if unit.strip().lower() != "bytes" or not 0 < len(parts) <= _RANGES_LIMIT:
        return []
    found = []
    for part in parts:
        match = _SPEC.fullmatch(part)
        if match is None or match[0] == "-":
            return []
        first, last = (each[: _DIGITS_LIMIT + 1] for each in match.groups())
        if first and last and int(last) < int(first):
            return []
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if start < end:
            found.append((start, end))
    if not found:
        raise UnsatisfiableRange
    return _merged(found)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ranges.sort()
    merged = [ranges[0]]
    for start, end in ranges[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
