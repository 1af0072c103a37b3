"""The known keys, read once from the settings' models.

Needed before validation: to resolve the names of variables, to type texts, to find the
nearest key, and to know below which keys anything is allowed.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from ffhost._records import Record
from ffhost.config.settings import Settings, SettingsSection, setting_key_of
from ffhost.config.settings.scalars import MAY_BE_SECRET

Kind = Literal["section", "map", "list", "free", "text", "scalar"]


class ConfigShape(Record):
    """What is allowed at one place.

    Args:
        kind: a section has known keys; a map has any keys with values of one shape; below ``free``
            anything is allowed; a ``text`` is taken from a variable without typing it
        fields: the keys of a section
        item: what a map or a list holds
        boolean: whether a scalar is a switch
        secrets: whether ``free`` values or a text may be secrets
        nullable: whether null is a valid value
        all_secret: whether every value below is a secret, but for the keys *shown*
        shown: keys below a secret that are not secret themselves
    """

    kind: Kind
    fields: Mapping[str, ConfigShape] = {}
    item: ConfigShape | None = None
    boolean: bool = False
    secrets: bool = False
    nullable: bool = False
    all_secret: bool = False
    shown: frozenset[str] = frozenset()

    def child(self, key: str | int) -> ConfigShape | None:
        """Return the shape below *key*, or None if there is no such key."""
        if self.kind == "section":
            return self.fields.get(str(key))
        return self if self.kind == "free" else self.item


_TEXT, _SCALAR, _SWITCH = (
    ConfigShape("text"),
    ConfigShape("scalar"),
    ConfigShape("scalar", boolean=True),
)
_SECRET_KEYS = ("config", "options", "keys", "secret")


@cache
def settings_shape() -> ConfigShape:
    """Return the shape of a whole configuration."""
    return _section(Settings)


def _section(model: type[SettingsSection]) -> ConfigShape:
    shapes = {}
    for each in fields(model):
        key = setting_key_of(each.name)
        if key in model.free:
            shapes[key] = ConfigShape(
                "free",
                secrets=key in _SECRET_KEYS,
                nullable=each.type is Any,
                all_secret=key in model.secret_keys,
                shown=model.secret_keys.get(key, frozenset()),
            )
        else:
            shapes[key] = _shape(each.type)
    return ConfigShape("section", shapes)


def _shape(annotation: Any) -> ConfigShape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _shape(next(each for each in arguments if each is not type(None)))
    if hasattr(annotation, "__metadata__"):
        shape = _shape(arguments[0])
        secret = MAY_BE_SECRET in annotation.__metadata__
        return shape._replace(secrets=True) if secret else shape
    if isinstance(annotation, type) and issubclass(annotation, SettingsSection):
        return _section(annotation)
    if origin is dict and arguments[1] is Any:
        return ConfigShape("free")
    if origin is dict:
        return ConfigShape("map", item=_shape(arguments[1]))
    if origin is list:
        return ConfigShape("list", item=_shape(arguments[0]))
    if annotation is bool:
        return _SWITCH
    texts = annotation is str or (origin is Literal and isinstance(arguments[0], str))
    return _TEXT if texts else _SCALAR
