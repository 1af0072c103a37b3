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
    signature_of,
)
from ffhost.loading.targets.places import TargetPlace, find_place
from ffhost.loading.targets.resolution import Resolved, resolve, resolve_hook, scope_of

if TYPE_CHECKING:
    from ffhost.loading.targets.definitions import FoundFunction, Other
    from ffhost.loading.targets.source import SourceFile, inspect_source
    from ffhost.loading.targets.source_habits import relative_files, tests_plain_name
    from ffhost.loading.targets.static_check import (
        ARGUMENTS,
        check_hook,
        check_target,
        defined_functions,
        source_file,
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
    "relative_files": "ffhost.loading.targets.source_habits",
    "source_file": "ffhost.loading.targets.static_check",
    "tests_plain_name": "ffhost.loading.targets.source_habits",
}

__all__ = [
    "ARGUMENTS",
    "FoundFunction",
    "Kind",
    "Other",
    "Resolved",
    "SourceFile",
    "TargetPlace",
    "application_kind",
    "check_hook",
    "check_target",
    "defined_functions",
    "find_place",
    "inspect_source",
    "is_async",
    "kind",
    "relative_files",
    "required_positional",
    "resolve",
    "resolve_hook",
    "scope_of",
    "signature_of",
    "source_file",
    "tests_plain_name",
]


__getattr__ = lazy_names(__name__, _HOMES)
