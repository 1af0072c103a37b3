"""The presence of a module in an installed package, found without importing it."""

from __future__ import annotations

from functools import cache

from ffhost.loading.modules.installed import find_installed


@cache
def is_installed(name: str) -> bool:
    """Whether a module *name* is installed; its parent packages are imported for it."""
    try:
        return find_installed(name) is not None
    except ModuleNotFoundError:  # a parent is missing
        return False
