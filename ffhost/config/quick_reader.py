"""Reading plain values as `Settings` without pydantic, if all of them are valid.

Importing pydantic and building its validator takes 110 ms, more than a quarter of a start. Here
the same kinds read the same values by the same annotations. A value that is not clearly valid is
left to `ffhost.config.validation`, which alone decides what is a mistake and how to report it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ffhost.config.settings import Settings, SettingsSection, setting_key_of
from ffhost.config.settings.scalars import MAY_BE_SECRET, NotEmptySetting, SettingKind

Reader = Callable[[Any], Any]


def read_settings_quickly(values: dict[str, Any]) -> Settings | None:
    """Return the settings; None if pydantic is needed to decide."""
    try:
        settings: Settings = _reader(Settings)(values)
    except (_Unclear, TypeError, ValueError):  # a kind rejects a value
        return None
    return settings


class _Unclear(Exception):
    """A value that is not clearly of the kind that its place needs."""


@cache
def _reader(annotation: Any) -> Reader:
    """Return what reads a value of *annotation*, made once: a file may have many functions."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments[0], annotation.__metadata__)
    if origin in (Union, UnionType):
        (inner,) = (each for each in arguments if each is not NoneType)
        return partial(_optional, _reader(inner))
    if origin is Literal:
        return partial(_choice, arguments)
    if annotation is Any:
        return _as_it_is
    return _plain(origin or annotation, arguments)


def _plain(kind: type, arguments: tuple[Any, ...]) -> Reader:
    if issubclass(kind, SettingsSection):
        return _section(kind)
    if kind is dict:
        return partial(_mapping, *map(_reader, arguments))
    if kind is list:
        return partial(_list, *map(_reader, arguments))
    return _text if kind is str else _left_to_pydantic


def _annotated(inner: Any, metadata: tuple[Any, ...]) -> Reader:
    first, *others = metadata
    if isinstance(first, SettingKind) and others in ([], [MAY_BE_SECRET]):
        return first.read
    if isinstance(first, NotEmptySetting) and not others:
        return partial(_not_empty, _reader(inner))
    return _left_to_pydantic


def _section(kind: type[SettingsSection]) -> Reader:
    types: dict[str, Any] = {each.name: each.type for each in fields(kind)}
    known = {setting_key_of(name): (name, _reader(each)) for name, each in types.items()}
    defaults = {each.name: each.default for each in fields(kind)}
    others = [
        (each.name, _left_out(each.default_factory))
        for each in fields(kind)
        if each.default is MISSING
    ]

    def read(values: Any) -> SettingsSection:
        _check(values, dict)
        if not values.keys() <= known.keys():
            raise _Unclear
        made = defaults.copy()
        for key, value in values.items():
            name, reader = known[key]
            made[name] = reader(value)
        for name, make in others:
            if made[name] is MISSING:
                made[name] = make()
        return kind._of(made, frozenset(values))

    return read


def _left_out(factory: Any) -> Callable[[], Any]:
    """Return what makes the value of a key that is not written, whose *factory* is given."""
    if factory is MISSING:
        return _needed
    if SettingsSection in getattr(factory, "__mro__", ()):
        return partial(_reader(factory), {})
    make: Callable[[], Any] = factory
    return make


def _needed() -> Any:
    raise _Unclear


def _check(value: Any, kind: type) -> None:
    if type(value) is not kind:  # a subclass too: pydantic may convert it
        raise _Unclear


def _optional(reader: Reader, value: Any) -> Any:
    return None if value is None else reader(value)


def _choice(choices: tuple[Any, ...], value: Any) -> Any:
    for each in choices:
        if type(value) is type(each) and value == each:
            return each
    raise _Unclear


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    _check(value, str)
    text: str = value
    return text


def _mapping(key: Reader, item: Reader, value: Any) -> dict[Any, Any]:
    _check(value, dict)
    return {key(name): item(each) for name, each in value.items()}


def _list(item: Reader, value: Any) -> list[Any]:
    _check(value, list)
    return [item(each) for each in value]


def _not_empty(reader: Reader, value: Any) -> Any:
    read = reader(value)
    if not read:
        raise _Unclear
    return read


def _left_to_pydantic(_value: Any) -> Any:
    raise _Unclear
