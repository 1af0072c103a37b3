"""The presence of a module in an installed package, found without importing it."""

from __future__ import annotations

import sys
from functools import cache

from ffhost.loading.modules.installed_modules import import_installed

OURS: set[object] = set()
"""Finders of ours in ``sys.meta_path``: what they find is not installed."""


@cache
def is_module_installed(name: str) -> bool:
    """Whether a module *name* is installed; its parent packages are imported for it."""
    parent, _, _ = name.rpartition(".")
    try:
        path = import_installed(parent).__path__ if parent else None
    except ModuleNotFoundError:  # a parent is missing
        return False
    return any(
        finder.find_spec(name, path) is not None
        for finder in list(sys.meta_path)
        if finder not in OURS and hasattr(finder, "find_spec")
    )
