"""``functions_framework`` and its modules, by the names that user code imports them by."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_MODULES = {
    "functions_framework": "ffhost.loading.compat.framework",
    "functions_framework.aio": "ffhost.loading.compat.framework.aio",
    "functions_framework.exceptions": "ffhost.loading.compat.framework.exceptions",
}


def provide(name: str) -> ModuleType | None:
    """Return our module *name*; None for internal modules of the original that we do not have."""
    ours = _MODULES.get(name)
    return None if ours is None else import_module(ours)
