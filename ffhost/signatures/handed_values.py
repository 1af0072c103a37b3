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
from collections.abc import Callable, Iterable
from functools import cached_property
from keyword import iskeyword
from types import NoneType, UnionType
from typing import Any, TypeAlias

from ffhost.signatures.flask_json import is_pydantic_model
from ffhost.signatures.json_measures import (
    ESCAPED,
    PLAIN,
    QUOTES,
    TOGETHER,
    Part,
    UnfitTypedValue,
    UnsafeValueType,
    measure_typed_choices,
    measure_typed_members,
    measure_typed_union,
)
from ffhost.signatures.plain_models import (
    check_plain_model,
    is_model_constraint,
    is_plain_model_field,
)

Measure: TypeAlias = Callable[[Any], int | None]
"""Returns how many bytes a value can have as JSON; None if it must be written and read."""


def measure_of_typed_values(kind: Any) -> Measure | None:
    """Return what measures the values of *kind*; None if they are written and read."""
    try:
        part = _Types().part(kind)
    except UnsafeValueType:
        return None

    def measure(value: Any) -> int | None:
        try:
            return part(value)
        except (UnfitTypedValue, AttributeError, UnicodeError):
            return None

    return measure


class _Types:
    """Writes a function that measures values of a type, as a dataclass has its methods written.

    A closure for each part would take longer than writing and reading the value as JSON.
    """

    def __init__(self, outer: Iterable[Any] = ()) -> None:
        self._outer = list(outer)
        self._lines: list[str] = []
        self._known: dict[str, Any] = {"Unfit": UnfitTypedValue}

    def part(self, kind: Any) -> Part:
        """Return what measures values of *kind*.

        Raises:
            Unsafe: they must be written and read
        """
        self._write(kind, "value", 1)
        lines = ["def measure(value):", "    length = 0", *self._lines, "    return length"]
        try:
            exec("\n".join(lines), self._known)  # of others there are only names of fields in it
        except SyntaxError as error:  # more than twenty loops in each other
            raise UnsafeValueType from error
        made: Part = self._known["measure"]
        return made

    def _add(self, depth: int, *lines: str) -> None:
        self._lines += ["    " * depth + line for line in lines]

    def _name(self, value: Any) -> str:
        """Return a name for *value* in the function."""
        name = f"known_{len(self._known)}"
        self._known[name] = value
        return name

    def _check(self, depth: int, wrong: str) -> None:
        self._add(depth, f"if {wrong}:", "    raise Unfit")

    def _call(self, part: Part, name: str, depth: int) -> None:
        self._add(depth, f"length += {self._name(part)}({name})")

    def _write(self, kind: Any, name: str, depth: int) -> None:
        """Write the lines that measure the value of the variable *name*."""
        plain = PLAIN.get(kind) if isinstance(kind, type) else None
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if kind is str:
            self._check(depth, f"{name}.__class__ is not str")
            self._add(depth, f"if not {name}.isascii():", f"    {name}.encode()")
            self._add(depth, f"length += {ESCAPED} * len({name}) + {QUOTES}")
        elif kind is int:
            limits = f"{-(2**63)} <= {name} <= {2**63 - 1}"
            self._check(depth, f"{name}.__class__ is not int or not {limits}")
            self._add(depth, "length += 21")
        elif plain is not None:
            self._call(plain, name, depth)
        elif origin is None:
            self._write_class(kind, name, depth)
        elif origin is typing.Annotated:
            self._call(
                _constrained(kind, _Types(self._outer).part(arguments[0]), arguments[1:]),
                name,
                depth,
            )
        elif origin in (typing.Union, UnionType):
            self._write_union(arguments, name, depth)
        elif origin is typing.Literal:
            self._call(measure_typed_choices(arguments), name, depth)
        elif origin is frozenset or (origin is tuple and arguments[1:] == (...,)):
            self._write_many(origin, arguments[0], name, depth)
        elif origin is tuple and arguments:
            self._check(depth, f"{name}.__class__ is not tuple or len({name}) != {len(arguments)}")
            self._add(depth, "length += 3")
            self._write_items(arguments, name, depth)
        else:
            raise UnsafeValueType

    def _write_items(self, kinds: Iterable[Any], name: str, depth: int) -> None:
        for index, each in enumerate(kinds):
            item = f"{name}_{index}"
            self._add(depth, f"{item} = {name}[{index}]")
            self._write(each, item, depth)

    def _write_many(self, kind: type, each: Any, name: str, depth: int) -> None:
        together = TOGETHER.get(each) if isinstance(each, type) else None
        self._check(depth, f"{name}.__class__ is not {kind.__name__}")
        self._add(depth, "length += 3")
        if together is not None:
            self._add(depth, f"if {name}:")
            self._call(together, name, depth + 1)
            return
        self._add(depth, f"for {name}_each in {name}:")
        self._write(each, f"{name}_each", depth + 1)

    def _write_union(self, arguments: tuple[Any, ...], name: str, depth: int) -> None:
        """Write what measures one type or None, or types that JSON tells apart."""
        others = [each for each in arguments if each is not NoneType]
        if len(others) == 1:
            self._add(depth, "length += 5", f"if {name} is not None:")
            self._write(others[0], name, depth + 1)
            return
        if not set(others) <= {str, int, bool}:
            raise UnsafeValueType
        self._call(measure_typed_union({each: PLAIN[each] for each in arguments}), name, depth)

    def _write_class(self, kind: Any, name: str, depth: int) -> None:
        if not isinstance(kind, type) or kind in self._outer or hasattr(kind, "to_dict"):
            raise UnsafeValueType
        if issubclass(kind, enum.Enum):
            self._call(measure_typed_members(kind), name, depth)
            return
        if any(map(_has_cache, kind.__mro__)):
            raise UnsafeValueType
        self._outer.append(kind)
        self._check(depth, f"{name}.__class__ is not {self._name(kind)}")
        if kind.__bases__ == (tuple,) and hasattr(kind, "_fields"):
            self._add(depth, "length += 3")
            self._write_items(_fields_of_tuple(kind), name, depth)
        else:
            self._write_fields(kind, name, depth)
        self._outer.pop()

    def _write_fields(self, kind: type, name: str, depth: int) -> None:
        if hasattr(kind, "__pydantic_fields__"):
            fields = _fields_of_model(kind)
        else:
            fields = _fields_of_dataclass(kind)
        if not all(
            each.isidentifier() and each[0] != "_" and not iskeyword(each) for each in fields
        ):
            raise UnsafeValueType
        if is_pydantic_model(kind):  # after reading JSON all fields are set
            known = self._name(set(fields))
            self._check(depth, f"{name}.__pydantic_fields_set__ != {known}")
        if kind.__dictoffset__:
            self._check(depth, f"len({name}.__dict__) != {len(fields)}")
        self._add(depth, f"length += {3 + sum(ESCAPED * len(each) + QUOTES for each in fields)}")
        for index, (field, each) in enumerate(fields.items()):
            item = f"{name}_{index}"
            self._add(depth, f"{item} = {name}.{field}")
            self._write(each, item, depth)


