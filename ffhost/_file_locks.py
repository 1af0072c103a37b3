"""Locks on files between processes. Where `fcntl` is missing (Windows), every lock is free.

A host there is one process, and has nobody to share a file with.

Locks on bytes (``lockf``) belong to a process: a child that inherits the file does not have
them, and the process loses them when it closes any descriptor of the file. A lock on a whole file
(``flock``) belongs to whoever has the descriptor, and ends when it is closed.
"""

from __future__ import annotations

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

AVAILABLE = fcntl is not None
"""Whether locks keep anybody out here."""


def lock_bytes(descriptor: int, start: int = 0, length: int = 0) -> None:
    """Wait for the lock on bytes of a file; a *length* of 0 means up to the end.

    Raises:
        OSError: this kind of file cannot be locked
    """
    if fcntl is not None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX, length, start)


def try_lock_bytes(descriptor: int, start: int = 0, length: int = 0) -> bool:
    """Take the lock on bytes of a file; False if another process has it.

    Raises:
        OSError: this kind of file cannot be locked
    """
    if fcntl is not None:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):  # POSIX leaves open which
            return False
    return True


def unlock_bytes(descriptor: int, start: int = 0, length: int = 0) -> None:
    """Release the lock on bytes of a file."""
    if fcntl is not None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, length, start)


def lock_file(descriptor: int, *, shared: bool = False) -> None:
    """Wait for the lock on a whole file, which those that ask for a *shared* one have together."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
