"""Targets: from their text to the callable, by importing or by reading the source.

`resolve` imports; `check_target`, `check_hook`, `defined_functions` and `inspect_source` only
read, and are loaded when they are first used. Knows nothing of requests; of signatures only
their names and how many arguments they hand over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ffhost.loading.targets.callables import (
    Kind,
    application_kind,
    is_async,
    kind,
    required_positional,
)
from ffhost.loading.targets.places import Place, TargetError, find_place
from ffhost.loading.targets.resolution import Resolved, resolve, resolve_hook

if TYPE_CHECKING:
    from ffhost.loading.targets.definitions import FoundFunction, Other
    from ffhost.loading.targets.source import SourceFile, inspect_source
    from ffhost.loading.targets.static_check import (
        ARGUMENTS,
        check_hook,
        check_target,
        defined_functions,
    )

_HOMES = {
    "ARGUMENTS": "checking",
    "FoundFunction": "definitions",
    "Other": "definitions",
    "SourceFile": "source",
    "check_hook": "checking",
    "check_target": "checking",
    "defined_functions": "checking",
    "inspect_source": "source",
}

__all__ = [
    "ARGUMENTS",
    "FoundFunction",
    "Kind",
    "Other",
    "Place",
    "Resolved",
    "SourceFile",
    "TargetError",
    "application_kind",
    "check_hook",
    "check_target",
    "defined_functions",
    "find_place",
    "inspect_source",
    "is_async",
    "kind",
    "required_positional",
    "resolve",
    "resolve_hook",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
