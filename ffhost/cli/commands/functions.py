"""``ffhost functions``: what would be served, as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ffhost.cli.options import (
    add_config_options,
    add_what_argument,
    command_sources_without_values,
    echo_unseen_names,
)

if TYPE_CHECKING:
    from ffhost.config.settings import ServerSettings
    from ffhost.invocation.function import Function


@click.command()
@add_what_argument
@add_config_options
@click.option("--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--schedules", is_flag=True, help="When functions run by the clock instead.")
def command(what: str | None, format: str, schedules: bool, **options: Any) -> None:
    """List the functions that would be served, in the order of the file.

    Functions are imported, because a signature may be written in the code only. 'runs' says
    where: on the event loop, in a thread, or in processes of its own. Slots and queue are
    totals over all workers.

    With --schedules the schedules are listed with their next three times, and nothing is
    imported. FILE and FUNCTION are as for 'ffhost serve'.

    \b
    Examples:
      ffhost functions
      ffhost functions main.py
      ffhost functions --schedules
      ffhost functions -c functions.yaml --format json
    """
    from ffhost.cli.full_check import load_for_check_command
    from ffhost.cli.tables import align_table_columns
    from ffhost.cli.typed_targets import apply_command_argument
    from ffhost.config import load_config

    apply_command_argument(what, options)
    config = load_config(command_sources_without_values(options))
    echo_unseen_names(config)
    if schedules:
        from ffhost.cli.schedule_list import print_schedule_table

        print_schedule_table(config, format)
        return
    server = config.settings.server
    with load_for_check_command(config) as host:
        records = [_record(each, server) for each in host.functions.values()]
    if format == "json":
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    heads: tuple[str, ...] = (
        "function", "path", "methods", "door", "signature", "request", "runs", "timeout", "slots",
        "queue", "target", "state",
    )  # fmt: skip
    if any(each["calls"] is not None for each in records):
        heads = (*heads[:-2], "calls", *heads[-2:])
    keys = ("name", *heads[1:])
    rows = [
        tuple("" if each[key] == "ok" else _text(key, each[key]) for key in keys)
        for each in records
    ]
    count = "1 function" if len(rows) == 1 else f"{len(rows)} functions"
    workers = "1 worker" if server.workers == 1 else f"{server.workers} workers"
    click.echo(align_table_columns([heads, *rows]), nl=False)
    click.echo(f"\n{count}, {workers}, revision {config.revision}")


def _record(function: Function, server: ServerSettings) -> dict[str, Any]:
    settings = function.settings
    runs = "loop" if function.is_async else "thread"
    return {
        "name": function.name,
        "path": function.path,
        "methods": None if function.methods is None else sorted(function.methods),
        "door": settings.auth or ["public"],
        "signature": function.signature,
        "request": function.request,
        "runs": "process" if settings.isolation == "process" else runs,
        "timeout": str(settings.timeout or "unlimited"),
        "slots": _total(settings.concurrency, server.workers),
        "queue": _total(settings.queue, server.workers),
        "calls": settings.calls,
        "target": function.target,
        "state": _state(function),
    }


def _total(limit: float | None, workers: int) -> int | str:
    if limit is None or limit == float("inf"):
        return "unlimited"
    return int(limit) * workers


def _state(function: Function) -> str:
    if function.load_error is not None:
        return f"unavailable: {function.load_error.message}"
    return "ok" if function.unavailable is None else str(function.unavailable)


def _text(key: str, value: Any) -> str:
    if value is None:
        return {"methods": "any", "calls": "all"}.get(key, "-")
    if value == []:
        return "none"
    return ",".join(value) if isinstance(value, list) else str(value)
