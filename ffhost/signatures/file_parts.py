"""A regular file, or a part of one, as the body of an answer.

It is read by position, so that what the function did with the file does not matter, and in
the thread of the call. How much is sent was settled when the function returned: what is appended
later is left out, and a file that becomes shorter is an error.

Files are not mapped into memory: a worker that reads a map of a file which became shorter is
killed by the system (SIGBUS).
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from ffhost.errors import ResultError

BLOCK_BYTES = 256 * 1024
"""How much is read at once, and the largest file that is read whole.

Sent from memory, such a file needs one system call, and no thread that waits for its client.
"""


class RequestFilePart(Iterator[bytes]):
    """Bytes of a file, read when they are asked for.

    Args:
        file: an open regular file
        start: where they begin
        length: how many there are
        close: called once, when nothing more is read
    """

    def __init__(self, file: Any, start: int, length: int, close: Callable[[], object]) -> None:
        self.descriptor: int = file.fileno()
        self.close_file: Callable[[], object] = file.close
        self.start = start
        self.length = length
        self._position = start
        self._end = start + length
        self._close: Callable[[], object] | None = close

    def __next__(self) -> bytes:
        """Return the next block.

        Raises:
            ResultError: the file ends too early
        """
        wanted = min(BLOCK_BYTES, self._end - self._position)
        if not wanted:
            raise StopIteration
        block = os.pread(self.descriptor, wanted, self._position)
        if not block:
            left = self._end - self._position
            raise ResultError(
                f"a file that became shorter while it was sent: {left} of {self.length} bytes "
                "are missing"
            )
        self._position += len(block)
        return block

    def beginning(self, most_bytes: int) -> bytes:
        """Return its first bytes, which are still sent; fewer if the file became shorter.

        Raises:
            OSError: it cannot be read
        """
        return os.pread(self.descriptor, min(most_bytes, self.length), self.start)

    def whole(self) -> bytes | None:
        """Read everything if it is small; None if it is not.

        Raises:
            ResultError: the file ends too early
        """
        return b"".join(self) if self.length <= BLOCK_BYTES else None

    def close(self) -> None:
        """Close what the function returned."""
        close, self._close = self._close, None
        if close is not None:
            close()


def request_file_part(
    file: Any,
    close: Callable[[], object],
    *,
    start: int | None = None,
    length: int | None = None,
) -> RequestFilePart | None:
    """Return the bytes of an open file; None unless it is a regular one.

    Args:
        file: any object; one that wraps a file and changes what is read (text, gzip) is not one
        close: called once, when nothing more is read
        start: where to begin; None: at the file's position
        length: how many bytes; None: up to its present end

    Raises:
        OSError: the file cannot be looked at
        ValueError: it is closed
    """
    opened = _opened(file)
    if opened is None:
        return None
    found = os.fstat(opened.fileno())
    if not stat.S_ISREG(found.st_mode):
        return None
    if opened.writable():
        opened.flush()
        found = os.fstat(opened.fileno())
    if start is None:
        start = opened.tell()
    if length is None:
        length = max(0, found.st_size - start)
    return RequestFilePart(opened, start, length, close)


def _opened(file: Any) -> Any:
    """Return what Python opens for reading bytes, if *file* is that or a temporary file of it."""
    if not hasattr(os, "pread"):  # Windows
        return None
    if type(file).__module__ == "tempfile":
        file = getattr(file, "file", None)
    kind = type(file)
    if kind is io.BufferedReader or kind is io.BufferedRandom:
        return file if type(file.raw) is io.FileIO else None
    return file if kind is io.FileIO and file.readable() else None
