"""``ffhost config``: the effective configuration, each value with where it came from."""

from __future__ import annotations

from typing import Any

import click

from ffhost.cli.options import add_config_options, command_sources


@click.command()
@add_config_options
@click.option(
    "--format",
    type=click.Choice(["table", "yaml", "json"]),
    default="table",
    show_default=True,
    help="yaml can be used as a configuration; origins are its comments.",
)
def command(format: str, **options: Any) -> None:
    """Show the effective configuration, and where each value came from.

    An origin is a line of a file, a variable, a flag, or 'default'. Secrets are hidden.

    \b
    Examples:
      ffhost config
      PORT=9000 ffhost config | grep server.port
      ffhost config -c functions.yaml --set functions.hello.timeout=5s --format yaml
    """
    from ffhost.config import load_config
    from ffhost.config.effective import show_config

    click.echo(show_config(load_config(command_sources(options)), format), nl=False)
