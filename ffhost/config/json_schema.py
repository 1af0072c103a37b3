"""The JSON schema of ``functions.yaml``, generated from the models (draft 2020-12).

An editor sees the file before references are replaced. So ``${NAME}`` is allowed wherever a
value is not free text. Keys that begin with ``x-`` may have any value.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, fields
from inspect import cleandoc
from typing import Any, ClassVar

from pydantic.json_schema import GenerateJsonSchema

from ffhost.config.settings import NAME_PATTERN, SettingsSection, plain_setting, setting_key_of
from ffhost.config.validation import settings_adapter

ID = "urn:ffhost:functions:1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE = {"type": "string", "pattern": r"\$\{"}
_NOTES = ("title", "description", "default", "examples")

_FUNCTION_RULES: list[dict[str, Any]] = [
    {
        "$comment": "an isolated function is limited by its processes, not by concurrency",
        "not": {"required": ["processes", "concurrency"]},
    },
    {
        "$comment": "the file or module is named in one place",
        "if": {"required": ["source"]},
        "then": {"properties": {"target": {"pattern": r"^[^:]+$|\$\{"}}},
        "else": {"properties": {"target": {"pattern": r":|\$\{"}}},
    },
]
_EXAMPLE_RULES: list[dict[str, Any]] = [
    {
        "$comment": "an example needs either a request or an event",
        "oneOf": [{"required": ["request"]}, {"required": ["event"]}],
    }
]
_MESSAGE_RULES: list[dict[str, Any]] = [
    {
        "$comment": "a message has a body or json",
        "not": {"required": ["body", "json"]},
    }
]
_WAY_RULES: list[dict[str, Any]] = [
    {
        "$comment": "a way has one of the three",
        "oneOf": [{"required": [kind]} for kind in ("jwt", "keys", "webhook")],
    }
]
_RULES = {
    "WaySettings": _WAY_RULES,
    "FunctionSettings": _FUNCTION_RULES,
    "ExampleSettings": _EXAMPLE_RULES,
    "ExampleRequest": _MESSAGE_RULES,
    "ExampleResponse": _MESSAGE_RULES,
}
_FILTER_REFERENCE = {"$ref": "#/$defs/Filter"}
_ATTRIBUTES = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[a-z0-9]+$"},
    "additionalProperties": {"type": "string", "minLength": 1},
}
_FILTERS = {"type": "array", "minItems": 1, "items": _FILTER_REFERENCE}
_DIALECTS: dict[str, dict[str, Any]] = {
    "exact": {**_ATTRIBUTES, "description": "Attributes that equal the values."},
    "prefix": {**_ATTRIBUTES, "description": "Attributes that begin with the values."},
    "suffix": {**_ATTRIBUTES, "description": "Attributes that end with the values."},
    "all": {**_FILTERS, "description": "All of these match."},
    "any": {**_FILTERS, "description": "Any of these matches."},
    "not": {**_FILTER_REFERENCE, "description": "This does not match."},
    "sql": {"type": "string", "description": "A CESQL expression that is true."},
    "cesql": {"type": "string", "description": "The same, by Knative's name."},
}
_FILTER: dict[str, Any] = {
    "title": "Filter",
    "description": "Which events match, in one dialect.",
    "oneOf": [
        {
            "type": "object",
            "required": [dialect],
            "properties": {dialect: form},
            "additionalProperties": False,
        }
        for dialect, form in _DIALECTS.items()
    ],
}
_NEVER_EMPTY = ("Settings", "FunctionSettings", "ExampleSettings", "CorsSettings")
"""Sections with a required key; others may be left empty."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without its defaults: ours are written as in the file."""

    ignored_warning_kinds: ClassVar[set[Any]] = {"non-serializable-default"}  # type: ignore[misc]


