"""``ffhost schema``: the JSON schema that lets an editor complete and explain functions.yaml."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the JSON schema of functions.yaml (draft 2020-12).

    An editor with a YAML language server uses it for a file with this first line:

    \b
      # yaml-language-server: $schema=functions.schema.json

    \b
    Examples:
      ffhost schema > functions.schema.json
    """
    from ffhost.config.json_schema import config_schema_json

    click.echo(config_schema_json(), nl=False)
