"""``ffhost plan``: what a changed configuration would do. Applies nothing."""

from __future__ import annotations

import sys

import click

from ffhost.cli.options import command_sources_without_values, echo_unseen_names
from ffhost.config import LoadedConfig, attempt_config
from ffhost.config.terminal import wants_color
from ffhost.errors import ConfigError


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(old: str, new: str, format: str) -> None:
    """Compare two configurations, effective value by effective value.

    Lists the functions that are added, removed and changed, what a reload applies and what
    needs a restart. OLD and NEW are files or folders; the environment counts for both.

    \b
    Examples:
      git show HEAD:functions.yaml > /tmp/old.yaml
      ffhost plan /tmp/old.yaml functions.yaml
    """
    from ffhost.config.changes import plan_config_changes, show_config_plan

    before, after = _loaded(old, new)
    echo_unseen_names(before, after)
    changes = plan_config_changes(before, after)
    click.echo(show_config_plan(changes, format, color=wants_color(sys.stdout.isatty())), nl=False)


def _loaded(*names: str) -> list[LoadedConfig]:
    """Load the configurations.

    Raises:
        ConfigError: one is wrong; the error holds the problems of all
    """
    attempts = [attempt_config(command_sources_without_values({"config": name})) for name in names]
    problems = dict.fromkeys(problem for each in attempts for problem in each.problems)
    if problems:
        raise ConfigError(list(problems))
    return [each.config for each in attempts if each.config is not None]
