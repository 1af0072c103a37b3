"""Resolution of targets to callables, by importing or by reading the source.

`resolve_target` imports; `check_target_statically`, `check_hook_statically`,
`targets_defined_in_source` and `inspect_target_source` only read, and are loaded when they are
first used. Knows nothing of requests; of signatures only their names and how many arguments they
pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._lazy import lazy_names
from ffhost.loading.targets.callables import (
    Kind,
    TargetForm,
    form_of_target,
    is_async_target,
    kind_of_target,
    signature_of_target,
)
from ffhost.loading.targets.lookups import FoundTarget, TargetLookup, TargetModule
from ffhost.loading.targets.places import TargetPlace, find_target_place
from ffhost.loading.targets.resolution import (
    ResolvedTarget,
    resolve_found_target,
    resolve_hook_target,
    resolve_target,
)

if TYPE_CHECKING:
    from ffhost.loading.targets.definitions import OtherTargetDefinition, TargetDefinition
    from ffhost.loading.targets.source import TargetSourceFile, inspect_target_source
    from ffhost.loading.targets.source_habits import (
        find_relative_files_in_target_source,
        line_that_tests_module_name,
    )
    from ffhost.loading.targets.static_check import (
        ARGUMENTS,
        check_hook_statically,
        check_target_statically,
        source_file_of_target,
        targets_defined_in_source,
    )

_HOMES = {
    "ARGUMENTS": "ffhost.loading.targets.static_check",
    "TargetDefinition": "ffhost.loading.targets.definitions",
    "OtherTargetDefinition": "ffhost.loading.targets.definitions",
    "TargetSourceFile": "ffhost.loading.targets.source",
    "check_hook_statically": "ffhost.loading.targets.static_check",
    "check_target_statically": "ffhost.loading.targets.static_check",
    "targets_defined_in_source": "ffhost.loading.targets.static_check",
    "inspect_target_source": "ffhost.loading.targets.source",
    "find_relative_files_in_target_source": "ffhost.loading.targets.source_habits",
    "source_file_of_target": "ffhost.loading.targets.static_check",
    "line_that_tests_module_name": "ffhost.loading.targets.source_habits",
}

__all__ = [
    "ARGUMENTS",
    "FoundTarget",
    "Kind",
    "OtherTargetDefinition",
    "ResolvedTarget",
    "TargetDefinition",
    "TargetForm",
    "TargetLookup",
    "TargetModule",
    "TargetPlace",
    "TargetSourceFile",
    "check_hook_statically",
    "check_target_statically",
    "find_relative_files_in_target_source",
    "find_target_place",
    "form_of_target",
    "inspect_target_source",
    "is_async_target",
    "kind_of_target",
    "line_that_tests_module_name",
    "resolve_found_target",
    "resolve_hook_target",
    "resolve_target",
    "signature_of_target",
    "source_file_of_target",
    "targets_defined_in_source",
]


__getattr__ = lazy_names(__name__, _HOMES)
