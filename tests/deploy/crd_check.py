"""Objects checked against Knative's CRDs, more strictly than a cluster does.

A cluster drops fields that a schema does not know, unseen, or keeps them without a look where
it says ``x-kubernetes-preserve-unknown-fields``. Here each of them is an error, except in
mappings that have no known fields at all, and for ``delivery.timeout``, which Knative keeps as
an experimental feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.fast_yaml import read_all

FOLDER = Path(__file__).parent / "crds"
KEPT = {("spec", "delivery", "timeout")}
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


@cache
def schemas() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the schema of each kind, by group with version, and kind."""
    found = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for document in read_all(file.read_text()):
            spec = document["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = version["schema"]["openAPIV3Schema"]
    return found


def faults(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with an object of a kind that there is a CRD of."""
    schema = schemas()[document["apiVersion"], document["kind"]]
    return list(_faults(document["spec"], schema["properties"]["spec"], ("spec",)))


def _faults(value: Any, schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if type(value) is not TYPES[schema["type"]]:
        yield f"{'.'.join(path)}: expected {schema['type']}, got {value!r}"
        return
    if schema["type"] == "array":
        for index, each in enumerate(value):
            yield from _faults(each, schema["items"], (*path, str(index)))
    properties = schema.get("properties")
    if schema["type"] != "object" or properties is None:
        return
    for name, each in value.items():
        if name in properties:
            yield from _faults(each, properties[name], (*path, name))
        elif (*path, name) not in KEPT:
            yield f"{'.'.join((*path, name))}: unknown field"
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{'.'.join((*path, name))}: missing"
