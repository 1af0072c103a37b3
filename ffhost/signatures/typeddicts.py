"""``typing.TypedDict`` for pydantic, which refuses it before Python 3.12.

It cannot tell the required keys of a parent class from the class's own; pydantic wants
``typing_extensions.TypedDict``. User code should not need to know: the classes that an
annotation holds are rebuilt as those.
"""

from __future__ import annotations

import sys
import types
import typing
from functools import reduce
from operator import or_
from typing import Any


def with_modern_typed_dicts(kind: Any) -> Any:
    """Return *kind* with every ``typing.TypedDict`` in it as one that pydantic takes.

    Raises:
        NameError: an annotation in one of them names something that its module does not have
    """
    if sys.version_info >= (3, 12):
        return kind
    return _rebuilt(kind, {})


def _rebuilt(kind: Any, known: dict[Any, Any]) -> Any:
    if typing.is_typeddict(kind) and type(kind).__module__ == "typing":
        return _rebuilt_typed_dict(kind, known)
    arguments = typing.get_args(kind)
    if not arguments or typing.get_origin(kind) is typing.Literal:
        return kind
    rebuilt = tuple(_rebuilt(each, known) for each in arguments)
    if rebuilt == arguments:
        return kind
    if isinstance(kind, types.UnionType):
        return reduce(or_, rebuilt)
    return kind.copy_with(rebuilt) if hasattr(kind, "copy_with") else kind.__origin__[rebuilt]


def _rebuilt_typed_dict(kind: Any, known: dict[Any, Any]) -> Any:
    import typing_extensions

    if kind in known:
        return known[kind]
    known[kind] = kind  # a class that refers to itself is not rebuilt again
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        # The hint comes first: what stands in the class as text (from __future__ import
        # annotations) was not understood when its sets of keys were made.
        qualifier: Any = typing.get_origin(hint)
        if qualifier in (typing.Required, typing.NotRequired):
            hint = typing.get_args(hint)[0]
        else:
            optional = name in kind.__optional_keys__
            qualifier = typing.NotRequired if optional else typing.Required
        fields[name] = qualifier[_rebuilt(hint, known)]
    known[kind] = typing_extensions.TypedDict(kind.__name__, fields)  # type: ignore[operator]
    return known[kind]
