"""``functions-framework`` and ``python -m functions_framework``: the original's command line.

It takes the original's flags and variables and does what ``ffhost serve`` does, so that the
last line of a Dockerfile stays as it is.
"""

from __future__ import annotations

import click

from ffhost.cli.options import command_sources


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--target", envvar="FUNCTION_TARGET", required=True, help="Name of the function.")
@click.option("--source", help="Its file (FUNCTION_SOURCE, main.py).")
@click.option(
    "--signature-type",
    type=click.Choice(["http", "event", "cloudevent", "typed"]),
    help="What it gets (FUNCTION_SIGNATURE_TYPE, http); a decorator wins.",
)
@click.option("--host", help="Address to listen on (HOST).")
@click.option("--port", type=click.INT, help="Port to listen on (PORT, 8080).")
@click.option("--debug", is_flag=True, help="Tracebacks in answers, more in the log (DEBUG).")
@click.option(
    "--asgi",
    envvar="FUNCTION_USE_ASGI",
    is_flag=True,
    help="Use Starlette's request for http functions (FUNCTION_USE_ASGI).",
)
def command(
    target: str,
    source: str | None,
    signature_type: str | None,
    host: str | None,
    port: int | None,
    debug: bool,
    asgi: bool,
) -> None:
    """Serve one function."""
    from ffhost.cli.commands.serve import run_serve_command

    # Values without a flag are read from the environment where the configuration is made, so that
    # its messages name the variable.
    given = {
        "target": target,
        "source": source,
        "signature_type": signature_type,
        "host": host,
        "port": port,
        "debug": debug,
        "asgi": asgi,
    }
    raise SystemExit(run_serve_command(command_sources(given)))


def main(arguments: list[str] | None = None, program: str = "functions-framework") -> None:
    """Run the command and exit with its status."""
    from ffhost.cli.exit_messages import errors_as_exit_messages

    with errors_as_exit_messages():
        command.main(args=arguments, prog_name=program)
