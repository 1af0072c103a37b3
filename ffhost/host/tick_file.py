"""The file with which the workers of a host elect the one that ticks, and record the ticks.

One byte of it is locked by the worker that ticks. Each schedule has a byte of its own, which is
locked while a call of it runs. The operating system drops the locks of a process that ends,
however it ends, so that another can go on at once.

The locks are on bytes, as `ffhost._file_locks` has them: they are dropped when the process closes
any descriptor of the file, so it is opened once in a process and read and written through that
descriptor alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from ffhost._file_locks import try_lock_bytes, unlock_bytes

_SIZE_LIMIT: Final = 16 * 1024 * 1024
_NAME: Final = re.compile(r"ticks-(\d+)-(\d+)-[0-9a-f]{16}")


class ScheduleTickFile:
    """The tick file of a host, opened by one of its workers.

    Raises:
        OSError: it cannot be opened, or belongs to another user.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        found = os.fstat(self._descriptor)
        if found.st_uid != os.geteuid() or not stat.S_ISREG(found.st_mode):
            os.close(self._descriptor)
            raise PermissionError(f"{path} belongs to another user")

    def try_to_lead(self) -> bool:
        """Try to become the worker that ticks; False if another is."""
        return self._lock(0)

    def stop_leading(self) -> None:
        """Stop being the worker that ticks."""
        unlock_bytes(self._descriptor, 0, 1)

    def try_to_claim(self, key: str) -> bool:
        """Record that a call of a schedule runs here; False if one runs in another worker."""
        return self._lock(_byte_of(key))

    def release(self, key: str) -> None:
        """Record that the call of a schedule has ended."""
        unlock_bytes(self._descriptor, _byte_of(key), 1)

    def read(self) -> dict[str, datetime]:
        """Return when each schedule last ticked; only for the worker that leads."""
        raw = os.pread(self._descriptor, _SIZE_LIMIT, 0)
        # What follows the first line is the rest of a longer one before it.
        line = raw.partition(b"\n")[0]
        with contextlib.suppress(ValueError, TypeError, AttributeError, OverflowError):
            return {key: datetime.fromtimestamp(at, UTC) for key, at in json.loads(line).items()}
        return {}

    def write(self, ticks: Mapping[str, datetime]) -> None:
        """Write down when each schedule last ticked; only for the worker that leads."""
        values = {key: at.timestamp() for key, at in ticks.items()}
        line = json.dumps(values, separators=(",", ":")).encode() + b"\n"
        os.pwrite(self._descriptor, line, 0)

    def touch(self) -> None:
        """Record that the host runs; only for the worker that leads."""
        os.utime(self._descriptor)

    def age(self) -> float:
        """Return for how many seconds no worker has led."""
        return time.time() - os.fstat(self._descriptor).st_mtime

    def close(self) -> None:
        """Drop every lock and the file."""
        os.close(self._descriptor)

    def _lock(self, byte: int) -> bool:
        try:
            return try_lock_bytes(self._descriptor, byte, 1)
        except OSError:
            return False


def schedule_tick_file_path(names: Sequence[str], folder: Path | None = None) -> Path:
    """Return the path of the tick file of a host.

    The workers of one host have the same parent, which is known by its id and its start.

    Args:
        names: what tells hosts of one parent apart: configuration and address
        folder: where temporary files lie; None for the system's own

    Raises:
        OSError: there is no folder for temporary files that can be written.
    """
    place = (folder or Path(tempfile.gettempdir())) / f"ffhost-{os.geteuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{place} belongs to another user")
    parent = os.getppid()
    digest = blake2b("\0".join(names).encode(errors="surrogateescape"), digest_size=8).hexdigest()
    _sweep(place)
    return place / f"ticks-{parent}-{_start_of(parent)}-{digest}"


def _sweep(place: Path) -> None:
    """Remove the files of hosts whose parent process has ended.

    Another container may share the folder, and number its processes differently: a file that
    is in use is kept.
    """
    for path in place.glob("ticks-*"):
        found = _NAME.fullmatch(path.name)
        if found is None or _start_of(int(found[1])) == int(found[2]):
            continue
        with contextlib.suppress(OSError):
            file = ScheduleTickFile(path)
            if file.try_to_lead():
                path.unlink()
            file.close()


def _start_of(process: int) -> int:
    """Return when *process* began, in the kernel's ticks; 0 if it is gone or nobody knows."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        # The second field, the name, is in parentheses and may hold anything.
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2]
        return int(fields.split()[19])
    return 0


def _byte_of(key: str) -> int:
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=5).digest()
    return 1 + int.from_bytes(digest)
