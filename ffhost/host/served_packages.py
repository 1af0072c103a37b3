"""The virtual environment of a function that brings its own packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost.config import LoadedConfig
from ffhost.errors import ConfigError, LoadError
from ffhost.invocation.logger import get_logger

if TYPE_CHECKING:
    from ffhost.config.diagnostics import ConfigProblem
    from ffhost.deploy.environments.needed_environment import NeededEnvironment

_KEY = "requirements"


def served_function_packages(config: LoadedConfig, name: str) -> NeededEnvironment | None:
    """Return the environment of the function *name*, which is complete; None if it has none.

    While developing it is made if it is missing.

    Raises:
        LoadError: it is missing, or cannot be made
    """
    if config.settings.functions[name].requirements is None:
        return None
    from ffhost.deploy.environments.needed_environment import environment_needed_by

    try:
        needed = environment_needed_by(config, name)
    except ConfigError as error:
        first, *others = error.problems
        notes = [_placed_message(each) for each in others]
        raise LoadError(_placed_message(first), first.hint, notes, key=_KEY) from error
    assert needed is not None
    missing = needed.state()
    if missing is not None and config.settings.server.debug:
        _make(needed, name)
    elif missing is not None:
        raise LoadError(missing, "run: ffhost install", key=_KEY)
    return needed


def _placed_message(problem: ConfigProblem) -> str:
    """Return the message, after the line of a requirements file if it is one's."""
    if problem.path or problem.origin is None:
        return problem.message
    return f"{problem.origin.place}: {problem.message}"


def _make(needed: NeededEnvironment, name: str) -> None:
    from ffhost.deploy.environments.install_failures import EnvironmentInstallFailed
    from ffhost.deploy.environments.installer import make_virtual_environment

    get_logger("ffhost").info("environment_is_made", function=name, requirements=list(needed.files))
    try:
        make_virtual_environment(needed)
    except EnvironmentInstallFailed as error:
        raise LoadError(str(error), notes=error.notes, key=_KEY) from error


def explain_error_in_served_packages(needed: NeededEnvironment, error: LoadError) -> LoadError:
    """Return *error* as one of a function that runs in an environment of its own."""
    if "is not installed" not in error.message:
        return error
    named = ", ".join(needed.files)
    return LoadError(
        f"{error.message} in the environment of {named}",
        f"add it to {named}, then: ffhost install",
        error.notes,
        key=error.key,
    )
