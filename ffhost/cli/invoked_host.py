"""What `ffhost invoke` serves in this process: the function, and those that it may call."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ffhost.cli.typed_targets import TypedFileFunctions
from ffhost.config import ConfigSources, LoadedConfig
from ffhost.config.settings import FunctionSettings
from ffhost.errors import LoadError

_CALLS_BY_NAME: Final = re.compile(rb"\bffhost\.call(_sync)?\b|\bfrom ffhost import\b.*\bcall")


def host_for_invoke_command(given: ConfigSources, config: LoadedConfig, name: str) -> ConfigSources:
    """Return the sources of a host that serves *name* at its own path.

    Others that it may call by name are served beside it, and loaded when it does.
    """
    if config.single is not None:
        return given if config.has_file else _with_its_file(given, config, name)
    sets = [f"functions.{name}.lazy=false"] if config.settings.functions[name].lazy else []
    if _called(config, name):
        return _serving(given, sets + _lazy(config, name))
    alone = replace(
        given, config=given.named_config, flags={**given.flags, "target": ("NAME", name)}
    )
    return _serving(alone, sets)


def _called(config: LoadedConfig, name: str) -> list[str]:
    """Return the other functions that *name* may call."""
    functions = config.settings.functions
    allowed = functions[name].calls
    return [each for each in functions if each != name and (allowed is None or each in allowed)]


def _lazy(config: LoadedConfig, name: str) -> list[str]:
    """Return what makes all functions but *name* load at their first call."""
    return [
        text
        for other, settings in config.settings.functions.items()
        if other != name
        for text in _lazy_settings(other, settings)
    ]


def _lazy_settings(name: str, settings: FunctionSettings) -> list[str]:
    """Return the settings of one; without a signature it can be no tool and take no events."""
    found = [f"functions.{name}.lazy=true"]
    if settings.signature is None and settings.tool:
        found.append(f"functions.{name}.tool=false")
    if settings.signature is None and settings.subscriptions:
        found.append(f"functions.{name}.subscriptions=[]")
    return found


def _serving(given: ConfigSources, sets: list[str]) -> ConfigSources:
    return replace(given, sets=(*given.sets, *sets)) if sets else given


def _with_its_file(given: ConfigSources, config: LoadedConfig, name: str) -> ConfigSources:
    """Return the sources of all functions of a source file, if it calls any by name."""
    settings = config.settings.functions[name]
    label = settings.source or settings.target.partition(":")[0]
    try:
        if not label.endswith(".py") or not _CALLS_BY_NAME.search(Path(label).read_bytes()):
            return given
        listing = TypedFileFunctions(label)
        names = set(listing.targets())
    except (LoadError, OSError):
        return given
    if name not in names or len(names) == 1 or "signature_type" in given.flags:
        return given
    return _serving(_listed(given, listing), _beside(name, settings.path, sorted(names - {name})))


def _listed(given: ConfigSources, listing: TypedFileFunctions) -> ConfigSources:
    flags: dict[str, Any] = {
        key: value for key, value in given.flags.items() if key not in ("target", "source")
    }
    return replace(given, flags=flags, listing=listing)


def _beside(name: str, path: str, others: list[str]) -> list[str]:
    return [f"functions.{name}.path={path}", *(f"functions.{each}.lazy=true" for each in others)]
