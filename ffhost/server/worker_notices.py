"""What a worker tells its master, byte by byte through a pipe. Decides nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Literal

Notice = Literal[b"R", b"X"]
READY: Notice = b"R"
REPLACE_ME: Notice = b"X"


class Notices:
    """A pipe from one worker to the master; made before the fork, in the master."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self.open = True
        """Whether more may come."""

    def keep_writing_end(self) -> None:
        """Use the worker's side."""
        os.close(self._read)

    def keep_reading_end(self) -> None:
        """Use the master's side."""
        os.close(self._write)

    def fileno(self) -> int:
        """Return the reading end."""
        return self._read

    def send(self, notice: Notice) -> None:
        """Send to the master. One that is gone gets nothing."""
        with suppress(OSError):
            os.write(self._write, notice)

    def received(self) -> bytes:
        """Return what was sent since the last time."""
        try:
            data = os.read(self._read, 64)
        except OSError:
            return b""
        if not data:
            self.open = False
        return data

    def close(self) -> None:
        """Close the master's side."""
        self.open = False
        os.close(self._read)
