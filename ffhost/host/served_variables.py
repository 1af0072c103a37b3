"""The environment of each function: its ``env``, and the names by which it knows itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ffhost.config import LoadedConfig
from ffhost.config.settings import FunctionSettings
from ffhost.invocation.variables import FunctionVariables
from ffhost.loading.targets import FoundTarget, TargetPlace, find_target_place


def served_function_variables(
    config: LoadedConfig, name: str, found: FoundTarget
) -> FunctionVariables | None:
    """Return the environment of a function that runs in this process, ready for its import.

    None for a single target without a file and without ``env``: it finds the variables of the
    process, which are its own.

    Args:
        found: its target
    """
    settings = config.settings.functions[name]
    if config.framework_mode and not settings.env:
        return None
    from ffhost.execution import os_environ, subprocesses

    os_environ.install_function_environ()
    subprocesses.install_subprocess_patches()
    scope = found.module.scope
    own = {} if config.framework_mode else own_variables_of_served(settings, found.place)
    environment = FunctionVariables(scope.variables, dict(own), _disputed(config, settings))
    if scope.environment is None:
        scope.environment = environment
    return environment


def own_variables_of_served(settings: FunctionSettings, place: TargetPlace) -> dict[str, str]:
    """Return the variables by which a function knows itself, as functions-framework sets them."""
    found = {"FUNCTION_TARGET": place.attribute}
    if settings.signature is not None:
        found["FUNCTION_SIGNATURE_TYPE"] = settings.signature
    return found


def variables_of_isolated_process(config: LoadedConfig, name: str) -> dict[str, str]:
    """Return the variables that are added to the environment of an isolated function's process.

    Raises:
        LoadError: its target has no valid form, or its file does not exist
    """
    settings = config.settings.functions[name]
    if config.framework_mode:
        return settings.env
    place = find_target_place(settings.target, settings.source, config.base)
    return {**own_variables_of_served(settings, place), **settings.env}


def _disputed(config: LoadedConfig, settings: FunctionSettings) -> frozenset[str]:
    """Return the variables for which another function of this process finds something else."""
    if not settings.env:
        return frozenset()
    return _in_this_process(config).disputed(settings.env)


_last: tuple[LoadedConfig, _Variables] | None = None


class _Variables:
    """What the functions of this process declare: counted once, whatever their number."""

    def __init__(self, declared: Sequence[dict[str, str]]) -> None:
        self._functions = len(declared)
        self._times = Counter(item for each in declared for item in each.items())

    def disputed(self, env: dict[str, str]) -> frozenset[str]:
        """Return the names for which a function does not find the value that *env* has."""
        return frozenset(item[0] for item in env.items() if self._times[item] < self._functions)


def _in_this_process(config: LoadedConfig) -> _Variables:
    global _last
    if _last is None or _last[0] is not config:
        names = [config.single] if config.single is not None else list(config.settings.functions)
        functions = [config.settings.functions[name] for name in names]
        here = [each.env for each in functions if each.enabled and each.isolation == "thread"]
        _last = config, _Variables(here)
    return _last[1]
