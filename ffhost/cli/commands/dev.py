"""``ffhost dev``: serving while functions are written."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

import click

from ffhost.cli.options import (
    add_config_options,
    add_server_options,
    add_what_argument,
    command_sources,
)
from ffhost.config import LoadedConfig, load_config

_PORTS_TRIED = 20


@click.command()
@add_what_argument
@add_config_options
@click.option("--host", help="Address to listen on; 127.0.0.1 unless it is given.")
@click.option("--port", "-p", help="Port to listen on; the next free one if 8080 is taken.")
@add_server_options
def command(what: str | None, **options: Any) -> None:
    """Serve the functions while you write them.

    Changed code and a changed functions.yaml are served at once; what does not load is shown, and
    the code before it serves on. Answers to crashes hold tracebacks. Only this machine can
    connect.

    functions.yaml is searched upward to the root of the repository, and a .env beside it is
    read; both are named. FILE and FUNCTION are as for 'ffhost serve'.

    \b
    Examples:
      ffhost dev
      ffhost dev main.py:hello
      ffhost dev --port 9000
      ffhost dev --target hello --source main.py
    """
    from ffhost.cli.commands.serve import (
        prepare_serve_options,
        run_serve_command,
        wants_serve_reload,
    )

    options |= {"debug": True, "reload": False}
    prepare_serve_options(what, options)
    options["host"] = options["host"] or "127.0.0.1"
    options["log_format"] = options["log_format"] or "console"
    if options["port"] is None:
        options["port"] = _other_port(load_config(command_sources(options)))
    raise SystemExit(
        run_serve_command(command_sources(options), reload=wants_serve_reload(options))
    )


def _other_port(config: LoadedConfig) -> str | None:
    """Return a port that is free if the configured one is taken; None if that is free."""
    server = config.settings.server
    if server.host.startswith("unix:") or server.port == 0 or not _is_taken(server.port):
        return None
    free = (each for each in range(server.port + 1, 65536) if not _is_taken(each))
    port = next((each for _, each in zip(range(_PORTS_TRIED), free, strict=False)), 0)
    print(f"ffhost: port {server.port} is taken; using {port or 'a free one'}", file=sys.stderr)
    return str(port)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
