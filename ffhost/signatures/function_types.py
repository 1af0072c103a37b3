"""What a function takes and returns, as JSON Schema: for OpenAPI documents and for tools.

pydantic makes the schemas from the annotations. Nothing is called, and nothing is made before
somebody asks.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

from ffhost.loading.targets import form_of_target
from ffhost.signatures import parameters
from ffhost.signatures.inference import infer_signature
from ffhost.signatures.typeddicts import with_modern_typed_dicts

Mode: TypeAlias = Literal["validation", "serialization"]

DEFINITION = "#/$defs/"
"""What references to definitions begin with."""


@dataclasses.dataclass(frozen=True)
class FunctionTypes:
    """The types of one function. Schemas hold the definitions that they refer to in ``$defs``.

    Args:
        takes: schema of the value that a typed function gets; None if it is not known
        input_name: name of the parameter that gets the value
        returns: schema of the result; None if it is not known, or is not JSON
        returns_text: whether the result is text
        may_be_empty: whether the function may return None
        summary: first line of its docstring, without the full stop
        description: the lines that follow, up to the sections of arguments and results
    """

    takes: dict[str, Any] | None = None
    input_name: str = "input"
    returns: dict[str, Any] | None = None
    returns_text: bool = False
    may_be_empty: bool = False
    summary: str = ""
    description: str = ""


def function_types_of(
    target: Callable[..., Any], signature: str, word: str | None
) -> FunctionTypes:
    """Return the types of *target*.

    Args:
        target: the function
        signature: what it was found to be
        word: the signature that the configuration names, or None
    """
    hints, form = _hints(target), form_of_target(target)
    takes, first = None, next(iter(form.names), "input")
    if signature == "typed":
        named = infer_signature(target, word, single=True, form=form).input_type
        takes = named if named is not None else hints.get(first)
        takes = parameters.parameter_annotation(target, form) if takes is None else takes
    returns, may_be_empty = _without_none(hints.get("return"))
    schemas = _schemas(takes, returns if _is_json(returns) else None)
    summary, description = _words(target)
    return FunctionTypes(
        schemas.get("validation"),
        first,
        schemas.get("serialization"),
        returns is str,
        may_be_empty,
        summary,
        description,
    )


def _hints(target: Any) -> dict[str, Any]:
    """Return the annotations that can be evaluated."""
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    if not inspect.isroutine(target):
        target = type(target).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # such as a name for type checkers only; an annotation may raise anything
        return {}


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Split ``X | None`` into ``X`` and whether there was a None."""
    if kind is type(None):
        return None, True
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind, False
    arguments = typing.get_args(kind)
    rest = [each for each in arguments if each is not type(None)]
    return (rest[0] if len(rest) == 1 else kind), len(rest) < len(arguments)


def _schemas(takes: Any, returns: Any) -> dict[str, dict[str, Any]]:
    """Return the schemas of both by mode; without those that pydantic does not know."""
    if takes is None and returns is None:  # a plain function needs no pydantic
        return {}
    from pydantic import TypeAdapter

    modes: tuple[tuple[Mode, Any], ...] = (("validation", takes), ("serialization", returns))
    adapters = [(mode, mode, _adapter(kind)) for mode, kind in modes]
    known = [each for each in adapters if each[2] is not None]
    found, whole = TypeAdapter.json_schemas(known, ref_template=DEFINITION + "{model}")
    definitions = whole.get("$defs", {})
    return {
        mode: self_contained_type_schema(schema, definitions) for (mode, _), schema in found.items()
    }


def _adapter(kind: Any) -> Any:
    """Return pydantic's adapter for *kind*; None for a type that pydantic does not know."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    if kind is None:
        return None
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(with_modern_typed_dicts(kind))
        adapter.json_schema()
    except (PydanticUserError, NameError):
        return None
    return adapter


def self_contained_type_schema(
    schema: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    """Return *schema* with those of *definitions* that it needs."""
    needed: dict[str, Any] = {}
    left = list(_names(schema))
    while left:
        name = left.pop()
        if name not in needed:
            needed[name] = definitions[name]
            left += _names(definitions[name])
    ordered = {name: definitions[name] for name in definitions if name in needed}
    return {**schema, "$defs": ordered} if ordered else dict(schema)


def _names(value: Any) -> Iterator[str]:
    """Yield the names of the definitions that *value* refers to."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(DEFINITION):
            yield reference.removeprefix(DEFINITION)
        for each in value.values():
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


def type_schema_with_references(value: Any, rename: Callable[[str], str]) -> Any:
    """Return *value* with other references: *rename* gives that to the definition of a name."""
    if isinstance(value, dict):
        changed = {key: type_schema_with_references(each, rename) for key, each in value.items()}
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(DEFINITION):
            changed["$ref"] = rename(reference.removeprefix(DEFINITION))
        mapping = value.get("mapping")  # of a discriminator
        if isinstance(mapping, dict) and "propertyName" in value:
            changed["mapping"] = {
                key: type_schema_with_references({"$ref": each}, rename)["$ref"]
                for key, each in mapping.items()
            }
        return changed
    if isinstance(value, list):
        return [type_schema_with_references(each, rename) for each in value]
    return value


def _is_json(kind: Any) -> bool:
    """Whether values of *kind* are encoded as JSON: models, dataclasses, dict and list."""
    origin = typing.get_origin(kind) or kind
    if typing.is_typeddict(origin) or dataclasses.is_dataclass(origin):
        return True
    return isinstance(origin, type) and (
        issubclass(origin, dict | list) or hasattr(origin, "__pydantic_validator__")
    )


def _words(target: Callable[..., Any]) -> tuple[str, str]:
    text = inspect.getdoc(target) if inspect.isroutine(target) else None
    summary, _, rest = (text or "").partition("\n")
    return summary.rstrip("."), re.split(r"\n(?:Args|Raises|Returns):\n", rest)[0].strip()


def inner_type_schema(schema: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Follow the reference at the root; return the name of the definition, and the schema."""
    reference = schema.get("$ref")
    if reference is None:
        return None, schema
    name = str(reference).removeprefix(DEFINITION)
    found: dict[str, Any] = schema["$defs"][name]
    return name, found
