"""The cases of CESQL's conformance tests, as they stand in the folder ``cesql_tck``.

``further.yaml`` holds cases of the same form: what the specification says and the kit of the
seven other files does not try. An expression is read as text: YAML would make a boolean of
``True`` and a number of ``-10``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.fast_yaml import BaseLoader, SafeLoader

FOLDER = Path(__file__).parent / "cesql_tck"
EVENT = {"specversion": "1.0", "id": "an-id", "source": "/a/source", "type": "a.type"}


class Case(NamedTuple):
    name: str
    expression: str
    event: dict[str, Any]
    result: Any
    error: str | None


class _Loader(SafeLoader):  # type: ignore[misc]
    """Reads times as text, which they are in an event."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def kit_cases() -> list[Case]:
    return [case for file in sorted(FOLDER.glob("*.yaml")) for case in _cases(file)]


def _cases(file: Path) -> list[Case]:
    typed = yaml.load(file.read_text(), _Loader)["tests"]
    texts = yaml.load(file.read_text(), BaseLoader)["tests"]
    return [
        Case(
            f"{file.stem}: {each['name']}",
            text["expression"],
            each.get("event") or {**EVENT, **each.get("eventOverrides", {})},
            each.get("result"),
            each.get("error"),
        )
        for each, text in zip(typed, texts, strict=True)
    ]
