"""A watcher of the configuration's files.

Contents are compared, not times: a ConfigMap is updated by changing a symbolic link, and an
editor may replace the file. Either may leave an older modification time. Files of which the
system says that nothing about them has changed, not even the inode, are read seldom.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from ffhost._regular_files import NotRegularFile, read_regular_file
from ffhost.config.files import MAX_BYTES

CONFIG_SUFFIXES = (".yaml", ".yml")
_READ_EVERY = 30
"""One look of so many reads files that seem unchanged: other machines may write to them, too."""


_Mark: TypeAlias = tuple[Path, tuple[int, ...] | None]


def fingerprint_config_files(watched: Iterable[Path]) -> str:
    """Return a digest of the contents of files, and of the YAML files in folders.

    Missing and unreadable files are part of it: a file that comes back is a change.
    """
    digest = hashlib.sha256()
    for path in watched:
        for file in _files(path):
            digest.update(os.fsencode(file) + b"\0")
            try:
                content = read_regular_file(file, MAX_BYTES + 1)
                digest.update(hashlib.sha256(content).digest())
            except (OSError, NotRegularFile):
                digest.update(b"missing")
    return digest.hexdigest()


def _marks(watched: Iterable[Path]) -> list[_Mark]:
    """Return what the system says about the files; None for one that is missing."""
    marks: list[_Mark] = []
    for path in watched:
        found = _stat(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            marks += [_mark(file, _stat(file)) for file in _files(path)]
        else:
            marks.append(_mark(path, found))
    return marks


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _mark(file: Path, found: os.stat_result | None) -> _Mark:
    if found is None:
        return file, None
    times = (found.st_mtime_ns, found.st_ctime_ns)
    return file, (found.st_dev, found.st_ino, found.st_size, *times)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(
            path / entry.name
            for entry in os.scandir(path)
            if entry.name.endswith(CONFIG_SUFFIXES) and not entry.name.startswith(".")
        )
    except OSError:
        return [path]


class ConfigWatcher:
    """A thread that looks every *interval* seconds whether *watched* has changed.

    Args:
        watched: returns the files and folders to look at, called each time
        changed: called, in the thread, when their contents differ from before
        interval: returns the seconds between two checks
        seen: the fingerprint of what was read; None: as it is now
    """

    def __init__(
        self,
        watched: Callable[[], Iterable[Path]],
        changed: Callable[[], object],
        interval: Callable[[], float],
        seen: str | None = None,
    ) -> None:
        self._watched = watched
        self._changed = changed
        self._interval = interval
        self._stopped = threading.Event()
        self._seen = fingerprint_config_files(watched()) if seen is None else seen
        self._marks: list[_Mark] | None = None
        self._looks = 0
        """Since the marks have changed, or the last of `_READ_EVERY`."""

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._watch, name="ffhost-config", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread at its next check."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval()):
            self.look()

    def look(self) -> None:
        """Compare once."""
        if self._seems_unchanged():
            return
        now = fingerprint_config_files(self._watched())
        if now != self._seen:
            self._seen = now
            # Taken before the files are read: what changes while they are is seen next time.
            # So are files that are watched from now on; then nothing has changed, and nothing
            # happens.
            self._changed()

    def _seems_unchanged(self) -> bool:
        """Whether the files need not be read, because nothing about them has changed."""
        marks = _marks(self._watched())
        if marks != self._marks:
            self._marks, self._looks = marks, 0
        self._looks = self._looks % _READ_EVERY + 1
        # The second look reads as well: within one tick of the clock a file may change twice.
        return self._looks > 2


def is_sub_path_config(path: Path) -> bool:
    """Whether *path* looks like a single file of a ConfigMap mounted with ``subPath``.

    Kubernetes never updates such a file. It is a mount of its own, read-only, without the
    link ``..data`` beside it.
    """
    try:
        return path.is_file() and os.path.ismount(path) and not (path.parent / "..data").exists()
    except OSError:
        return False
