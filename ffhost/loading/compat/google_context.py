"""``google.cloud.functions.context``, which functions-framework contains.

``google.cloud`` is a namespace that many packages share, and ``google.cloud.functions`` may
be the client of the Cloud Functions API. Installed modules are not replaced; only missing
names are provided.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from ffhost.loading.compat.presence import is_module_installed

_PARENTS = (
    "google.cloud.functions",
    "google.cloud.functions_v1",
    "google.cloud.functions_v1beta2",
)


@cache
def provide_module(name: str) -> ModuleType | None:
    """Return the module *name* if it is one of these and no installed package has it."""
    parent = name.removesuffix(".context")
    if parent not in _PARENTS or is_module_installed(name):
        return None
    if parent == name:
        module = ModuleType(name, "Provided by ffhost for its `context` module.")
        module.__path__ = []
        return module
    from ffhost.events.background import Context

    module = ModuleType(name, "The second argument of background functions.")
    module.__dict__.update(Context=Context, __all__=["Context"])
    return module
