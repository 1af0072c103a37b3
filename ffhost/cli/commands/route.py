"""``ffhost route``: who would get an event, and which filter keeps it from the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ffhost.cli.exit_messages import CommandFailed
from ffhost.cli.options import add_config_options, command_sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffhost.config import LoadedConfig
    from ffhost.events.event_routes import EventRoute
    from ffhost.events.incoming_events import ReceivedEvent


@click.command()
@click.argument("file", default="-", metavar="[EVENT]")
@add_config_options
@click.option("--sql", metavar="EXPRESSION", help="Show what a CESQL expression is worth instead.")
@click.option("--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(file: str, sql: str | None, format: str, **options: Any) -> None:
    """Show for every function whether it would get the event, and by which subscription.

    EVENT is a file, or - for stdin, with the JSON of a CloudEvent, of a batch, of a background
    event or of a Pub/Sub push message; or with header lines, an empty line and the data.
    Functions are not imported, and nothing is called.

    With --sql the value of the expression for the event is printed as JSON. One that fails
    ends with 1, and the kind of error stands on stderr: parse, math, cast, missingAttribute,
    missingFunction or functionEvaluation.

    \b
    Examples:
      ffhost route event.json
      ffhost route event.json --format json
      ffhost route event.json --sql "type LIKE 'com.example.%' AND EXISTS subject"
    """
    events = _read(file)
    if sql is not None:
        for event in events:
            _evaluate(sql, event.attributes)
        return
    from ffhost.config import load_config

    config = load_config(command_sources(options))
    routes = [_routes(config, event) for event in events]
    if format == "json":
        shown = [[route._asdict() for route in each] for each in routes]
        click.echo(json.dumps(shown if len(shown) > 1 else shown[0], indent=2, ensure_ascii=False))
        return
    for number, (event, found) in enumerate(zip(events, routes, strict=True)):
        if len(events) > 1:
            click.echo(f"{'' if number == 0 else chr(10)}# {event.attributes['id']}")
        _show(config, found)


def _read(file: str) -> tuple[ReceivedEvent, ...]:
    from ffhost.cli.commands.convert import read_file_argument, split_header_arguments
    from ffhost.errors import RequestError
    from ffhost.events.incoming_events import read_events

    headers, body = split_header_arguments(read_file_argument(file))
    if body.lstrip()[:1] == b"[" and headers.get("content-type") == "application/json":
        headers["content-type"] = "application/cloudevents-batch+json"
    try:
        return read_events(headers, body).events
    except RequestError as error:
        fields = "".join(f"\n  {each.field}: {each.message}" for each in error.errors)
        raise CommandFailed(error.detail.partition("; this address")[0] + fields) from error


def _evaluate(sql: str, attributes: Mapping[str, Any]) -> None:
    from ffhost.events.cesql import CesqlError, CesqlExpression

    try:
        click.echo(json.dumps(CesqlExpression(sql).evaluate(attributes), ensure_ascii=False))
    except CesqlError as error:
        where = "" if error.position is None else f" at character {error.position + 1}"
        click.echo(f"{error.kind}: {error}{where}", err=True)
        raise SystemExit(1) from None


def _routes(config: LoadedConfig, event: ReceivedEvent) -> list[EventRoute]:
    from ffhost.errors import ConfigError
    from ffhost.events.declared_subscriptions import compile_subscriptions
    from ffhost.events.event_routes import event_routes

    names = list(config.settings.functions) if config.single is None else [config.single]
    table, problems = compile_subscriptions(config, names)
    if problems:
        raise ConfigError(problems)
    return event_routes(names, table.subscriptions, event.attributes)


def _show(config: LoadedConfig, routes: list[EventRoute]) -> None:
    from ffhost.cli.tables import align_table_columns

    rows = [(each.function, "yes" if each.matched else "no", each.by) for each in routes]
    click.echo(align_table_columns([("function", "gets it", "by"), *rows]), nl=False)
    if config.settings.events is None:
        click.echo("\nnote: there is no address for events: write 'events: {}'", err=True)
