"""The files through which the workers of one host share what the console shows.

They are beside those of the metrics, and only their owner can read them. A worker writes its
calls while somebody looks: the worker that answers the browser touches a file, and the others
look at its time.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from ffhost.observability.metrics.totals_files import is_metrics_writer_alive

WATCHED_SECONDS = 10.0
"""For how long a look counts."""
SEGMENT_BYTES = 4 * 1024 * 1024
"""A worker's calls are in two files at most, each about this large."""
_ENDED_WORKERS = 8
"""Files of so many workers that have ended are kept."""


class SharedConsoleFolder:
    """The folder of one host.

    Args:
        path: made if it is missing

    Raises:
        OSError: it cannot be made, or belongs to another user
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user")
        self._path = path
        self._watched = path / "console-watched"
        self._segment = 0
        self._file: Any = None
        self._read: dict[str, int] = {}
        self._touched = 0.0

    # Who looks

    def look(self) -> None:
        """Report to all workers that somebody looks."""
        now = time.monotonic()
        if now - self._touched >= 1:
            self._touched = now
            os.close(os.open(self._watched, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            os.utime(self._watched)

    def is_watched(self) -> bool:
        """Whether somebody looks at this host."""
        try:
            return time.time() - self._watched.stat().st_mtime < WATCHED_SECONDS
        except OSError:
            return False

    def token(self) -> str:
        """Return the token of the page, which all workers have alike."""
        path = self._path / "console-token"
        mine = self._path / f"console-token-{os.getpid()}"
        mine.unlink(missing_ok=True)
        _write(mine, secrets.token_urlsafe(32).encode())
        with suppress(FileExistsError):
            os.link(mine, path)  # whole, or not there
        mine.unlink()
        return path.read_text()

    # What this worker shares

    def write(self, lines: list[bytes]) -> None:
        """Append lines to the files of this worker."""
        if self._file is None or self._file.tell() > SEGMENT_BYTES:
            self._next_segment()
        self._file.write(b"".join(line + b"\n" for line in lines))
        self._file.flush()

    def write_minutes(self, known: Any) -> None:
        """Replace what this worker says of the last minutes."""
        target = self._path / f"console-{os.getpid()}.minutes"
        unfinished = target.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        _write(unfinished, orjson.dumps(known, option=orjson.OPT_NON_STR_KEYS))
        unfinished.replace(target)

    def remove_mine(self) -> None:
        """Remove the files of this worker: nobody looks any more."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in self._path.glob(f"console-{os.getpid()}[-.]*"):
            path.unlink(missing_ok=True)

    def _next_segment(self) -> None:
        if self._file is not None:
            self._file.close()
        self._segment += 1
        self._path_of(self._segment - 2).unlink(missing_ok=True)
        path = self._path_of(self._segment)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "ab")

    def _path_of(self, segment: int) -> Path:
        return self._path / f"console-{os.getpid()}-{segment}.lines"

    # What the others share

    def others(self) -> Iterator[bytes]:
        """Return the lines that other workers have written since the last time."""
        paths = [path for path in self._path.glob("console-*.lines") if not self._is_mine(path)]
        paths.sort(key=_segment_of)
        for path in paths:
            with suppress(FileNotFoundError):
                yield from self._new_lines(path)
        gone = self._read.keys() - {path.name for path in paths}
        for name in gone:
            del self._read[name]

    def _new_lines(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(self._read.get(path.name, 0))
            data = file.read()
        whole, newline, _ = data.rpartition(b"\n")
        self._read[path.name] = self._read.get(path.name, 0) + len(whole) + len(newline)
        yield from whole.split(b"\n") if whole else ()

    def minutes(self) -> list[Any]:
        """Return what the other workers say of the last minutes."""
        found = []
        for path in self._path.glob("console-*.minutes"):
            if not self._is_mine(path):
                with suppress(OSError, ValueError):
                    known = orjson.loads(path.read_bytes())
                    found.append(
                        {
                            name: {int(number): each for number, each in minutes.items()}
                            for name, minutes in known.items()
                        }
                    )
        return found

    def remove_oldest(self) -> None:
        """Remove the files of workers that ended long ago."""
        paths = list(self._path.glob("console-*.lines"))
        ended = [path for path in paths if not is_metrics_writer_alive(_pid_of(path))]
        ended.sort(key=lambda path: path.stat().st_mtime)
        for path in ended[:-_ENDED_WORKERS]:
            path.unlink(missing_ok=True)

    def _is_mine(self, path: Path) -> bool:
        return _pid_of(path) == os.getpid()


def _pid_of(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _segment_of(path: Path) -> tuple[int, int]:
    _, pid, number = path.stem.split("-")
    return int(pid), int(number)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
