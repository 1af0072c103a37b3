"""Which values of a typed function's type reach it as they are when a function calls it by name.

Only those that nobody can change and that would be equal if they were written as JSON and read
again. Both is decided by their type when the function is loaded: frozen dataclasses, frozen
pydantic models and named tuples of plain values, of tuples and frozen sets of these, and of such
types again. What is left for each call is that every part has exactly the type that is declared,
that constraints hold, and how long the value can be as JSON.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeAlias

from ffhost.signatures.flask_json import is_model
from ffhost.signatures.json_measures import (
    ESCAPED,
    PLAIN,
    QUOTES,
    Part,
    Unfit,
    Unsafe,
    choices,
    members,
    sequences,
)
from ffhost.signatures.plain_models import check_plain, is_constraint, is_plain_field

Measure: TypeAlias = Callable[[Any], int | None]
"""Returns how many bytes a value can have as JSON; None if it must be written and read."""


def measure_of(kind: Any) -> Measure | None:
    """Return what measures the values of *kind*; None if they are written and read."""
    try:
        part = _Types().part(kind)
    except Unsafe:
        return None

    def measure(value: Any) -> int | None:
        try:
            return part(value)
        except (Unfit, AttributeError, UnicodeError):
            return None

    return measure


class _Types:
    """The types between a function's type and the one that is being looked at."""

    def __init__(self) -> None:
        self._outer: list[Any] = []

    def part(self, kind: Any) -> Part:
        """Return what measures values of *kind*.

        Raises:
            Unsafe: they must be written and read
        """
        plain = PLAIN.get(kind) if isinstance(kind, type) else None
        if plain is not None:
            return plain
        origin = typing.get_origin(kind)
        if origin is None:
            return self._of_class(kind)
        arguments = typing.get_args(kind)
        if origin is typing.Annotated:
            return self._constrained(kind, arguments[0], arguments[1:])
        if origin in (typing.Union, UnionType):
            return self._union(arguments)
        if origin is typing.Literal:
            return choices(arguments)
        if origin is tuple:
            return self._tuple(arguments)
        if origin is frozenset:
            return sequences(frozenset, self.part(arguments[0]))
        raise Unsafe

    def _of_class(self, kind: Any) -> Part:
        if not isinstance(kind, type) or kind in self._outer or hasattr(kind, "to_dict"):
            raise Unsafe
        if issubclass(kind, enum.Enum):
            return members(kind)
        if any(
            isinstance(each, cached_property)
            for base in kind.__mro__
            for each in vars(base).values()
        ):
            raise Unsafe
        self._outer.append(kind)
        try:
            if hasattr(kind, "__pydantic_fields__"):
                return self._pydantic(kind)
            if hasattr(kind, "__get_pydantic_core_schema__"):
                raise Unsafe
            if kind.__bases__ == (tuple,) and hasattr(kind, "_fields"):
                return self._record(kind, _hints(kind), tuple)
            return self._dataclass(kind)
        finally:
            self._outer.pop()

    def _dataclass(self, kind: type) -> Part:
        params = vars(kind).get("__dataclass_params__")
        if params is None or not params.frozen or not params.init:
            raise Unsafe
        all_fields: dict[str, Any] = vars(kind)["__dataclass_fields__"]
        fields = dataclasses.fields(kind)
        if (
            hasattr(kind, "__post_init__")
            or hasattr(kind, "__pydantic_config__")
            or any(not each.init or hasattr(each.default, "annotation") for each in fields)
            or any("InitVar" in str(each.type) for each in all_fields.values())
        ):
            raise Unsafe
        hints = _hints(kind)
        return self._record(kind, {each.name: hints[each.name] for each in fields}, None)

    def _pydantic(self, kind: Any) -> Part:
        check_plain(kind)
        fields = kind.__pydantic_fields__
        if not all(map(is_plain_field, fields.values())):
            raise Unsafe
        hints = {
            name: typing.Annotated[(each.annotation, *each.metadata)]
            if each.metadata
            else each.annotation
            for name, each in fields.items()
        }
        return self._record(kind, hints, _model_reader if is_model(kind) else None)

    def _record(self, kind: type, hints: dict[str, Any], reader: Any) -> Part:
        names = tuple(hints)
        if not names or any(name.startswith("_") for name in names):
            raise Unsafe
        parts = [self.part(each) for each in hints.values()]
        read = reader if reader is tuple else (reader or _reader)(kind, names)
        own = 3 + sum(ESCAPED * len(name) + QUOTES for name in names)

        def measure(value: Any) -> int:
            if value.__class__ is not kind:
                raise Unfit
            length = own
            for part, each in zip(parts, read(value), strict=True):
                length += part(each)
            return length

        return measure

    def _tuple(self, arguments: tuple[Any, ...]) -> Part:
        if len(arguments) == 2 and arguments[1] is ...:
            return sequences(tuple, self.part(arguments[0]))
        parts = [self.part(each) for each in arguments]
        if not parts:
            raise Unsafe

        def measure(value: Any) -> int:
            if value.__class__ is not tuple or len(value) != len(parts):
                raise Unfit
            return 3 + sum(part(each) for part, each in zip(parts, value, strict=True))

        return measure

    def _union(self, arguments: tuple[Any, ...]) -> Part:
        """Return what measures values of one type or None, or of types that JSON tells apart."""
        others = [each for each in arguments if each is not NoneType]
        if len(others) == 1:
            part = self.part(others[0])
            return lambda value: 5 if value is None else part(value)
        if not set(others) <= {str, int, bool}:
            raise Unsafe
        parts = {each: PLAIN[each] for each in arguments}

        def measure(value: Any) -> int:
            found = parts.get(value.__class__)
            if found is None:
                raise Unfit
            return found(value)

        return measure

    def _constrained(self, kind: Any, bare: Any, metadata: tuple[Any, ...]) -> Part:
        from pydantic import TypeAdapter

        part = self.part(bare)
        if not all(map(is_constraint, metadata)):
            raise Unsafe
        validate = TypeAdapter(kind).validate_python

        def measure(value: Any) -> int:
            length = part(value)
            try:
                same = validate(value)
            except Exception as error:  # a predicate of the user's may raise anything
                raise Unfit from error
            if same.__class__ is not value.__class__ or same != value:
                raise Unfit
            return length

        return measure


def _has_cache(kind: type) -> bool:
    """Whether instances keep what a property of the class returned once, which may be changed."""
    return any(isinstance(each, cached_property) for each in vars(kind).values())


def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception as error:  # an annotation may raise anything
        raise Unsafe from error


def _reader(kind: type, names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the fields of a dataclass, which has no other attributes."""
    get = _getter(names)
    if not kind.__dictoffset__:
        return get
    count = len(names)

    def read(value: Any) -> tuple[Any, ...]:
        if len(value.__dict__) != count:
            raise Unfit
        return get(value)

    return read


def _model_reader(_kind: type, names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the fields of a model of which all are set, as after reading JSON."""
    get, known = _getter(names), set(names)

    def read(value: Any) -> tuple[Any, ...]:
        if value.__pydantic_fields_set__ != known or len(value.__dict__) != len(known):
            raise Unfit
        return get(value)

    return read


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)
