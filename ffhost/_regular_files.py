"""Reading files that somebody else names: regular ones, and no more of them than a limit.

A pipe never begins if nobody writes to it, and a device such as ``/dev/zero`` has no end.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotRegularFile(Exception):
    """What was to be read is a pipe or a device; the message says which."""


def read_regular_file(path: Path, limit: int) -> bytes:
    """Return at most *limit* bytes of a regular file; nothing is waited for.

    Raises:
        NotRegularFile: it is a pipe or a device
        OSError: it cannot be read
    """
    with open(path, "rb", opener=_open_at_once) as stream:
        kind = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(kind):
            raise NotRegularFile(
                f"expected a file, got a {'pipe' if stat.S_ISFIFO(kind) else 'device'}"
            )
        return stream.read(limit)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
