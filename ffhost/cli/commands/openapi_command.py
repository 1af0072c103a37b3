"""``ffhost openapi``: an OpenAPI 3.1 document of http and typed functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ffhost.cli.options import add_config_options, command_sources_without_values, echo_unseen_names


@click.command()
@add_config_options
@click.option("--title", help="Title of the API. Default: openapi.title, or the folder's name.")
@click.option("--api-version", help="Version of the API. Default: openapi.version.")
@click.option("--server", "servers", multiple=True, metavar="URL", help="Repeatable.")
@click.option("--format", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@click.option("--output", "-o", metavar="FILE", help="Write to this file instead of stdout.")
def command(
    title: str | None,
    api_version: str | None,
    servers: tuple[str, ...],
    format: str,
    output: str | None,
    **options: Any,
) -> None:
    """Describe http and typed functions in OpenAPI 3.1.

    Types come from annotations: what a typed function takes and returns, and what an http
    function returns. Descriptions come from docstrings, parameters from paths. Functions
    are imported but not called.

    \b
    Examples:
      ffhost openapi > openapi.yaml
      ffhost openapi --format json --server https://api.example.com -o openapi.json
    """
    from ffhost.cli.full_check import load_for_check_command
    from ffhost.cli.scaffold.new_files import write_command_file
    from ffhost.config import load_config
    from ffhost.deploy.openapi import make_openapi_document, openapi_title_and_version

    config = load_config(command_sources_without_values(options))
    echo_unseen_names(config)
    own_title, own_version = openapi_title_and_version(config)
    with load_for_check_command(config) as host:
        described = make_openapi_document(
            config,
            host.functions.values(),
            title or own_title,
            api_version or own_version,
            servers=servers,
        )
    text = _yaml(described) if format == "yaml" else json.dumps(described, indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_command_file(Path(output), text)


def _yaml(value: dict[str, Any]) -> str:
    import yaml

    # Copied through JSON, because schemas that two places share would become aliases.
    plain = json.loads(json.dumps(value))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text
