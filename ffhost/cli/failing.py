"""How commands end when something is wrong: a message on stderr, and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TextIO

from ffhost.errors import ConfigError, StartupError


def wants_color(stream: TextIO) -> bool:
    """Say whether *stream* is a terminal and nobody asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def reported(format: Literal["text", "json", "github"] = "text") -> Iterator[None]:
    """Turn the errors of starting into messages and exit statuses.

    Args:
        format: how the problems of a configuration are shown; machine-readable forms go to
            stdout
    """
    try:
        yield
    except ConfigError as error:
        from ffhost.diagnostics import render

        stream = sys.stderr if format == "text" else sys.stdout
        stream.write(render(error.problems, format, color=wants_color(stream)))
        stream.flush()
        raise SystemExit(error.exit_code) from None
    except StartupError as error:
        print(f"ffhost: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
