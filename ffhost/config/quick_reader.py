"""Reading plain values as `Settings` without pydantic, if all of them are valid.

A host of one function, without a file, has a handful of scalars from variables and flags.
Importing pydantic and building its validator for them took 110 ms, more than a quarter of the
whole start. Here the same kinds read the same values by the same annotations. A value that is
not clearly valid is left to `ffhost.config.validation`, which alone decides what is a mistake
and how to report it.
"""

from __future__ import annotations

from dataclasses import fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ffhost.config.settings import Section, Settings, key_of
from ffhost.config.settings.scalars import MAY_BE_SECRET, Kind


def settings_of(values: dict[str, Any]) -> Settings | None:
    """Return the settings; None if pydantic is needed to decide."""
    try:
        return Settings(**_keys(Settings, values))
    except (_Unclear, TypeError, ValueError):  # a key is missing, or a kind rejects a value
        return None


class _Unclear(Exception):
    """A value that is not clearly of the kind that its place needs."""


def _keys(section: type[Section], values: Any) -> dict[str, Any]:
    known = {key_of(each.name): each for each in fields(section)}
    if type(values) is not dict or not values.keys() <= known.keys():
        raise _Unclear
    return {known[key].name: _value(known[key].type, value) for key, value in values.items()}


def _value(annotation: Any, value: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_kind(annotation.__metadata__, value)
    if origin in (Union, UnionType):
        (inner,) = (each for each in arguments if each is not NoneType)
        return None if value is None else _value(inner, value)
    if origin is Literal:
        return _choice(arguments, value)
    if annotation is Any:
        return value
    kind = origin or annotation
    if issubclass(kind, Section):
        return kind(**_keys(kind, value))
    if type(value) is not kind:  # a subclass too: pydantic may convert it
        raise _Unclear
    if kind is dict:
        key, item = arguments
        return {_value(key, name): _value(item, each) for name, each in value.items()}
    if kind is list:
        return [_value(arguments[0], each) for each in value]
    if kind is str:
        return value
    raise _Unclear


def _of_kind(metadata: tuple[Any, ...], value: Any) -> Any:
    if metadata[1:] not in ((), (MAY_BE_SECRET,)) or not isinstance(metadata[0], Kind):
        raise _Unclear
    return metadata[0].read(value)


def _choice(choices: tuple[Any, ...], value: Any) -> Any:
    for each in choices:
        if type(value) is type(each) and value == each:
            return each
    raise _Unclear
