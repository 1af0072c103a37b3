"""``ffhost serve``: from the command line to a running server."""

from __future__ import annotations

from typing import Any

import click

from ffhost.cli.options import config_options, sources
from ffhost.config import Sources


@click.command()
@config_options
@click.option("--host", help="Address to listen on.")
@click.option("--port", "-p", help="Port to listen on; 0 takes a free one.")
@click.option("--workers", "-w", help="Number of processes.")
@click.option("--threads", help="Server threads of the wsgi interface.")
@click.option("--interface", help="asgi or wsgi.")
@click.option("--log-level", help="debug, info, warning, error or critical.")
@click.option("--log-format", help="json or console.")
@click.option("--trace/--no-trace", default=None, help="Switch trace hooks on or off.")
@click.option("--debug", is_flag=True, help="Tracebacks in answers, more in the log.")
def command(**options: Any) -> None:
    """Serve the functions of functions.yaml, or one function with --target.

    \b
    Examples:
      ffhost serve
      ffhost serve -c functions.yaml --port 9000
      ffhost serve --target hello --source main.py
      ffhost serve --set functions.resize.timeout=5s
    """
    raise SystemExit(run(sources(options)))


def run(given: Sources) -> int:
    """Serve until told to stop; give the exit status.

    Raises:
        ConfigError: the configuration is wrong
    """
    import sys

    from ffhost.cli.banner import Banner
    from ffhost.config import load_config
    from ffhost.server import serve

    config = load_config(given)
    banner = Banner()
    return serve(
        config,
        given,
        announce=banner.announce,
        on_ready=banner.note,
        check=[sys.executable, "-m", "ffhost", "check", *_same(given)],
    )


def _same(given: Sources) -> list[str]:
    """Write the command line that makes the same configuration, for ``ffhost check``."""
    arguments = [] if given.config is None else ["--config", given.config]
    for path, (flag, value) in given.flags.items():
        if "." in path:
            arguments += ["--set", f"{path}={value}"]
        else:
            arguments += [flag, value]
    for each in given.sets:
        arguments += ["--set", each]
    return arguments
