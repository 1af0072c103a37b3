"""Resolution of targets to callables, by importing or by reading the source.

`resolve` imports; `check_target`, `check_hook`, `defined_functions` and `inspect_source` only
read, and are loaded when they are first used. Knows nothing of requests; of signatures only
their names and how many arguments they pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._lazy import lazy_names
from ffhost.loading.targets.callables import (
    Kind,
    application_kind,
    is_async,
    kind,
    required_positional,
)
from ffhost.loading.targets.places import Place, find_place
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
    "ARGUMENTS": "ffhost.loading.targets.static_check",
    "FoundFunction": "ffhost.loading.targets.definitions",
    "Other": "ffhost.loading.targets.definitions",
    "SourceFile": "ffhost.loading.targets.source",
    "check_hook": "ffhost.loading.targets.static_check",
    "check_target": "ffhost.loading.targets.static_check",
    "defined_functions": "ffhost.loading.targets.static_check",
    "inspect_source": "ffhost.loading.targets.source",
}

__all__ = [
    "ARGUMENTS",
    "FoundFunction",
    "Kind",
    "Other",
    "Place",
    "Resolved",
    "SourceFile",
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


__getattr__ = lazy_names(__name__, _HOMES)
