"""A command that says whether new code may be served. The master waits for it, not this."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Sequence

_OUTPUT_SHOWN = 4000


class ChangedCodeCheck:
    """One run of the command, in a process apart: importing user code may do anything."""

    def __init__(self, command: Sequence[str]) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (read when the command has ended)
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    @property
    def pid(self) -> int:
        """Return the process."""
        return self._process.pid

    def abandon(self) -> None:
        """End it; what it would have said does not matter any more."""
        self._process.kill()
        self.ended(-signal.SIGKILL)

    def ended(self, code: int) -> str:
        """Take note of how it ended; give what it wrote, cut where that is long."""
        # The master has taken its status already, so Popen must not ask for it.
        self._process.returncode = code
        with self._output:
            self._output.seek(0)
            text = self._output.read().decode(errors="replace")
        return text if len(text) <= _OUTPUT_SHOWN else text[:_OUTPUT_SHOWN] + "…"
