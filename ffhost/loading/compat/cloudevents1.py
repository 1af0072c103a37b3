"""Module names of cloudevents 1.x for cloudevents 2.x, which has them in ``cloudevents.v1``.

The classes are the SDK's own: an event that a function gets is an instance of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ffhost.loading.compat.presence import is_module_installed

_OLD = frozenset({"abstract", "conversion", "exceptions", "http", "kafka", "pydantic", "sdk"})


def provide_module(name: str) -> ModuleType | None:
    """Return the module of 2.x that was called *name* in 1.x; None for other names."""
    _, _, rest = name.partition(".")
    child = rest.partition(".")[0]
    if child not in _OLD or is_module_installed(f"cloudevents.{child}"):
        return None
    moved = f"cloudevents.v1.{rest}"
    try:
        return import_module(moved)
    except ModuleNotFoundError as error:
        if error.name != moved:
            raise  # kafka and pydantic have requirements of their own
        return None  # a class or function asked for by `from ... import`
