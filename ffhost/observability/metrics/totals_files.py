"""Files with the snapshots of one master's workers: a folder with a file for each.

A file is replaced atomically, so a reader always sees a complete snapshot, even if the worker is
killed while it writes. Files of workers that have ended are kept, because what they
counted still counts, until a new worker folds them into one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import orjson

from ffhost._file_locks import lock_file
from ffhost.observability.metrics.worker_totals import MetricsSnapshot, metrics_of_ended_workers

_PREFIX = "ffhost-metrics-"
_PAST = "past"
_LOCK = "lock"


class MetricsStorage:
    """The snapshots of all workers, as one of them sees them.

    Args:
        folder: made if it is missing

    Raises:
        OSError: the folder cannot be made, or belongs to another user
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        self.folder = folder
        self._own = folder / f"{os.getpid()}-{time.time_ns()}.json"
        self._fold()

    def write(self, snapshot: MetricsSnapshot) -> None:
        """Replace this worker's snapshot."""
        unfinished = self._own.with_suffix(".part")
        unfinished.write_bytes(snapshot.encode())
        unfinished.replace(self._own)

    def read(self) -> list[MetricsSnapshot]:
        """Return the last snapshot of every worker there was."""
        with self._locked(shared=True):
            past, folded = self._read_past()
            return [*past, *self._read_workers(folded).values()]

    def _fold(self) -> None:
        """Make one file of those whose workers have ended."""
        with self._locked():
            past, folded = self._read_past()
            for name in folded:
                (self.folder / name).unlink(missing_ok=True)
            workers = self._read_workers(())
            ended = {name: each for name, each in workers.items() if each.ended}
            if not ended:
                return
            # A worker that is killed between these two steps leaves files that are named in
            # the sum; whoever reads knows by that not to count them twice.
            content = (
                metrics_of_ended_workers([*past, *ended.values()]).encode()
                + b"\n"
                + orjson.dumps([*ended])
            )
            unfinished = self.folder / f"{_PAST}.part"
            unfinished.write_bytes(content)
            unfinished.replace(self.folder / _PAST)
            for name in ended:
                (self.folder / name).unlink(missing_ok=True)

    def _read_past(self) -> tuple[list[MetricsSnapshot], list[str]]:
        try:
            snapshot, _, folded = (self.folder / _PAST).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return [], []
        return [MetricsSnapshot.decode(snapshot)], orjson.loads(folded)

    def _read_workers(self, folded: list[str] | tuple[()]) -> dict[str, MetricsSnapshot]:
        found: dict[str, MetricsSnapshot] = {}
        for path in sorted(self.folder.glob("*.json")):
            if path.name in folded:
                continue
            snapshot = MetricsSnapshot.decode(path.read_bytes())
            if not snapshot.ended and not is_metrics_writer_alive(snapshot.pid):
                snapshot = replace(snapshot, ended=True)
            found[path.name] = snapshot
        return found

    @contextmanager
    def _locked(self, *, shared: bool = False) -> Iterator[None]:
        descriptor = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            lock_file(descriptor, shared=shared)
            yield
        finally:
            os.close(descriptor)


def metrics_folder_of(master: int) -> Path:
    """Return the folder that the workers of the process *master* share.

    Memory is preferred to a disk: the root of a container may be read-only, and nothing of
    this is worth keeping.
    """
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return parent / f"{_PREFIX}{master}-{_start_time(master)}"


def remove_metrics_files(master: int) -> None:
    """Remove the folder of *master*, and those that masters which died have left."""
    mine = metrics_folder_of(master)
    shutil.rmtree(mine, ignore_errors=True)
    for folder in mine.parent.glob(f"{_PREFIX}*"):
        pid, _, started = folder.name.removeprefix(_PREFIX).partition("-")
        if pid.isdecimal() and started != str(_start_time(int(pid))):
            with suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)


def _start_time(pid: int) -> int:
    """Return a process's start time, as its number may be reused; 0 if it is unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def is_metrics_writer_alive(pid: int) -> bool:
    """Return whether a process of that number runs, also one of another user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
