"""Loading of the user's modules: each source folder is isolated, installed packages are shared.

`load_module` imports a file, `providers` adds modules that only user code can import.
Knows nothing of targets, settings or requests.

Not isolated: the environment, the current folder, installed packages and their state, the
interpreter's lock, and compiled extensions that refuse to be loaded twice.
"""

from __future__ import annotations

from ffhost.loading.modules.module_loader import (
    folder_scope,
    has_changed,
    import_seconds,
    load_module,
    load_name,
    one_attempt,
)
from ffhost.loading.modules.package_imports import needs_package
from ffhost.loading.modules.package_roots import Home, home_of, module_base
from ffhost.loading.modules.private_names import plain_error, plain_name, plain_text
from ffhost.loading.modules.scopes import SCOPE_KEY, Provide, Scope, providers, scope_of
from ffhost.loading.modules.tracebacks import error_text, stack_text, user_frame

__all__ = [
    "SCOPE_KEY",
    "Home",
    "Provide",
    "Scope",
    "error_text",
    "folder_scope",
    "has_changed",
    "home_of",
    "import_seconds",
    "load_module",
    "load_name",
    "module_base",
    "needs_package",
    "one_attempt",
    "plain_error",
    "plain_name",
    "plain_text",
    "providers",
    "scope_of",
    "stack_text",
    "user_frame",
]
