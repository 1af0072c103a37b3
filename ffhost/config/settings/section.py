"""What every mapping of ``functions.yaml`` has in common.

A section is a frozen dataclass. Pydantic reads its annotations when a file is validated, and is
imported only then: see docs/decisions/configuration.md. Modules with sections do not postpone
their annotations, so that the type of a field is a type. The methods that a dataclass usually
gets are written here once: to generate and compile them for each of fifteen classes takes 14 ms
at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

from ffhost.config.settings.scalars import plain_setting

Free = dict[str, Any]
"""A mapping with any keys; keys that begin with ``x-`` are kept as data."""

_KEYS = {"payload": "json"}


def setting_key_of(name: str) -> str:
    """Return the key of the file that the field *name* stands for: ``payload`` is ``json``."""
    return _KEYS.get(name, name)


def setting_key(default: Any, title: str, description: str, *examples: Any) -> Any:
    """Describe a key. A callable default makes a new value each time."""
    notes = {"title": title, "description": description, "examples": list(examples)}
    if callable(default):
        return field(default_factory=default, metadata=notes)
    return field(default=default, metadata=notes)


def required_setting(title: str, description: str, *examples: Any) -> Any:
    """Describe a key that must be written."""
    return setting_key(MISSING, title, description, *examples)


def settings_section(
    kind: type[SettingsSection], title: str, description: str, *examples: Any
) -> Any:
    """Describe a key that holds a section; one that is not written has its defaults."""
    return setting_key(kind, title, description, *examples)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class SettingsSection:
    """A mapping with known keys. Keys that begin with ``x-`` are dropped before it is made.

    ``written`` holds the keys that were given. It is ignored in comparisons: a default that
    is written out is the same value.
    """

    __slots__ = ("__dict__", "written")
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "alias_generator": setting_key_of,
        "hide_input_in_errors": True,
    }
    # not strict: a strict dataclass takes nothing but its instances, and YAML has no value
    # that a text, a list or a mapping would be made of
    free: ClassVar[frozenset[str]] = frozenset()
    """Keys below which any content is allowed."""
    secret_keys: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Free keys with secrets; for each, the keys below that hold none."""
    written: frozenset[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)

    def __init__(self, **given: Any) -> None:
        values = self.__dict__
        for each in fields(self):
            if each.name in given:
                values[each.name] = given[each.name]
            elif each.default_factory is not MISSING:
                values[each.name] = each.default_factory()
            elif each.default is not MISSING:
                values[each.name] = each.default
            else:
                raise TypeError(f"{type(self).__name__} needs {each.name!r}")
        unknown = given.keys() - values.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        object.__setattr__(self, "written", frozenset(map(setting_key_of, given)))

    @classmethod
    def _of(cls, values: dict[str, Any], written: frozenset[str]) -> Self:
        """Return a section with *values* as its own, which nobody else keeps."""
        made = object.__new__(cls)
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "written", written)
        return made

    def replaced(self, **changes: Any) -> Self:
        """Return a copy with other values, which count as written."""
        return self._of(
            {**self.__dict__, **changes}, self.written.union(map(setting_key_of, changes))
        )

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._of, (self.__dict__.copy(), self.written)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete {name!r}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        # the reference names the whole: pydantic would use what it names a second time alone
        inner = dict(handler(source))
        reference = inner.pop("ref", None)
        return core_schema.no_info_wrap_validator_function(_read, inner, ref=reference)


def plain_section(
    section: SettingsSection, *, beside: SettingsSection | None = None
) -> dict[str, Any]:
    """Return *section* by field, with single values as they would be written in the file.

    Args:
        beside: a section of the same kind; values that it has, too, are left out
    """
    known = {} if beside is None else beside.__dict__
    # what has only one form is passed by: most of a thousand functions is that
    return {
        name: value
        if value is None or type(value) in _PLAIN or setting_key_of(name) in section.free
        else _plain(value)
        for name, value in section.__dict__.items()
        if name not in known or value != known[name]
    }


_PLAIN = frozenset({str, bool})


def _plain(value: Any) -> Any:
    if isinstance(value, SettingsSection):
        return plain_section(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return plain_setting(value)


def _read(values: Any, validate: Callable[[Any], SettingsSection]) -> SettingsSection:
    made = validate(values)
    object.__setattr__(made, "written", frozenset(values))
    return made
