"""``ffhost test``: run the examples of the configuration as tests."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ffhost.cli.exit_messages import CommandFailed, paint_terminal_text
from ffhost.cli.options import add_config_options, command_sources, complete_function_names
from ffhost.config.terminal import wants_color

if TYPE_CHECKING:
    from ffhost.cli.function_client import CommandCall, CommandCaller
    from ffhost.config import LoadedConfig
    from ffhost.config.settings import ExampleSettings


@dataclass(frozen=True, slots=True)
class ExampleTestResult:
    """The result of one example; *differences* is empty if it holds."""

    function: str
    example: str
    took: str
    differences: list[str]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_function_names)
@add_config_options
@click.option("--remote", metavar="URL", help="Call a server instead of loading the functions.")
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="Header to send with every request, such as authorization. Repeatable.",
)
@click.option("--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    names: tuple[str, ...],
    remote: str | None,
    headers: tuple[str, ...],
    format: str,
    **options: Any,
) -> None:
    """Run the examples of functions in the configuration.

    An example is a request or an event, and the status, headers and body expected; 'json' is
    compared as a subset. A function behind a door is called with the credentials of the first
    way that can be signed for here, unless the example brings some or expects 401. All
    functions are tested unless some are named. Exits with 0 if all
    examples hold, with 1 if one does not or there is none.

    \b
    Examples:
      ffhost test
      ffhost test order on-message
      ffhost test --remote https://staging.example.com

    \b
    In functions.yaml:
      hello:
        target: main.py:hello
        examples:
          - name: greets by name
            request: {path: "/hello?name=Ada"}
            response: {status: 200, body: "Hello, Ada!\\n"}
    """
    from ffhost.cli import function_client
    from ffhost.config import load_config

    given = command_sources(options)
    extra = function_client.read_header_options(headers)
    config = load_config(given)
    chosen = [function_client.choose_command_function(config, name) for name in names] or (
        [config.single] if config.single is not None else list(config.settings.functions)
    )
    if not any(config.settings.functions[name].examples for name in chosen):
        raise CommandFailed(
            "no function has examples" if not names else f"no examples at {', '.join(names)}",
            "'ffhost test --help' shows how to write one",
        )
    if remote is not None:
        results = _run(function_client.RemoteCommandCaller(remote, config), config, chosen, extra)
    else:
        with function_client.local_command_caller(given, config) as caller:
            results = _run(caller, config, chosen, extra)
    failed = sum(bool(each.differences) for each in results)
    click.echo(_json(results) if format == "json" else _table(results, failed), nl=False)
    raise SystemExit(1 if failed else 0)


def _run(
    caller: CommandCaller, config: LoadedConfig, names: list[str], extra: dict[str, str]
) -> list[ExampleTestResult]:
    from ffhost.cli import function_client
    from ffhost.cli.command_credentials import sign_command_call_if_possible
    from ffhost.cli.example_expectations import example_differences

    results = []
    for name in names:
        for index, example in enumerate(config.settings.functions[name].examples):
            label = example.name or f"examples[{index}]"
            try:
                call = _call(caller, name, example).with_headers(extra)
                if config.settings.auth and example.response.status != 401:
                    call = sign_command_call_if_possible(call, config, name)
            except CommandFailed as error:
                results.append(ExampleTestResult(name, label, "", [str(error)]))
                continue
            answer, seconds = function_client.time_command_call(caller, call)
            found = example_differences(example.response, answer)
            results.append(
                ExampleTestResult(name, label, function_client.show_command_seconds(seconds), found)
            )
    return results


def _call(caller: CommandCaller, name: str, example: ExampleSettings) -> CommandCall:
    """Make the request of *example*.

    Raises:
        CommandFailed: the example does not describe a request
    """
    from ffhost.cli.invoke_request import make_invoke_request

    shape = caller.shape(name)
    request = example.request
    if request is None:
        headers, event_body = _event(example.event or {})
        return make_invoke_request(shape, None, method="POST", headers=headers).with_body(
            event_body
        )
    body = None if request.body is None else request.body.encode()
    headers = dict(request.headers)
    if "json" in request.written:
        body = json.dumps(request.payload, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **headers}
    plain = shape.as_http()
    return make_invoke_request(
        plain, body, method=request.method, path=request.path, headers=headers
    )


def _event(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Encode an example's event: a CloudEvent, or a background event or push message as it is."""
    from ffhost.errors import ResultError
    from ffhost.events.builders import make_cloud_event

    if "type" not in event and ("context" in event or "message" in event):
        return {"content-type": "application/json"}, json.dumps(event).encode()
    if "type" not in event:
        raise CommandFailed("the event has no type", "write 'type: com.example.created'")
    try:
        return make_cloud_event(**{"source": "/ffhost/test", **event})
    except (ResultError, TypeError) as error:
        raise CommandFailed(f"the event cannot be written: {error}") from error


def _table(results: list[ExampleTestResult], failed: int) -> str:
    from ffhost.cli.tables import align_table_columns

    color = wants_color(sys.stdout.isatty())
    rows = [("", "function", "example", "took")]
    rows += [
        ("fail" if each.differences else "ok", each.function, each.example, each.took)
        for each in results
    ]
    lines = align_table_columns(rows).splitlines()
    text = [lines[0]]
    for line, each in zip(lines[1:], results, strict=True):
        text.append(
            paint_terminal_text(31 if each.differences else 32, line[:4], color=color) + line[4:]
        )
        text += [f"        {row}" for row in "\n".join(each.differences).splitlines()]
    count = "1 example" if len(results) == 1 else f"{len(results)} examples"
    text += ["", f"{count}, {failed} failed" if failed else f"{count}, all hold"]
    return "\n".join(text) + "\n"


def _json(results: list[ExampleTestResult]) -> str:
    records = [
        {
            "function": each.function,
            "example": each.example,
            "ok": not each.differences,
            "differences": each.differences,
        }
        for each in results
    ]
    return json.dumps(records, indent=2, ensure_ascii=False) + "\n"
