"""Named tuples and frozen dataclasses that are cheap to define, for what a start needs.

`typing.NamedTuple` compiles the source of a constructor and of each annotation, and a frozen
dataclass that of six methods. For two dozen classes that would be a thirtieth of a start. What is
made for each call stays what the standard library offers: it is quicker to make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

__all__ = ["FrozenRecord", "Record"]

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from operator import itemgetter

    class Record(tuple):
        """A tuple with the annotated names of a class as its fields."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012
        _last_values = ()

        def __init_subclass__(cls):
            names = cls._fields = cls.__match_args__ = tuple(cls.__annotations__)
            cls._field_defaults = {each: vars(cls)[each] for each in names if each in vars(cls)}
            cls._last_values = tuple(cls._field_defaults.values())
            for index, name in enumerate(names):
                setattr(cls, name, property(itemgetter(index)))

        def __new__(cls, *given, **named):
            if named or len(given) != len(cls._fields):
                given = cls._complete(given, named)
            return tuple.__new__(cls, given)

        @classmethod
        def _complete(cls, given, named):
            defaults, rest = cls._field_defaults, cls._fields[len(given) :]
            if not named and 0 < len(rest) <= len(defaults):
                return (*given, *cls._last_values[-len(rest) :])
            try:
                rest = [named.pop(each) if each in named else defaults[each] for each in rest]
            except KeyError:
                rest = []
            if named or len(given) + len(rest) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return (*given, *rest)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class FrozenRecord:
    """A frozen dataclass whose methods are written here once. Two are never equal."""

    _names: ClassVar[tuple[str, ...]]
    _known: ClassVar[frozenset[str]]
    _defaults: ClassVar[dict[str, Any]]
    _factories: ClassVar[dict[str, Callable[[], Any]]]

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        made = dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        every = fields(made)  # type: ignore[arg-type]
        cls._names = tuple(each.name for each in every)
        cls._known = frozenset(cls._names)
        cls._defaults = {each.name: each.default for each in every if each.default is not MISSING}
        cls._factories = {
            each.name: each.default_factory for each in every if each.default_factory is not MISSING
        }

    def __init__(self, *given: Any, **named: Any) -> None:
        count = len(given) + len(named)
        named.update(zip(self._names, given, strict=False))
        fits = len(named) == count  # none is too many, and none there twice
        values = {**self._defaults, **named}
        for name, make in self._factories.items():
            if name not in values:
                values[name] = make()
        if not fits or values.keys() != self._known:
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self._names)}")
        self.__dict__.update(values)

    def __repr__(self) -> str:
        shown = (each.name for each in fields(self) if each.repr)  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")
