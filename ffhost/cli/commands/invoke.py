"""``ffhost invoke``: call one function, in process or over HTTP, as its signature needs it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ffhost.cli.exit_messages import CommandFailed, WrongCommandUse, paint_terminal_text
from ffhost.cli.options import add_config_options, command_sources, complete_function_names
from ffhost.config.terminal import wants_color

if TYPE_CHECKING:
    from ffhost.testing import Answer


@click.command()
@click.argument("name", required=False, shell_complete=complete_function_names)
@click.argument("stdin", required=False, metavar="[-]")
@add_config_options
@click.option("--data", "-d", help="Body of the request, or data of the event; @FILE reads it.")
@click.option("--file", "-f", metavar="PATH", help="File that holds the data; - is stdin.")
@click.option("--header", "-H", "headers", multiple=True, metavar="NAME:VALUE", help="Repeatable.")
@click.option("--method", "-X", help="Default: GET without a body, POST with one.")
@click.option("--path", help="Path and query instead of the function's own path.")
@click.option(
    "--event",
    "words",
    multiple=True,
    metavar="KIND|KEY=VALUE",
    help="pubsub, storage, firestore or background, and their values; or the attributes of a "
    "CloudEvent: type=…. Repeatable.",
)
@click.option("--structured", is_flag=True, help="CloudEvents in structured mode.")
@click.option("--schedule", is_flag=True, help="Call it as its schedule does.")
@click.option("--index", default=0, help="Which of its schedules, counted from 0.")
@click.option(
    "--auth",
    metavar="WAY[/KEY]",
    help="Sign as a way under auth wants it: with a key, as the sender of a webhook, or by the "
    "way's secret.",
)
@click.option("--token", metavar="TOKEN", help="Send a token of an issuer's.")
@click.option("--remote", metavar="URL", help="Call a server instead of loading the function.")
def command(
    name: str | None,
    stdin: str | None,
    data: str | None,
    file: str | None,
    headers: tuple[str, ...],
    method: str | None,
    path: str | None,
    words: tuple[str, ...],
    structured: bool,
    schedule: bool,
    index: int,
    auth: str | None,
    token: str | None,
    remote: str | None,
    **options: Any,
) -> None:
    """Call the function NAME as its signature needs it, and show the answer.

    Without --remote it is loaded in this process, with its start-up hooks; no server is
    needed. NAME may be left out if there is only one. The body goes to stdout; status,
    headers and logs to stderr. Exits with 0 if the status is below 400, else with 1.

    Data for a cloudevent or event function is wrapped in an event, unless it is one already.
    Keys of --event: pubsub has topic, attribute.NAME; storage has bucket, name, change;
    firestore has document, change, project, database; background has type, resource; all
    of them event_id and timestamp.

    With --schedule it gets the event that its schedule makes, now.

    \b
    Examples:
      ffhost invoke hello --path '/hello?name=Ada'
      ffhost invoke main.py:hello
      ffhost invoke order --data '{"item": "tea", "quantity": 2, "price": 3.5}'
      ffhost invoke on-message --event pubsub --event topic=orders --data '{"id": 7}'
      ffhost invoke on-upload --event storage --event bucket=b --event name=a.png
      ffhost invoke on-change --event type=com.example.changed --event subject=7
      ffhost invoke report --schedule
      cat event.json | ffhost invoke on-change - --remote http://localhost:8080
      ffhost invoke on-push --auth github --data '{"ref": "refs/heads/main"}'
    """
    from ffhost.cli import function_client, invoke_request
    from ffhost.cli.invoked_host import host_for_invoke_command
    from ffhost.cli.typed_targets import apply_invoke_argument
    from ffhost.config import load_config

    if name == "-":
        name, stdin = None, name
    if name is not None:
        name = apply_invoke_argument(name, options)
    given = command_sources(options)
    event = invoke_request.read_event_option(words)
    fields = function_client.read_header_options(headers)
    body, content_type = _body(data, file, stdin)
    config = load_config(given)
    function = function_client.choose_command_function(config, name)
    if schedule and (body is not None or event is not None):
        raise WrongCommandUse("--schedule makes the event", "leave out --data, --file and --event")

    def run(caller: function_client.CommandCaller) -> tuple[Answer, float]:
        if schedule:
            call = invoke_request.make_invoke_schedule_request(
                caller.shape(function), config, index, fields
            )
            return function_client.time_command_call(caller, call)
        call = invoke_request.make_invoke_request(
            caller.shape(function),
            body,
            content_type=content_type,
            event=event,
            structured=structured,
            method=method,
            path=path,
            headers=fields,
        )
        if token is not None or auth is not None:
            from ffhost.cli import command_credentials

            if token is not None:
                call = command_credentials.add_token_to_command_call(call, config, function, token)
            if auth is not None:
                call = command_credentials.sign_command_call(call, config, auth)
        return function_client.time_command_call(caller, call)

    if remote is not None:
        answer, seconds = run(function_client.RemoteCommandCaller(remote, config))
    else:
        with function_client.local_command_caller(
            host_for_invoke_command(given, config, function), config
        ) as caller:
            answer, seconds = run(caller)
    _show(answer, function_client.show_command_seconds(seconds))
    raise SystemExit(1 if answer.status >= 400 or answer.cut else 0)


def _body(data: str | None, file: str | None, stdin: str | None) -> tuple[bytes | None, str | None]:
    """Return the body and, for a file, the content type that its name stands for."""
    if sum(each is not None for each in (data, file, stdin)) > 1:
        raise WrongCommandUse("the body comes from one place", "pass --data, --file or -")
    if stdin not in (None, "-"):
        raise WrongCommandUse(f"unexpected argument {stdin!r}", f"write --data {stdin!r}")
    if stdin == "-" or file == "-":
        return sys.stdin.buffer.read(), None
    if data is not None and data.startswith("@") and len(data) > 1:
        file = data[1:]  # as curl has it
    if file is None:
        return None if data is None else data.encode(), None
    from mimetypes import guess_type

    try:
        return Path(file).read_bytes(), guess_type(file)[0]
    except OSError as error:
        raise CommandFailed(f"{file!r} cannot be read: {(error.strerror or '').lower()}") from error


def _show(answer: Answer, took: str) -> None:
    color = wants_color(sys.stderr.isatty())
    good = answer.status < 400 and not answer.cut
    try:
        phrase = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = str(answer.status)
    status = paint_terminal_text(32 if good else 31, phrase, color=color)
    print(f"{status}  ({took})", file=sys.stderr)
    for name, value in answer.fields:
        print(f"{paint_terminal_text(2, name + ':', color=color)} {value}", file=sys.stderr)
    if answer.cut:
        print("ffhost: the connection was cut before the end of the body", file=sys.stderr)
    if answer.body:
        print(file=sys.stderr, flush=True)
        _show_body(answer)


def _show_body(answer: Answer) -> None:
    """Write the body to stdout: JSON indented, other text unchanged, and bytes only to a pipe."""
    body = answer.body
    kind = answer.headers.get("content-type", "")
    if "json" in kind:
        with suppress(ValueError):
            body = json.dumps(json.loads(body), indent=2, ensure_ascii=False).encode()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if sys.stdout.isatty():
            print(f"({len(body)} bytes of {kind or 'unknown type'})", file=sys.stderr)
            return
        sys.stdout.buffer.write(body)
        return
    click.echo(text, nl=not text.endswith("\n"))
