"""Where ffhost answers otherwise than functions-framework on purpose: ``differences.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

from tests.compat.cases import HERE

FILE = HERE / "differences.yaml"
IN_A_FILE = HERE / "differences_in_a_file.yaml"
"""What is answered otherwise, beyond the others, by all functions at once in one file."""


@dataclass(frozen=True)
class Difference:
    """One difference: what it is, why, the requests that show it, and one for the page.

    ``at`` holds keys of requests; ``*`` stands for any text.
    """

    id: str
    title: str
    why: str
    example: str
    at: tuple[str, ...]

    def matches(self, key: str) -> bool:
        """Say whether it explains the request *key*."""
        return any(_matches(key, pattern) for pattern in self.at)


@dataclass(frozen=True)
class Surprise:
    """A difference that nobody lists, or a listed one that is none."""

    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


@cache
def read_differences(file: Path = FILE) -> tuple[Difference, ...]:
    """Read a list."""
    return tuple(
        Difference(name, each["title"], each["why"], each.get("example", ""), tuple(each["at"]))
        for name, each in yaml.safe_load(file.read_text()).items()
    )


def unexplained(
    differing: Sequence[str],
    keys: Sequence[str],
    differences: Sequence[Difference],
    *,
    partial: bool = False,
) -> list[Surprise]:
    """Compare what differs with what is listed; both must be the same.

    Args:
        differing: keys of the requests that are answered differently
        keys: all keys
        partial: whether only a part of the corpus was run
    """
    found: list[Surprise] = []
    for key in keys:
        listed = [each.id for each in differences if each.matches(key)]
        if key in differing and not listed:
            found.append(Surprise(key, "is answered differently"))
        elif key not in differing and listed:
            found.append(Surprise(key, f"is answered alike, but is listed at {listed[0]}"))
        elif len(listed) > 1:
            found.append(Surprise(key, f"is listed twice, at {' and '.join(listed)}"))
    if not partial:
        for each in differences:
            for pattern in each.at:
                if not any(_matches(key, pattern) for key in keys):
                    found.append(Surprise(pattern, f"of {each.id} is no request"))
    return found


def _matches(key: str, pattern: str) -> bool:
    # Brackets are part of a key, not a set of characters.
    return fnmatchcase(key.replace("[", "("), pattern.replace("[", "("))
