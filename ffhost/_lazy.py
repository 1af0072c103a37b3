"""Names of a module that are imported when they are first used. Imports nothing itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of *module*, which finds each name where *homes* says.

    Args:
        module: the ``__name__`` of the module that shows the names
        homes: name to the module that defines it

    Raises:
        AttributeError: (by what is returned) for a name that *homes* does not know
    """

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(sys.modules[module], name, value)
        return value

    return find
