"""What was typed after ``serve`` and ``dev``: a file, a function, or both."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ffhost.cli.exit_messages import WrongUse
from ffhost.config import DEFAULT_FILE


def apply_typed(typed: str | None, options: dict[str, Any]) -> None:
    """Set the *options* that *typed* stands for.

    ``functions.yaml`` or a folder is the configuration; ``main.py:hello`` and ``module:hello`` are
    one function; ``main.py`` is the only function of that file; ``hello`` is that function of the
    configuration, or of ``main.py`` where there is no configuration.

    Raises:
        WrongUse: it contradicts an option, or does not say which function is meant
    """
    if typed is None:
        return
    path = Path(typed)
    if typed.endswith((".yaml", ".yml")) or path.is_dir():
        _set(options, "config", typed, beside=())
    elif ":" in typed:
        _set(options, "target", typed)
    elif typed.endswith(".py"):
        _set(options, "target", f"{typed}:{_only_function(path)}")
    else:
        _set(options, "target", typed, beside=())
        if (
            options["source"] is None
            and options["config"] is None
            and not os.environ.get("FFHOST_CONFIG")
        ):
            options["config"] = DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None


def _set(
    options: dict[str, Any], name: str, value: str, beside: Iterable[str] = ("source",)
) -> None:
    for other in (name, *beside):
        if options[other] is not None:
            raise WrongUse(f"{value!r} and --{other} {options[other]!r} contradict each other")
    options[name] = value


def _only_function(file: Path) -> str:
    """Return the name of the one function that *file* defines for a host."""
    from ffhost.cli.scaffold.found_functions import guess
    from ffhost.errors import LoadError
    from ffhost.loading.targets import defined_functions

    if not file.exists():
        near = ", ".join(sorted(map(str, Path().glob("*.py"))))
        raise WrongUse(f"no file {str(file)!r}", f"here are: {near}" if near else None)
    try:
        functions = defined_functions(file.absolute()).values()
    except LoadError as error:
        raise WrongUse(error.message, error.hint) from error
    marked = [each.name for each in functions if each.signature is not None]
    found = marked or [each.name for each in functions if guess(each) is not None]
    if len(found) == 1:
        return found[0]
    if not found:
        raise WrongUse(
            f"{file} defines no function that looks like one to serve",
            f"name it: ffhost serve {file}:NAME",
        )
    raise WrongUse(
        f"{file} defines {', '.join(found)}",
        f"for one write {file}:{found[0]}; for all list them in {DEFAULT_FILE}, as "
        "'ffhost init --from-functions-framework .' does",
    )