def _fields_of_tuple(kind: Any) -> list[Any]:
    """Return the types of a named tuple."""
    hints = _hints(kind)
    if not kind._fields or set(hints) != set(kind._fields):
        raise UnsafeValueType
    return [hints[each] for each in kind._fields]


def _fields_of_model(kind: Any) -> dict[str, Any]:
    """Return the fields of a model or a dataclass of pydantic, with their types."""
    check_plain_model(kind)
    fields = kind.__pydantic_fields__
    if not all(map(is_plain_model_field, fields.values())):
        raise UnsafeValueType
    return {
        name: typing.Annotated[(each.annotation, *each.metadata)]
        if each.metadata
        else each.annotation
        for name, each in fields.items()
    }


def _fields_of_dataclass(kind: Any) -> dict[str, Any]:
    """Return the fields of a frozen dataclass, with their types."""
    params = vars(kind).get("__dataclass_params__")
    if params is None or not params.frozen or not params.init:
        raise UnsafeValueType
    fields = dataclasses.fields(kind)
    if (
        hasattr(kind, "__post_init__")
        or hasattr(kind, "__pydantic_config__")
        or hasattr(kind, "__get_pydantic_core_schema__")
        or any(not each.init or hasattr(each.default, "annotation") for each in fields)
        or any("InitVar" in str(each.type) for each in kind.__dataclass_fields__.values())
    ):
        raise UnsafeValueType
    hints = _hints(kind)
    return {each.name: hints[each.name] for each in fields}


def _constrained(kind: Any, part: Part, metadata: tuple[Any, ...]) -> Part:
    """Return what measures as *part* does the values that the constraints of *kind* allow."""
    from pydantic import TypeAdapter

    if not all(map(is_model_constraint, metadata)):
        raise UnsafeValueType
    validate = TypeAdapter(kind).validate_python

    def measure(value: Any) -> int:
        length = part(value)
        try:
            same = validate(value)
        except Exception as error:  # a predicate of the user's may raise anything
            raise UnfitTypedValue from error
        if same.__class__ is not value.__class__ or same != value:
            raise UnfitTypedValue
        return length

    return measure


def _has_cache(kind: type) -> bool:
    """Whether instances keep what a property of the class returned once, which may be changed."""
    return any(isinstance(each, cached_property) for each in vars(kind).values())


def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception as error:  # an annotation may raise anything
        raise UnsafeValueType from error
