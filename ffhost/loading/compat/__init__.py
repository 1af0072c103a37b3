"""Names that functions-framework's functions import, for user code only.

``sys.modules`` is not changed for other code: `install` registers providers, and
`ffhost.loading.modules` asks them when the code of a source folder imports. Knows neither requests
nor servers.

========================================  ==================================================
``functions_framework``                   ours, also where the original is installed
``cloudevents.http`` and its like         the old API where cloudevents 2.x keeps it
``google.cloud.functions.context``        ours, where no installed package has it
========================================  ==================================================

Libraries do not see these names: an installed package that imports ``cloudevents.http`` itself
needs a version of its own for cloudevents 2.x.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ffhost.loading.modules import Provide, providers


def _provided_by(home: str) -> Provide:
    """Return the provider in the module *home*, which is imported at its first use."""

    def provide(name: str) -> ModuleType | None:
        module: ModuleType | None = import_module(f"{__name__}.{home}").provide(name)
        return module

    return provide


_PROVIDERS = {
    "functions_framework": _provided_by("framework_names"),
    "cloudevents": _provided_by("cloudevents1"),
    "google": _provided_by("google_context"),
}

_switched_off = False


def install() -> None:
    """Provide user code with the names of functions-framework, unless that was switched off."""
    if not _switched_off:
        providers.update(_PROVIDERS)


def uninstall() -> None:
    """Remove the names; modules that were imported stay imported."""
    for name, provide in _PROVIDERS.items():
        if providers.get(name) is provide:
            del providers[name]


def switch(*, on: bool) -> None:
    """Switch the names on or off for this process and those that it forks (``--no-compat``)."""
    global _switched_off
    _switched_off = not on
    if not on:
        uninstall()


__all__ = ["install", "switch", "uninstall"]
