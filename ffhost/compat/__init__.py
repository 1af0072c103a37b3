"""Names that functions-framework's functions import, for user code only.

Nothing here changes ``sys.modules`` for anybody else: `install` registers providers, and
`ffhost.modules` asks them when the code of a source folder imports. Knows neither requests
nor servers.

========================================  ==================================================
``functions_framework``                   ours, also where the original is installed
``cloudevents.http`` and its like         the old API where cloudevents 2.x keeps it
``google.cloud.functions.context``        ours, where no installed package has it
========================================  ==================================================

Library code is left alone: an installed package that imports ``cloudevents.http`` itself
needs a version of its own for cloudevents 2.x.
"""

from __future__ import annotations

from ffhost.compat import cloudevents1, framework_names, google_context
from ffhost.modules import Provide, providers

_PROVIDERS: dict[str, Provide] = {
    "functions_framework": framework_names.provide,
    "cloudevents": cloudevents1.provide,
    "google": google_context.provide,
}


def install() -> None:
    """Let user code import the names of functions-framework."""
    providers.update(_PROVIDERS)


def uninstall() -> None:
    """Take the names back, for ``--no-compat``; what has been imported stays imported."""
    for name, provide in _PROVIDERS.items():
        if providers.get(name) is provide:
            del providers[name]


__all__ = ["install", "uninstall"]
