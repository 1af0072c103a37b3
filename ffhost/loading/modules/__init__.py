"""Loading of the user's modules: each source folder is isolated, installed packages are shared.

`load_module` imports a file, `providers` adds modules that only user code can import.
Knows nothing of targets, settings or requests.

Not isolated: the environment, the current folder, installed packages and their state, the
interpreter's lock, and compiled extensions that refuse to be loaded twice.
"""

from __future__ import annotations

from ffhost.loading.modules.module_loader import (
    has_module_changed,
    importing_at_most_once,
    load_module,
    load_module_named,
    module_import_seconds,
    module_scope_of_folder,
)
from ffhost.loading.modules.package_imports import module_needs_its_package
from ffhost.loading.modules.package_roots import ModuleHome, module_base, module_home_of
from ffhost.loading.modules.private_names import (
    error_with_plain_module_names,
    plain_module_name,
    with_plain_module_names,
)
from ffhost.loading.modules.scopes import (
    SCOPE_KEY,
    ModuleScope,
    Provide,
    module_scope_of,
    providers,
)
from ffhost.loading.modules.tracebacks import innermost_user_frame, user_error_text, user_stack_text

__all__ = [
    "SCOPE_KEY",
    "ModuleHome",
    "ModuleScope",
    "Provide",
    "error_with_plain_module_names",
    "has_module_changed",
    "importing_at_most_once",
    "innermost_user_frame",
    "load_module",
    "load_module_named",
    "module_base",
    "module_home_of",
    "module_import_seconds",
    "module_needs_its_package",
    "module_scope_of",
    "module_scope_of_folder",
    "plain_module_name",
    "providers",
    "user_error_text",
    "user_stack_text",
    "with_plain_module_names",
]
