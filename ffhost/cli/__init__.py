"""The ``ffhost`` command. Each sub-command is a module of its own, imported when it is used.

Exit statuses: 0 for success, 2 for a wrong configuration or command line, 1 for anything
else that went wrong.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ffhost import __version__
from ffhost._lazy import no_collections

with no_collections():
    import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "init": "write a functions.yaml and a first function",
    "new": "add a function, its test and its entry in functions.yaml",
    "serve": "serve the functions",
    "dev": "serve for development: changes at once, on this machine only",
    "invoke": "call a function, in process or over HTTP",
    "test": "run the examples of the configuration",
    "check": "check the configuration without serving",
    "config": "show the effective configuration and where each value came from",
    "functions": "list what would be served",
    "route": "show which functions would get an event, and why",
    "plan": "show what a changed configuration would do",
    "convert": "show an event in its three forms",
    "openapi": "describe http and typed functions in OpenAPI 3.1",
    "install": "make the environments of functions that bring their own packages",
    "build": "write an app folder with a Dockerfile and requirements",
    "export": "write manifests for Kubernetes, Knative, Cloud Run or Compose",
    "doctor": "look at versions, extras, platform, configuration and ports",
    "status": "show what a running host serves, from its admin listener",
    "schema": "print the JSON schema of functions.yaml",
    "completion": "print the completion script of a shell",
}
"""The sub-commands and what each does, so that ``--help`` imports none of them."""

SYNONYMS = {
    **dict.fromkeys(("run", "start", "up"), "serve"),
    **dict.fromkeys(("list", "ls"), "functions"),
    **dict.fromkeys(("call", "curl", "request"), "invoke"),
    **dict.fromkeys(("k8s", "kube", "kubernetes"), "export kubernetes"),
    **{name: f"export {name}" for name in ("knative", "cloudrun", "compose")},
    **dict.fromkeys(("deploy", "manifests"), "export"),
    **dict.fromkeys(("docker", "image", "package"), "build"),
    **dict.fromkeys(("lint", "validate"), "check"),
    **dict.fromkeys(("watch", "debug"), "dev"),
    **dict.fromkeys(("create", "add"), "new"),
    "diff": "plan",
    "migrate": "init --from-functions-framework",
    "version": "--version",
    "help": "--help",
}
"""What other tools call a command, and how it is called here."""

MODULES = {"config": "config_command", "openapi": "openapi_command"}
"""Commands whose module has another name, since no module is named as a room."""

EPILOG = """\b
Exit statuses:
  0  success
  1  it failed: a call was answered with an error, an example failed, or
     the server could not start
  2  the configuration or the command line is wrong

\b
Where to begin:
  ffhost init           write a functions.yaml and a first function
  ffhost dev            serve it on http://localhost:8080, and every change of it
  ffhost invoke hello   call it without a server
"""


class LazyCommandGroup(click.Group):
    """A group whose commands are imported when they are called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the sub-commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one sub-command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"ffhost.cli.commands.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command that was typed, or fail with the one that was probably meant."""
        typed = args[0]
        if typed in COMMANDS or typed.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from ffhost.config.diagnostics import nearest_known_word

        near = nearest_known_word(typed, [*COMMANDS, *SYNONYMS])
        if near in SYNONYMS:
            near = f"ffhost {SYNONYMS[near]}"
        hint = f"; did you mean {near!r}?" if near else ""
        help = "\n  hint: 'ffhost --help' lists the commands"
        raise click.UsageError(f"no such command {typed!r}{hint}{help}", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of sub-commands without importing them."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyCommandGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="ffhost %(version)s")
def cli() -> None:
    """Host functions: one functions.yaml, one process, many functions.

    'ffhost COMMAND --help' shows the options and examples of a command.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status."""
    from ffhost.cli.exit_messages import errors_as_exit_messages

    with errors_as_exit_messages():
        raise SystemExit(cli.main(args=arguments, prog_name="ffhost", standalone_mode=False) or 0)
