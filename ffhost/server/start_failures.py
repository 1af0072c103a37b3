"""What is said of a worker that cannot start. Knows no processes."""

from __future__ import annotations

import os
import sys

from ffhost.errors import ConfigError, StartupError


def report(error: StartupError) -> None:
    """Show *error* on stderr: the diagnostics of a configuration, or one line."""
    if isinstance(error, ConfigError):
        from ffhost.config.diagnostics import render

        color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        text = render(error.problems, color=color)
    else:
        text = f"ffhost: {error}\n"
    sys.stderr.write(text)
    sys.stderr.flush()
