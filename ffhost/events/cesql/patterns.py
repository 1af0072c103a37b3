"""The patterns of LIKE (section 3.4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_PART: Final = re.compile(r"\\([%_])|([%_])|([^%_\\]+|\\)")


class _Run(NamedTuple):
    """What stands between two ``%``: an expression that matches exactly ``width`` characters."""

    expression: re.Pattern[str]
    width: int


def compile_like_pattern(pattern: str) -> Callable[[str], bool]:
    """Compose the test whether a text matches a LIKE pattern.

    Each run is searched for from left to right, from where the last one ended. One regular
    expression for the whole pattern could take exponential time.
    """
    first, *rest = _runs_of(pattern)
    if not rest:
        return lambda text: first.expression.fullmatch(text) is not None
    *middle, last = rest

    def matches(text: str) -> bool:
        found = first.expression.match(text)
        for run in middle:
            found = found and run.expression.search(text, found.end())
        start = len(text) - last.width
        return bool(
            found and found.end() <= start and last.expression.fullmatch(text, start) is not None
        )

    return matches


def _runs_of(pattern: str) -> list[_Run]:
    runs: list[tuple[str, int]] = [("", 0)]
    for escaped, wildcard, plain in _PART.findall(pattern):
        if wildcard == "%":
            runs.append(("", 0))
            continue
        text, width = runs[-1]
        part = escaped or plain
        runs[-1] = (text + (re.escape(part) or "."), width + len(part or wildcard))
    return [_Run(re.compile(text, re.DOTALL), width) for text, width in runs]