def make_config_schema() -> dict[str, Any]:
    """Return the schema as a value."""
    generated = settings_adapter().json_schema(by_alias=True, schema_generator=_Generator)
    definitions = generated.pop("$defs")
    # Filters nest; the models leave them to those who compile them.
    definitions["SubscriptionSettings"]["properties"]["filters"]["items"] = _FILTER_REFERENCE
    root = _section("Settings", generated)
    root["properties"]["functions"]["minProperties"] = 1
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": "functions.yaml",
        "description": "The configuration of ffhost: every function, and the host around them.",
        **{key: value for key, value in root.items() if key not in ("title", "description")},
        "$defs": {
            "Reference": {
                **_REFERENCE,
                "title": "Reference",
                "description": "Replaced by an environment variable: ${NAME} or ${NAME:-default}.",
            },
            "Filter": _FILTER,
            **{name: _section(name, each) for name, each in sorted(definitions.items())},
        },
    }


def config_schema_json() -> str:
    """Return the schema as the text of ``schemas/functions.schema.json``."""
    return json.dumps(make_config_schema(), indent=2, ensure_ascii=False) + "\n"


def _section(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    model = _models()[name]
    described = {setting_key_of(each.name): each for each in fields(model)}
    section: dict[str, Any] = {
        "title": _title(name),
        "description": cleandoc(model.__doc__ or ""),
        "type": "object" if name in _NEVER_EMPTY else ["object", "null"],
        "properties": {
            key: _notes(described[key]) | _form(_bare(each))
            for key, each in definition["properties"].items()
        },
        "patternProperties": {"^x-": {"description": "For anchors and notes; ignored."}},
        "additionalProperties": False,
    }
    if definition.get("required"):
        section["required"] = definition["required"]
    if name in _RULES:
        section["allOf"] = _RULES[name]
    return section


def _models() -> dict[str, type[SettingsSection]]:
    return {model.__name__: model for model in SettingsSection.__subclasses__()}


def _title(name: str) -> str:
    """Return ``Config reload`` for ``ConfigReloadSettings``."""
    words = re.findall("[A-Z][a-z]+", name.removesuffix("Settings"))
    return " ".join(words).capitalize()


def _notes(field: Field[Any]) -> dict[str, Any]:
    notes = {key: field.metadata[key] for key in ("title", "description")}
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(default, SettingsSection):
        notes["default"] = {}
    elif default is not MISSING and default is not None:
        notes["default"] = "/<name>" if default == "" else plain_setting(default)
    return {**notes, "examples": field.metadata["examples"]}


def _bare(form: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key not in _NOTES}


def _form(form: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a value with references allowed and null removed."""
    if "anyOf" in form:
        options = [each for each in form["anyOf"] if each != {"type": "null"}]
        rest = {key: value for key, value in form.items() if key != "anyOf"}
        if len(options) == 1:
            return _form({**options[0], **rest})
        return {"anyOf": [*map(_item, options), {"$ref": "#/$defs/Reference"}]} | rest
    if "$ref" in form or not form:
        return form
    kind = form.get("type")
    if kind == "array":
        return {**form, "items": _form(form["items"])}
    if kind == "object":
        return _map(form)
    if form.get("type") == "string" and not form.keys() & {"pattern", "enum", "const"}:
        return form
    return {"anyOf": [form, {"$ref": "#/$defs/Reference"}]}


def _item(form: dict[str, Any]) -> dict[str, Any]:
    return {**form, "items": _form(form["items"])} if form.get("type") == "array" else form


def _map(form: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a mapping by name; ``x-`` keys are ignored unless any key is allowed."""
    if form.get("additionalProperties", True) is True and "patternProperties" not in form:
        return {"type": ["object", "null"], "additionalProperties": True}
    functions = form.get("patternProperties")
    if functions:
        inner = next(iter(functions.values()))
        patterns = {f"^(?!x-){NAME_PATTERN}$": _form(inner)}
        return {"type": "object", "patternProperties": {**patterns, "^x-": {}}} | {
            "additionalProperties": False
        }
    inner = form["additionalProperties"]
    if inner.get("type") == "string" and "enum" not in inner:
        return {"type": ["object", "null"], "additionalProperties": inner}
    return {
        "type": ["object", "null"],
        "patternProperties": {"^(?!x-)": _form(inner), "^x-": {}},
    }
