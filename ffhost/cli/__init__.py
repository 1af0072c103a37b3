"""The ``ffhost`` command. Each sub-command is a module of its own, imported when it is used.

Exit statuses: 0 for success, 2 for a wrong configuration or command line, 1 for anything
else that went wrong.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "serve": "serve the functions",
    "check": "check the configuration without serving",
    "config": "show the effective configuration and where each value came from",
}
"""The sub-commands and what each does, so that ``--help`` imports none of them."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the sub-commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one sub-command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"ffhost.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ffhost")
def cli() -> None:
    """Host functions: one functions.yaml, one process, many functions."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status."""
    from ffhost.cli.failing import reported

    with reported():
        cli.main(args=arguments, prog_name="ffhost")
