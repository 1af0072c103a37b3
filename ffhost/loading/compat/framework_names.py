"""``functions_framework`` and its modules, by the names that user code imports them by."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

VERSION = "3.10.0"
"""The version of functions-framework whose names and behaviour ours has."""

_HOME = "ffhost.loading.compat.framework"
_MODULES = frozenset(
    {
        "_cli",
        "_function_registry",
        "_typed_event",
        "aio",
        "background_event",
        "event_conversion",
        "exceptions",
        "execution_id",
        "request_timeout",
    }
)


def provide_module(name: str) -> ModuleType | None:
    """Return our module *name*; None for internal modules of the original that we do not have."""
    _, _, child = name.partition(".")
    if not child:
        return import_module(_HOME)
    return import_module(f"{_HOME}.{child}") if child in _MODULES else None
