"""``ffhost status``: the state of a running host, read from its admin listener."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ffhost.cli.options import add_config_options, command_sources
from ffhost.config import load_config
from ffhost.errors import StartupError

_TIMEOUT_SECONDS = 5.0


@click.command()
@add_config_options
@click.option("--url", help="The admin listener. Default: the one of the configuration.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(url: str | None, form: str, **options: Any) -> None:
    """Show the state of a running host: its workers, and what each function does.

    Exits with 0 if the host is ready, else with 1.

    \b
    Examples:
      ffhost status
      ffhost status --url 127.0.0.1:9901 --format json
    """
    base = (url or _configured(options)).rstrip("/")
    if "://" not in base:
        base = f"http://{base}"
    health, functions = _get(f"{base}/health"), _get(f"{base}/functions")
    if form == "json":
        click.echo(json.dumps({"health": health, **functions}, indent=2, ensure_ascii=False))
    else:
        click.echo(_text(health, functions), nl=False)
    if health["status"] not in ("ready", "degraded"):
        raise SystemExit(1)


def _configured(options: Mapping[str, Any]) -> str:
    admin = load_config(command_sources(options)).settings.admin
    if not admin.enabled:
        raise StartupError(
            "the admin listener is off in this configuration; write 'admin: {enabled: true}', "
            "or pass --url"
        )
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(admin.host, admin.host)
    return f"http://[{host}]:{admin.port}" if ":" in host else f"http://{host}:{admin.port}"


def _get(url: str) -> Any:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, build_opener

    # The listener is on this machine or network: a proxy named in the environment is not used.
    opener = build_opener(ProxyHandler({}))
    try:
        try:
            with opener.open(url, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except HTTPError as error:
            if error.code != 503:
                raise
            return json.load(error)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise StartupError(f"no answer from {url}: {str(reason).lower()}") from error


def _text(health: Mapping[str, Any], functions: Mapping[str, Any]) -> str:
    workers = health["workers"]
    lines = [
        f"{health['status']}, {workers} worker{'' if workers == 1 else 's'}, "
        f"revision {health['revision']}, ffhost {health['version']}"
    ]
    refused = health["reloads"]["refused"]
    if refused:
        lines.append(f"the last configuration was refused: {refused}")
    rows: list[tuple[str, ...]]
    rows = [("function", "status", "path", "signature", "in flight", "queued", "calls", "failed")]
    rows += [_row(each) for each in functions["functions"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines.append("")
    for row in rows:
        cells = [
            cell.rjust(width) if column > 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _row(function: Mapping[str, Any]) -> tuple[str, ...]:
    calls = function["calls"] or {}
    failed = sum(calls.get(outcome, 0) for outcome in ("crash", "timeout", "rejected"))
    return (
        function["name"],
        function["status"],
        function["path"],
        function["signature"],
        str(function["in_flight"]),
        str(function["queued"]),
        str(sum(calls.values())),
        str(failed),
    )
