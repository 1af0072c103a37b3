"""``ffhost check``: report every mistake without serving."""

from __future__ import annotations

import sys
from typing import Any, Literal

import click

from ffhost.cli.exit_messages import errors_as_exit_messages
from ffhost.cli.options import (
    add_config_options,
    add_what_argument,
    command_sources,
    command_sources_without_values,
    echo_unseen_names,
)
from ffhost.config import LoadedConfig
from ffhost.config.terminal import wants_color


@click.command()
@add_what_argument
@add_config_options
@click.option(
    "--import/--no-import",
    "imports",
    default=True,
    help="Import user code as serve does, or only read it, so that none of it runs.",
)
@click.option("--public", is_flag=True, help="Name the functions that anybody may call.")
@click.option(
    "--format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="json: an array of records; github: annotations of a workflow.",
)
def command(
    what: str | None,
    imports: bool,
    public: bool,
    format: Literal["text", "json", "github"],
    **options: Any,
) -> None:
    """Check the configuration and its functions without serving them.

    All mistakes are shown together, each with its line and a hint. Exits with 0 if
    'ffhost serve' would start, else with 2. Start-up hooks do not run. FILE and FUNCTION are as
    for 'ffhost serve'.

    \b
    Examples:
      ffhost check
      ffhost check main.py
      ffhost check -c deploy/ --no-import
      ffhost check --format github
      ffhost check --public
    """
    from ffhost.cli.full_check import run_full_check
    from ffhost.cli.typed_targets import apply_command_argument
    from ffhost.config.diagnostics import show_config_problems
    from ffhost.errors import ConfigError

    with errors_as_exit_messages(format):
        apply_command_argument(what, options)
        given = command_sources(options) if imports else command_sources_without_values(options)
        found = run_full_check(given, read_only=not imports)
        if found.problems or found.config is None:
            raise ConfigError([*found.problems, *found.warnings])
    echo_unseen_names(found.config)
    warned = [*found.warnings, *found.habits]
    if warned:
        click.echo(
            show_config_problems(warned, color=wants_color(sys.stderr.isatty())), err=True, nl=False
        )
    if format == "json":
        click.echo("[]")
    elif format == "text":
        click.echo(_verdict(found.config, imports, len(found.warnings), found.unjudged))
        if public:
            click.echo(_public(found.config))


def _public(config: LoadedConfig) -> str:
    settings = config.settings
    names = settings.functions if config.single is None else [config.single]
    found = [name for name in names if settings.function(name).auth in (None, ["public"])]
    return f"public: {', '.join(found) or 'none'}"


def _verdict(config: LoadedConfig, imported: bool, warned: int, unjudged: list[str]) -> str:
    count = 1 if config.single is not None else len(config.settings.functions)
    what = "1 function" if count == 1 else f"{count} functions"
    text = f"no problems: {what} {'loaded' if imported else 'read'}, revision {config.revision}"
    if warned:
        text += f"; {warned} of them unavailable, which on_load_error allows"
    if unjudged:
        shown = ", ".join(unjudged[:5]) + (", ..." if len(unjudged) > 5 else "")
        text += f"\n{len(unjudged)} can only be checked by importing: {shown}"
    return text
