"""What was typed after ``serve``, ``dev`` and ``check``: a file, a function, or both."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ffhost.cli.exit_messages import WrongCommandUse
from ffhost.config import DEFAULT_FILE
from ffhost.errors import LoadError


@dataclass(frozen=True, slots=True)
class TypedFileFunctions:
    """The functions of a source file that nothing else lists, as a `ListedInSource`.

    They are the decorated ones, each under its name; or else the only one that looks like one.
    """

    label: str

    def targets(self) -> dict[str, str]:
        """Return their targets by name.

        Raises:
            LoadError: there is none, there are several that are not decorated, or the file
                cannot be read
        """
        from ffhost.cli.scaffold.migrated_functions import guess_migrated_signature
        from ffhost.config.single_target import single_target_name
        from ffhost.loading.targets import targets_defined_in_source

        file = Path(self.label)
        if not file.is_file():
            near = ", ".join(sorted(map(str, Path().glob("*.py"))))
            raise LoadError(f"no file {self.label!r}", f"here are: {near}" if near else None)
        functions = targets_defined_in_source(file.absolute()).values()
        marked = [each.name for each in functions if each.signature is not None]
        found = marked or [
            each.name for each in functions if guess_migrated_signature(each) is not None
        ]
        if not found:
            raise LoadError(
                f"{self.label} defines no function that looks like one to serve",
                f"name it: ffhost serve {self.label}:NAME",
            )
        if not marked and len(found) > 1:
            raise LoadError(
                f"{self.label} defines {', '.join(found)}, and none is decorated",
                f"ffhost serve {self.label}:{found[0]} serves one; with @ffhost.http above each, "
                f"ffhost serve {self.label} serves them all",
            )
        return {single_target_name(each): f"{self.label}:{each}" for each in found}


def apply_command_argument(typed: str | None, options: dict[str, Any]) -> None:
    """Set the *options* that *typed* stands for.

    ``functions.yaml`` or a folder is the configuration; ``main.py:hello`` and ``module:hello`` are
    one function; ``main.py`` is the functions of that file; ``hello`` is that function of the
    configuration, or of ``main.py`` where there is no configuration.

    Raises:
        WrongCommandUse: it contradicts an option, or does not say which function is meant
    """
    if typed is None:
        return
    path = Path(typed)
    if typed.endswith((".yaml", ".yml")) or path.is_dir():
        _set(options, "config", typed, beside=())
    elif ":" in typed:
        _set(options, "target", typed)
    elif typed.endswith(".py"):
        _list(options, TypedFileFunctions(typed))
    else:
        _set(options, "target", typed, beside=())
        if (
            options["source"] is None
            and options["config"] is None
            and not os.environ.get("FFHOST_CONFIG")
        ):
            options["config"] = DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None


def apply_invoke_argument(name: str, options: dict[str, Any]) -> str | None:
    """Set the *options* that *name* stands for after ``invoke``; return what is left of it.

    A file, or a function where there is no configuration, is taken as ``serve`` takes it.
    """
    named = (options["config"], options["target"], os.environ.get("FFHOST_CONFIG"))
    alone = not any(named) and not Path(DEFAULT_FILE).exists() and Path("main.py").exists()
    if name.endswith(".py") or ":" in name or alone:
        apply_command_argument(name, options)
        return None
    return name


def _set(
    options: dict[str, Any], name: str, value: str, beside: Iterable[str] = ("source",)
) -> None:
    _refuse(options, value, name, *beside)
    options[name] = value


def _list(options: dict[str, Any], functions: TypedFileFunctions) -> None:
    _refuse(options, functions.label, "config", "target", "source")
    try:
        several = len(functions.targets()) > 1
    except LoadError as error:
        raise WrongCommandUse(error.message, error.hint) from error
    if several:
        _refuse(options, functions.label, "signature_type")
    options["listing"] = functions


def _refuse(options: dict[str, Any], typed: str, *names: str) -> None:
    """Raise `WrongCommandUse` if one of the options *names* is given beside what was typed."""
    for name in names:
        if options[name] is not None:
            flag = f"--{name.replace('_', '-')} {options[name]!r}"
            raise WrongCommandUse(f"{typed!r} and {flag} contradict each other")
