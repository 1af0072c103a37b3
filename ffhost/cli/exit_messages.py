"""How commands end when something is wrong: a message on stderr, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import click

from ffhost.config.terminal import wants_color
from ffhost.errors import ConfigError, StartupError


class CommandFailed(StartupError):
    """A command cannot do what it was asked; *hint* says what would help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n  hint: {hint}")


class WrongCommandUse(CommandFailed):
    """What was typed contradicts the configuration or itself."""

    exit_code = 2


def paint_terminal_text(code: int, text: str, *, color: bool) -> str:
    """Return *text* with the terminal's colour *code*, or unchanged."""
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


@contextmanager
def errors_as_exit_messages(format: Literal["text", "json", "github"] = "text") -> Iterator[None]:
    """Turn start-up errors into messages and exit statuses.

    Args:
        format: how the problems of a configuration are shown; machine-readable forms go to
            stdout
    """
    try:
        yield
    except ConfigError as error:
        from ffhost.config.diagnostics import show_config_problems

        stream = sys.stderr if format == "text" else sys.stdout
        stream.write(
            show_config_problems(error.problems, format, color=wants_color(stream.isatty()))
        )
        stream.flush()
        raise SystemExit(error.exit_code) from None
    except StartupError as error:
        print(f"ffhost: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except click.Abort:
        print("ffhost: interrupted", file=sys.stderr)
        raise SystemExit(1) from None
    except click.ClickException as error:
        print(_usage(error), file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _usage(error: click.ClickException) -> str:
    """Write in one line what is wrong with the command line, and where to find help."""
    context = getattr(error, "ctx", None)
    command = "ffhost" if context is None else context.command_path
    text = error.format_message()
    if isinstance(error, click.NoSuchOption):
        from ffhost.config.diagnostics import nearest_known_word

        options = [] if context is None else context.command.get_params(context)
        known = [name for each in options for name in (*each.opts, *each.secondary_opts)]
        near = nearest_known_word(
            error.option_name, [name for name in known if name.startswith("--")]
        )
        text = f"no such option {error.option_name!r}"
        text += f"; did you mean {near!r}?" if near else ""
    elif type(error).__name__ == "NoArgsIsHelpError":  # since click 8.2
        return error.format_message()
    text = text[:1].lower() + text[1:].rstrip().removesuffix(".")
    if "--help" not in text:
        text += f"\n  hint: '{command} --help' shows how it is used"
    return f"{command}: {text}"
