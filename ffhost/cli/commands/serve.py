"""``ffhost serve``: from the command line to a running server."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from ffhost.cli.options import (
    add_config_options,
    add_server_options,
    add_what_argument,
    command_sources,
)
from ffhost.config import ConfigSources


@click.command()
@add_what_argument
@add_config_options
@click.option("--host", help="Address to listen on.")
@click.option("--port", "-p", help="Port to listen on; 0 takes a free one.")
@add_server_options
@click.option("--reload", is_flag=True, help="Serve changed code at once (needs ffhost[reload]).")
@click.option(
    "--debug",
    is_flag=True,
    help="For development: tracebacks in answers, a readable log with more in it, and --reload.",
)
@click.option(
    "--no-compat",
    is_flag=True,
    help="Import functions_framework and old cloudevents names only if they are installed.",
)
def command(what: str | None, **options: Any) -> None:
    """Serve the functions of functions.yaml, or one function.

    FUNCTION is one of the configuration, or of main.py where there is none. FILE is a
    configuration, file.py:function, or file.py: its only function, or all that are decorated,
    each under its name. With --debug functions.yaml is searched upward to the root of the
    repository, and a .env beside it is read.

    \b
    Examples:
      ffhost serve
      ffhost serve main.py
      ffhost serve main.py:hello
      ffhost serve -c functions.yaml --port 9000
      ffhost serve --target hello --source main.py
      ffhost serve --set functions.resize.timeout=5s
    """
    if options["no_compat"]:
        from ffhost.loading import compat

        compat.switch_compat_names(on=False)
    if options["debug"] and options["log_format"] is None:
        options["log_format"] = "console"
    prepare_serve_options(what, options)
    raise SystemExit(
        run_serve_command(command_sources(options), reload=wants_serve_reload(options))
    )


def prepare_serve_options(what: str | None, options: dict[str, Any]) -> None:
    """Set the *options* for what was typed, and for what is found while developing."""
    if options["debug"]:
        from ffhost.cli.development_files import set_config_option

        options["developing"] = True
        if what is None or not what.endswith((".py", ".yaml", ".yml")):
            set_config_option(options)
    if what is not None:
        from ffhost.cli.typed_targets import apply_command_argument

        apply_command_argument(what, options)


def wants_serve_reload(options: dict[str, Any]) -> bool:
    """Whether code is watched: if that was asked for, or for development if it can be.

    Without ``fork``, as on Windows, it cannot be: there are no workers to replace.
    """
    if not hasattr(os, "fork"):
        return False
    if options["reload"] or not options["debug"]:
        return bool(options["reload"])
    from ffhost.cli.code_watcher import INSTALL, is_watchfiles_installed

    if not is_watchfiles_installed():
        print(f"ffhost: code is not watched; to serve changes at once: {INSTALL}", file=sys.stderr)
    return is_watchfiles_installed()


def run_serve_command(given: ConfigSources, *, reload: bool = False) -> int:
    """Serve until told to stop, and return the exit status.

    Args:
        reload: whether changed code is served at once

    Raises:
        ConfigError: the configuration has mistakes
        StartupError: an address cannot be bound, or what *reload* needs is not installed
    """
    import gc
    from contextlib import nullcontext

    # What imports leave is not garbage, and looking for some takes a fifth of the start.
    # The server switches garbage collection on again.
    gc.disable()
    from ffhost.cli.banner import ServeBanner
    from ffhost.config import load_config
    from ffhost.server import run_server

    config = load_config(given, at_start=True)
    same = _same(given)
    if given.developing:
        from ffhost.cli.development_files import echo_dotenv_option

        same += echo_dotenv_option(config, given)
    beside: Any = nullcontext()
    if reload:
        from ffhost.cli.code_watcher import watching_code

        beside = watching_code(config)
    with beside as watcher:
        banner = ServeBanner(config, watcher)
        banner.begin()
        check = [sys.executable, "-m", "ffhost", "check", *same]
        return run_server(config, given, announcer=banner, check=check, changes=watcher)


def _same(given: ConfigSources) -> list[str]:
    """Return the command line that makes the same configuration, for ``ffhost check``."""
    arguments = [] if given.config is None else ["--config", given.config]
    if given.listing is not None:
        arguments.append(given.listing.label)
    for path, (flag, value) in given.flags.items():
        if path == "asgi":
            arguments.append(flag)
        elif "." in path:
            arguments += ["--set", f"{path}={value}"]
        else:
            arguments += [flag, value]
    for each in given.sets:
        arguments += ["--set", each]
    return arguments
