"""``ffhost doctor``: whether this installation can serve this configuration."""

from __future__ import annotations

import json
from typing import Any

import click

from ffhost.cli.options import add_config_options, command_sources

_MARKS = {"ok": "ok      ", "note": "note    ", "problem": "problem "}


@click.command()
@add_config_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(form: str, **options: Any) -> None:
    """Look at versions, extras, platform, configuration and ports, and say what is wrong.

    Nothing is served or imported. Exits with 1 if there is a problem.

    \b
    Examples:
      ffhost doctor
      ffhost doctor -c functions.yaml --format json
    """
    from ffhost.cli.installation import examine_installation

    findings = list(examine_installation(command_sources(options)))
    if form == "json":
        click.echo(json.dumps([each._asdict() for each in findings], indent=2, ensure_ascii=False))
    else:
        width = max(len(each.topic) for each in findings)
        for each in findings:
            click.echo(f"{_MARKS[each.state]}{each.topic.ljust(width)}  {each.text}")
            if each.hint is not None:
                click.echo(f"{' ' * (10 + width)}hint: {each.hint}")
    if any(each.state == "problem" for each in findings):
        raise SystemExit(1)
