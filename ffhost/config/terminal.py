"""What can be shown on a stream: whether it is a terminal, and whether it gets colours."""

from __future__ import annotations

import os
from collections.abc import Mapping


def is_terminal(descriptor: int) -> bool:
    """Whether *descriptor* is open and a terminal."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def wants_color(terminal: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Whether text for a stream is coloured.

    That is so for a terminal; ``FORCE_COLOR`` asks for colours everywhere (force-color.org), and
    ``NO_COLOR`` for none (no-color.org), which counts more. Empty variables say nothing.

    Args:
        terminal: whether the stream is one
        environ: None for the environment of the process
    """
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    return terminal or bool(environ.get("FORCE_COLOR"))
