"""Definitions that several schemas of an OpenAPI document share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost.signatures.function_types import type_schema_with_references


def openapi_schema_reference(name: str) -> str:
    """Return the reference to the definition *name*."""
    return f"#/components/schemas/{name}"


class SharedOpenapiSchemas:
    """Collects the definitions of all functions. Equal ones are kept once.

    Attributes:
        definitions: by name, in the order in which they were added
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def add(self, schema: dict[str, Any], function: str) -> dict[str, Any]:
        """Return *schema*, which holds its definitions in ``$defs``, with references to ours."""
        return self.added(schema, schema, function)

    def added(self, part: dict[str, Any], whole: dict[str, Any], function: str) -> dict[str, Any]:
        """Return a *part* of the schema *whole* with references to our definitions."""
        names = self._names(whole.get("$defs", {}), function)
        rest = {key: value for key, value in part.items() if key != "$defs"}
        changed: dict[str, Any] = type_schema_with_references(
            rest, lambda name: openapi_schema_reference(names[name])
        )
        return changed

    def define(self, name: str, schema: dict[str, Any], function: str) -> str:
        """Add a definition and return its name, which differs if another schema has it."""
        if self.definitions.setdefault(name, schema) == schema:
            return name
        self.definitions[f"{name}_{function}"] = schema
        return f"{name}_{function}"

    def _names(self, definitions: dict[str, Any], function: str) -> dict[str, str]:
        """Add *definitions* and return the name that each has here."""
        names = {name: name for name in definitions}
        for taken in (names, {name: f"{name}_{function}" for name in definitions}):
            found = {
                taken[name]: type_schema_with_references(schema, _to(taken))
                for name, schema in definitions.items()
            }
            if all(self.definitions.get(key, schema) == schema for key, schema in found.items()):
                break
        self.definitions |= found
        return taken


def _to(names: dict[str, str]) -> Callable[[str], str]:
    return lambda name: openapi_schema_reference(names[name])
