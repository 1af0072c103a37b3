"""Write pip constraints for ``make oldest``: the lowest versions that pyproject.toml allows.

They are those of our dependencies and of the extras in ``all``. What only developers need stays
at the versions of constraints.txt. Everything else, such as what a library of ours needs in turn,
is left to pip.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOR_DEVELOPERS = ("dev", "agents", "docs", "cluster")
NOT_IN_ALL = ("firebase", *FOR_DEVELOPERS)


def constraints(project: dict[str, Any], pinned: str) -> list[str]:
    """Return the lines of a constraints file.

    Args:
        project: the table ``project`` of pyproject.toml
        pinned: the text of constraints.txt
    """
    lowest = dict(_lowest(project))
    tools = {*map(_name, _of_extras(project, FOR_DEVELOPERS))} - lowest.keys()
    kept = [line for line in pinned.splitlines() if _name(line) in tools]
    return [*(f"{name}=={version}" for name, version in sorted(lowest.items())), *kept]


def _lowest(project: dict[str, Any]) -> Iterator[tuple[str, str]]:
    extras = project["optional-dependencies"].keys() - NOT_IN_ALL
    for requirement in [*project["dependencies"], *_of_extras(project, extras)]:
        bound = re.search(r">=\s*([\w.]+)", requirement)
        if bound is not None:
            yield _name(requirement), bound[1]


def _of_extras(project: dict[str, Any], extras: Iterable[str]) -> list[str]:
    return [each for extra in extras for each in project["optional-dependencies"][extra]]


def _name(requirement: str) -> str:
    name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    text = (ROOT / "pyproject.toml").read_text()
    pinned = (ROOT / "constraints.txt").read_text()
    print("\n".join(constraints(tomllib.loads(text)["project"], pinned)))
