"""Options that several commands share, and the sources that they make."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ffhost.config import ConfigSources, LoadedConfig

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])

FLAGS = {
    "host": ("--host", "server.host"),
    "port": ("--port", "server.port"),
    "workers": ("--workers", "server.workers"),
    "log_level": ("--log-level", "logging.level"),
    "log_format": ("--log-format", "logging.format"),
    "target": ("--target", "target"),
    "source": ("--source", "source"),
    "signature_type": ("--signature-type", "signature_type"),
}
"""Options that stand for one value: their flag, and the path of the value."""


def complete_option_value(*values: str) -> Callable[..., list[str]]:
    """Return what completes an option with *values*; others are judged with the configuration."""

    def complete(_context: object, _parameter: object, incomplete: str) -> list[str]:
        return [each for each in values if each.startswith(incomplete)]

    return complete


def _complete_signature(context: object, parameter: object, incomplete: str) -> list[str]:
    from ffhost.config.settings import SIGNATURES

    return complete_option_value(*SIGNATURES)(context, parameter, incomplete)


def add_config_options(command: F) -> F:
    """Add ``-c``, ``--set`` and the flags of single-target mode."""
    for option in reversed(
        (
            click.option(
                "-c",
                "--config",
                metavar="PATH",
                type=click.Path(),
                help="File or folder, also FFHOST_CONFIG. Default: ./functions.yaml.",
            ),
            click.option(
                "--set",
                "sets",
                multiple=True,
                metavar="PATH=VALUE",
                help="Set any value, such as functions.resize.timeout=5s. Repeatable.",
            ),
            click.option("--target", help="Serve one function, also FUNCTION_TARGET."),
            click.option(
                "--source", type=click.Path(), help="File of the target (FUNCTION_SOURCE, main.py)."
            ),
            click.option(
                "--asgi",
                is_flag=True,
                help="Use Starlette's request for http functions (FUNCTION_USE_ASGI).",
            ),
            click.option(
                "--signature-type",
                shell_complete=_complete_signature,
                help="Signature of the target (FUNCTION_SIGNATURE_TYPE, http).",
            ),
        )
    ):
        command = option(command)
    return command


def command_sources_without_values(options: Mapping[str, Any]) -> ConfigSources:
    """Make sources of which the values of secrets and variables need not be there."""
    return replace(command_sources(options), values_may_be_missing=True)


def echo_unseen_names(*configs: LoadedConfig) -> None:
    """Write which secrets and variables were not seen to stderr, if any."""
    names = dict.fromkeys(name for config in configs for name in config.unseen)
    if names:
        click.echo(f"note: not set here, and not looked at: {', '.join(names)}", err=True)


def add_server_options(command: F) -> F:
    """Add the options of a server that ``serve`` and ``dev`` have alike."""
    for option in reversed(
        (
            click.option("--workers", "-w", help="Number of processes."),
            click.option(
                "--verbose", is_flag=True, help="Log everything, as --log-level debug does."
            ),
            click.option("--quiet", is_flag=True, help="Log warnings and errors only."),
            click.option(
                "--log-level",
                shell_complete=complete_option_value(
                    "debug", "info", "warning", "error", "critical"
                ),
                help="debug, info, warning, error or critical.",
            ),
            click.option(
                "--log-format",
                shell_complete=complete_option_value("json", "console"),
                help="json or console.",
            ),
            click.option("--trace/--no-trace", default=None, help="Switch trace hooks on or off."),
        )
    ):
        command = option(command)
    return command


def command_sources(options: Mapping[str, Any]) -> ConfigSources:
    """Make the sources of a configuration from the command line and the environment."""
    flags: dict[str, tuple[str, str]] = {}
    for name, (flag, path) in FLAGS.items():
        value = options.get(name)
        if value is not None:
            flags[path] = (flag, str(value))
    if options.get("asgi"):
        flags["asgi"] = ("--asgi", "true")
    for option, level in (("quiet", "warning"), ("verbose", "debug")):
        if options.get(option):
            flags.setdefault("logging.level", (f"--{option}", level))
    if options.get("debug"):
        flags["server.debug"] = ("--debug", "true")
    if options.get("trace") is not None:
        flag = "--trace" if options["trace"] else "--no-trace"
        flags["tracing.enabled"] = (flag, "true" if options["trace"] else "false")
    return ConfigSources(
        config=options.get("config"),
        environ=dict(os.environ),
        flags=flags,
        sets=tuple(options.get("sets") or ()),
        cwd=Path.cwd(),
        developing=bool(options.get("developing")),
        listing=options.get("listing"),
    )


def complete_function_names(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a function of the configuration."""
    from click.shell_completion import CompletionItem

    from ffhost.config import attempt_config

    given = {name: ctx.params.get(name) for name in ("config", "sets")}
    config = attempt_config(command_sources(given)).config
    functions = {} if config is None else config.settings.functions
    return [
        CompletionItem(name, help=each.path)
        for name, each in functions.items()
        if name.startswith(incomplete)
    ]


def add_what_argument(command: F) -> F:
    """Add the argument that names a file or a function; `apply_typed` says what it stands for."""
    return click.argument(
        "what", required=False, metavar="[FILE|FUNCTION]", shell_complete=_functions_or_files
    )(command)


def _functions_or_files(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a function, or of a file."""
    from click.shell_completion import CompletionItem

    return [
        *complete_function_names(ctx, parameter, incomplete),
        CompletionItem(incomplete, type="file"),
    ]
