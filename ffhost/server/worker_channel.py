"""What a worker tells its master: JSON lines through a pipe. Decides nothing.

Each worker has a pipe of its own, so only its threads can interrupt each other, and a lock keeps
them apart. Both ends never block the master: it takes what has arrived, and drops what is not
a message. A message may be longer than a pipe holds; the worker waits a while for room.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import time
from typing import Any, Literal

from ffhost.config.terminal import wants_color
from ffhost.errors import ConfigError, StartupError

Kind = Literal["loading", "ready", "replace", "failed", "waiting"]
"""It still loads; it serves; it asks for another in its place; it cannot start; it waits for
calls to end."""

_PATIENCE_SECONDS = 5.0
"""How long a worker waits for room in the pipe: a master that is alive makes some at once."""
_TURN_BYTES = 1024 * 1024
"""What the master reads at most before it looks at something else; pipes hold 64 KiB."""
_LINE_BYTES = 16 * 1024 * 1024
"""The longest message: the table of 10,000 functions takes about 2 MB."""


class WorkerChannel:
    """A pipe from one worker to the master; made before the fork, in the master."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._lock = threading.Lock()
        self._unfinished = b""
        self.open = True
        """Whether more may come."""

    # In the worker

    def keep_writing_end(self) -> None:
        """Use the worker's side."""
        os.close(self._read)

    def send(self, kind: Kind, **fields: Any) -> bool:
        """Send to the master; return whether it went out. May be called on any thread."""
        # The newline in front ends a message that was cut off.
        line = b"\n" + json.dumps({"kind": kind, **fields}).encode() + b"\n"
        with self._lock:
            return self._write_all(line)

    def _write_all(self, line: bytes) -> bool:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        room = select.poll()
        room.register(self._write, select.POLLOUT)
        while line:
            try:
                line = line[os.write(self._write, line) :]
            except BlockingIOError:
                room.poll(100)
                if time.monotonic() > give_up_at:
                    return False
            except OSError:  # the master is gone
                return False
        return True

    @property
    def writing_end(self) -> int:
        """Return the descriptor of the worker's end."""
        return self._write

    # In the master

    def keep_reading_end(self) -> None:
        """Use the master's side."""
        os.close(self._write)

    def fileno(self) -> int:
        """Return the reading end."""
        return self._read

    def received(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived whole since the last time."""
        if not self.open:
            return []
        *lines, rest = (self._unfinished + self._arrived()).split(b"\n")
        self._unfinished = rest if len(rest) <= _LINE_BYTES else b""
        return [message for line in lines if (message := _message(line)) is not None]

    def _arrived(self) -> bytes:
        arrived = bytearray()
        while len(arrived) < _TURN_BYTES:
            try:
                data = os.read(self._read, 65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.open = False
                break
            arrived += data
        return bytes(arrived)

    def close(self) -> None:
        """Close the master's side."""
        self.open = False
        os.close(self._read)


def _message(line: bytes) -> dict[str, Any] | None:
    """Return the message in *line*; None for anything else."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def worker_failure_text(error: StartupError, *, developing: bool = False) -> str:
    """Return what is shown of a worker that cannot start: diagnostics, or one line.

    Args:
        developing: whether errors begin with the line of user code that is at fault
    """
    if not isinstance(error, ConfigError):
        return f"ffhost: {error}\n"
    from ffhost.config.diagnostics import show_config_problems
    from ffhost.config.load_problems import config_problem_from_code

    problems = map(config_problem_from_code, error.problems) if developing else error.problems
    return show_config_problems(list(problems), color=wants_color(sys.stderr.isatty()))


def print_worker_failure(text: str) -> None:
    """Write *text* on stderr."""
    sys.stderr.write(text)
    sys.stderr.flush()
