"""``ffhost completion``: the script that completes commands, options and function names."""

from __future__ import annotations

import re

import click

_VARIABLE = "_FFHOST_COMPLETE"

_COMPINIT = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }"
"""zsh has ``compdef`` only after ``compinit``, which a bare ``~/.zshrc`` does not call.

``-i`` passes over folders that others may write to, instead of asking about them at each start.
"""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      echo 'eval "$(ffhost completion bash)"' >> ~/.bashrc
      echo 'eval "$(ffhost completion zsh)"' >> ~/.zshrc
      ffhost completion fish > ~/.config/fish/completions/ffhost.fish
    """
    from click.shell_completion import get_completion_class

    from ffhost.cli import cli

    shells = get_completion_class(shell)
    assert shells is not None
    complete = shells(cli, {}, "ffhost", _VARIABLE)
    # click's own `source` starts bash to check its version; here bash itself is the caller.
    template = re.sub(
        r"^( *)(?=compdef )", rf"\1{_COMPINIT}\n\1", complete.source_template, flags=re.MULTILINE
    )
    click.echo(template % complete.source_vars())
