"""How the master hears that code has changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol


class CodeChanges(Protocol):
    """What watches the sources of functions, as the master sees it."""

    ended: bool
    """Whether nobody watches any more; there is nothing to wait for then."""

    def fileno(self) -> int:
        """Return the descriptor that is readable when something has changed."""

    def changed(self) -> list[str]:
        """Return the names of the files that have changed since the last time."""


class CodeEdit:
    """A change of code that is on its way to be served."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = list(files)
        self._began = time.monotonic()

    def add(self, files: Sequence[str]) -> None:
        """Take further files in; the time begins anew."""
        self.files = list(dict.fromkeys([*self.files, *files]))
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return how long it is on its way."""
        return time.monotonic() - self._began
