"""Names that functions-framework's functions import.

========================================  ==================================================
``functions_framework``                   ours, for user code also beside the original
``cloudevents.http`` and its like         the old API where cloudevents 2.x keeps it
``google.cloud.functions.context``        ours, where no installed package has it
========================================  ==================================================

`install_compat_names` registers providers, which `ffhost.loading.modules` asks first when the code
of a source folder imports. All other code, such as tests and libraries, gets the same modules from
`last_resort` where nothing that is installed has the name. Knows neither requests nor servers.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from ffhost.loading.compat import last_resort
from ffhost.loading.modules import Provide, providers


def _provided_by(home: str) -> Provide:
    """Return the provider in the module *home*, which is imported at its first use."""

    def provide(name: str) -> ModuleType | None:
        module: ModuleType | None = import_module(f"{__name__}.{home}").provide_module(name)
        return module

    return provide


_PROVIDERS = {
    "functions_framework": _provided_by("framework_names"),
    "cloudevents": _provided_by("cloudevents1"),
    "google": _provided_by("google_context"),
}

_switched_off = False


def _framework_for_all(name: str) -> ModuleType | None:
    """Provide our ``functions_framework`` where there is no other, nor the stand-in."""
    from ffhost.loading.compat.presence import is_module_installed

    top, _, child = name.partition(".")
    if child:
        replaced = sys.modules.get(top) is not sys.modules.get(f"{__name__}.framework")
    else:
        replaced = is_module_installed(top)
    return None if replaced else _PROVIDERS[top](name)


def install_compat_names() -> None:
    """Provide the names of functions-framework, unless that was switched off."""
    if not _switched_off:
        providers.update(_PROVIDERS)
        install_compat_for_all()


def install_compat_for_all() -> last_resort.LastResortFinder:
    """Provide code that no host has loaded with the names that nothing installed has."""
    return last_resort.install_last_resort_finder(
        {**_PROVIDERS, "functions_framework": _framework_for_all}
    )


def put_compat_for_stand_in(name: str) -> None:
    """Put our ``functions_framework`` in the place of the stand-in, which calls this as *name*."""
    sys.modules[name] = import_module(f"{__name__}.framework")
    install_compat_for_all().move_to_front()


def uninstall_compat_names() -> None:
    """Remove the names; modules that were imported stay imported."""
    last_resort.uninstall_last_resort_finder()
    for name, provide in _PROVIDERS.items():
        if providers.get(name) is provide:
            del providers[name]


def switch_compat_names(*, on: bool) -> None:
    """Switch the names on or off for this process and those that it forks (``--no-compat``)."""
    global _switched_off
    _switched_off = not on
    if not on:
        uninstall_compat_names()


__all__ = [
    "install_compat_for_all",
    "install_compat_names",
    "put_compat_for_stand_in",
    "switch_compat_names",
    "uninstall_compat_names",
]
