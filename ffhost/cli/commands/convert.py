"""``ffhost convert``: one event in its three forms. Nothing is called or sent."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ffhost.cli.exit_messages import CommandFailed, paint_terminal_text
from ffhost.cli.function_client import read_header_options
from ffhost.config.terminal import wants_color

if TYPE_CHECKING:
    from ffhost.events.builders import Form

FORMS = ("background", "binary", "structured")
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*?)[ \t]*\r?\n")
_REQUEST_LINE = re.compile(rb"[A-Z]+ \S+( HTTP/[0-9.]+)?\r?\n")


@click.command()
@click.argument("file", default="-", metavar="[FILE]")
@click.option("--to", type=click.Choice(FORMS), help="Show only this form, without a heading.")
@click.option("--header", "-H", "headers", multiple=True, metavar="NAME:VALUE", help="Repeatable.")
@click.option(
    "--topic", help="Topic of a Pub/Sub push message, which does not contain it.", metavar="NAME"
)
def command(file: str, to: str | None, headers: tuple[str, ...], topic: str | None) -> None:
    """Show an event as a background event, and as a CloudEvent in binary and structured mode.

    Reads FILE, or stdin: the JSON of a background event, of a Pub/Sub push message or of a
    structured CloudEvent; or a CloudEvent in binary mode, with its header lines, an empty
    line, and its data. The output can be read again.

    \b
    Examples:
      ffhost convert event.json
      ffhost convert push.json --topic projects/p/topics/orders --to structured
      echo '{"id": 7}' | ffhost convert -H 'ce-id: 1' -H 'ce-type: com.example.created' \\
          -H 'ce-source: /orders' -H 'ce-specversion: 1.0'
    """
    from ffhost import events
    from ffhost.errors import RequestError
    from ffhost.events.builders import event_in_all_forms

    given, body = split_header_arguments(read_file_argument(file))
    given |= {name.lower(): value for name, value in read_header_options(headers).items()}
    path = "" if topic is None else f"/{topic if '/' in topic else _local(topic)}"
    try:
        event = events.decode_cloud_event(given, body, path)
    except RequestError as error:
        fields = "".join(f"\n  {each.field}: {each.message}" for each in error.errors)
        raise CommandFailed(error.detail.partition("; the function")[0] + fields) from error
    if isinstance(event, events.EventBatch):
        raise CommandFailed("this is a batch of events", "pass one event")
    forms = event_in_all_forms(event)._asdict()
    if to is None:
        click.echo("\n".join(_section(form, forms[form]) for form in FORMS), nl=False)
    elif forms[to] is None:
        raise CommandFailed(f"events of type {event['type']!r} have no {to} form")
    else:
        click.echo(_shown(forms[to]), nl=False)


def _local(topic: str) -> str:
    return f"projects/local/topics/{topic}"


def read_file_argument(file: str) -> bytes:
    """Return what *file* holds; ``-`` is stdin."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file!r} cannot be read: {(error.strerror or '').lower()}") from error


def split_header_arguments(text: bytes) -> tuple[dict[str, str], bytes]:
    """Split header lines, if the text begins with some, from the body behind an empty line."""
    headers: dict[str, str] = {}
    request_line = _REQUEST_LINE.match(text)
    position = request_line.end() if request_line else 0
    while (field := _FIELD.match(text, position)) is not None:
        headers[field[1].decode().lower()] = field[2].decode("latin-1")
        position = field.end()
    if not headers:
        return {"content-type": "application/json"}, text
    return headers, text[position:].removeprefix(b"\r").removeprefix(b"\n")


def _section(name: str, form: Form | None) -> str:
    title = paint_terminal_text(1, f"# {_TITLES[name]}", color=wants_color(sys.stdout.isatty()))
    return f"{title}\n" + ("(there is none)\n" if form is None else _shown(form))


_TITLES = {
    "background": "background event",
    "binary": "CloudEvent, binary mode",
    "structured": "CloudEvent, structured mode",
}


def _shown(form: Form) -> str:
    headers, body = form
    lines = [f"{name}: {value}" for name, value in headers.items()]
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        text = body.decode(errors="replace")
    return "\n".join([*lines, "", text]) + "\n"
