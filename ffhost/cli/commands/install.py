"""``ffhost install``: the environments of functions that bring their own packages."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ffhost.cli.options import add_config_options, command_sources_without_values, echo_unseen_names
from ffhost.errors import ConfigError

if TYPE_CHECKING:
    from ffhost.config import LoadedConfig
    from ffhost.deploy.environments.needed_environment import NeededEnvironment


@click.command()
@click.argument("names", nargs=-1, metavar="[FUNCTION]...")
@add_config_options
@click.option("--check", is_flag=True, help="Make nothing; fail if an environment is missing.")
@click.option("--prune", is_flag=True, help="Remove environments that no function needs.")
@click.option(
    "--installer", type=click.Choice(["uv", "pip"]), help="Default: uv where it is found."
)
@click.option(
    "--requirements",
    "files",
    multiple=True,
    metavar="FILE",
    help="Make the environment of a file, without a configuration. Repeatable.",
)
@click.option("--extra", "extras", multiple=True, help="An extra of ffhost, with --requirements.")
def command(names: tuple[str, ...], files: tuple[str, ...], **options: Any) -> None:
    """Make the virtual environments of functions with ``requirements``.

    They are kept below .ffhost/environments beside the configuration, named by their content: one
    that is complete is left alone, and functions with the same requirements share one.

    \b
    Examples:
      ffhost install
      ffhost install --check
      ffhost install --prune
      ffhost install resize
    """
    check, prune = options.pop("check"), options.pop("prune")
    installer, extras = options.pop("installer"), options.pop("extras")
    if files:
        if names or prune:
            raise click.UsageError("--requirements goes without functions and --prune")
        from ffhost.deploy.environments.needed_environment import environment_for_requirements

        needed = {", ".join(files): environment_for_requirements(Path.cwd(), files, extras)}
        _make(needed, check, installer)
        return
    if check and prune:
        raise click.UsageError("--check changes nothing, and --prune removes environments")
    from ffhost.config import load_config

    config = load_config(command_sources_without_values(options))
    echo_unseen_names(config)
    needed = _needed(config, names)
    if not needed:
        click.echo("no function has requirements of its own")
    _make(needed, check, installer)
    if prune:
        from ffhost.deploy.environments.installer import prune_virtual_environments as remove

        for name in remove(config.base, _needed(config, ()).values()):
            click.echo(f"removed {name}")


def _needed(config: LoadedConfig, names: tuple[str, ...]) -> dict[str, NeededEnvironment]:
    """Return the environments of the functions *names*, or of all.

    Raises:
        WrongCommandUse: there is no such function
        ConfigError: its files cannot be installed
    """
    from ffhost.cli.function_client import choose_command_function
    from ffhost.deploy.environments.needed_environment import environment_needed_by

    functions = [choose_command_function(config, name) for name in names]
    problems, found = [], {}
    for name in functions or config.settings.functions:
        try:
            needed = environment_needed_by(config, name)
        except ConfigError as error:
            problems += [each for each in error.problems if each not in problems]
            continue
        if needed is not None:
            found[name] = needed
    if problems:
        raise ConfigError(problems)
    return found


def _make(needed: Mapping[str, NeededEnvironment], check: bool, installer: str | None) -> None:
    """Make every environment; end with status 1 if one of them is not complete."""
    failed = [name for name, each in needed.items() if not _told(name, each, check, installer)]
    if failed:
        sys.exit(1)


def _told(name: str, needed: NeededEnvironment, check: bool, installer: str | None) -> bool:
    """Make one environment and tell of it; return whether it is complete."""
    from ffhost.deploy.environments.install_failures import EnvironmentInstallFailed
    from ffhost.deploy.environments.installer import make_virtual_environment

    missing = needed.state()
    if missing is None:
        click.echo(f"{name}: {needed.place.name} is there")
        return True
    if check:
        click.echo(f"{name}: {missing}; run: ffhost install", err=True)
        return False
    started = time.monotonic()
    try:
        made = make_virtual_environment(needed, installer)
    except EnvironmentInstallFailed as error:
        click.echo(f"{name}: {error}", err=True)
        for line in error.notes:
            click.echo(f"  {line}", err=True)
        return False
    took = f"made in {time.monotonic() - started:.1f} s" if made else "is there"
    click.echo(f"{name}: {needed.place.name} {took}")
    return True
