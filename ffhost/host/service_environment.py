"""The variables that a service adds to ``os.environ``, and removing them again."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ffhost.config import LoadedConfig


class ServiceEnvironment:
    """The variables that a service adds to its process."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def add_env_file(self, config: LoadedConfig) -> None:
        """Add what ``env_file`` holds; variables that are set already win over it."""
        missing = config.env_file_values.keys() - os.environ.keys()
        self.add({name: config.env_file_values[name] for name in missing})

    def add(self, values: Mapping[str, str]) -> None:
        """Set *values*, and remember what was there before."""
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def restore(self) -> None:
        """Set every variable back to what it was."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()
