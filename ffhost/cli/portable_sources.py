"""Sources for commands that describe a configuration for another machine.

Variables of this machine that describe the host, such as ``PORT``, do not apply there. The
others are kept for ``${NAME}`` and ``from_env``, and need not be set here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ffhost.cli.options import command_sources
from ffhost.config import ConfigSources

_ONLY_HERE = ("PORT", "HOST", "DEBUG", "WORKERS", "THREADS")


def portable_command_sources(options: Mapping[str, Any]) -> ConfigSources:
    """Make the sources of a configuration from its files and the command line."""
    given = command_sources(options)
    environ = {
        name: value
        for name, value in given.environ.items()
        if name not in _ONLY_HERE and not (name.startswith("FFHOST_") and "__" in name)
    }
    return replace(given, environ=environ, values_may_be_missing=True)
