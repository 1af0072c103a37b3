"""``ffhost serve --reload``: a process beside the server that watches the sources.

It writes what has changed to a pipe, which the master reads; the master then starts workers with
the new code, and a worker that does not come up leaves the old one serving. It is a process of
its own because the server forks, and a process with threads should not.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError

INSTALL = "pip install 'ffhost[reload]'"
"""What installs watchfiles; quoted, because shells give brackets a meaning."""

_LOOK_MILLISECONDS = 250
_QUIET_MILLISECONDS = 20
"""A change counts when nothing else has changed for this long: editors write in steps."""
_COARSE_SECONDS = 0.02
"""By how much the time of a file may be older than the clock: systems count it in ticks."""
_TEMPLATES = (".html", ".jinja", ".jinja2")


def is_watchfiles_installed() -> bool:
    """Whether watchfiles, which watching needs, is installed."""
    return find_spec("watchfiles") is not None


def watched_source_folders(config: LoadedConfig) -> list[Path]:
    """Return the folders that hold the functions of *config*."""
    folders = [config.base]
    for function in config.settings.functions.values():
        file = function.source or function.target.partition(":")[0]
        if file.endswith(".py"):
            folders.append((config.base / file).parent)
    return _whole(folder.resolve() for folder in folders if folder.is_dir())


def folders_of_imported_code() -> list[str]:
    """Return the folders of all imported modules that were not installed."""
    import ffhost

    paths = sysconfig.get_paths()
    installed = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    apart = tuple(os.path.join(each, "") for each in [*installed, *ffhost.__path__])
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    theirs = {
        os.path.dirname(file)
        for file in files
        if isinstance(file, str) and file.endswith(".py") and not file.startswith(apart)
    }
    return sorted(folder for folder in theirs if folder)


def _whole(folders: Iterable[Path]) -> list[Path]:
    """Return *folders* without those that lie in another one of them."""
    every = sorted(set(folders))
    return [each for each in every if not any(other in each.parents for other in every)]


class CodeWatcher:
    """The watching process, as the master sees it: `ffhost.server.code_changes.CodeChanges`.

    Args:
        config: its folders and files are watched
    """

    def __init__(self, config: LoadedConfig) -> None:
        self._folders = watched_source_folders(config)
        self._unfinished = b""
        self.ended = False
        places = {
            "folders": [str(each) for each in self._folders],
            "files": [str(each.resolve()) for each in config.watched],
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ffhost.cli.code_watcher", str(os.getpid()), str(time.time())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        self._tell(places)

    def fileno(self) -> int:
        """Return the descriptor that is readable when something has changed."""
        return self._answers.fileno()

    def changed(self) -> list[str]:
        """Return the names of the files that have changed since the last time."""
        arrived = b""
        with suppress(BlockingIOError):
            arrived = os.read(self.fileno(), 65536)
            self.ended = not arrived
        *lines, self._unfinished = (self._unfinished + arrived).split(b"\n")
        names = [name for line in lines for name in json.loads(line)]
        return list(dict.fromkeys(names))

    def watch_also(self, folders: Iterable[str]) -> None:
        """Watch *folders* too, as far as they are not watched."""
        wanted = _whole([*self._folders, *(Path(each).resolve() for each in folders)])
        if wanted != self._folders:
            self._folders = wanted
            self._tell({"folders": [str(each) for each in wanted]})

    def _tell(self, places: dict[str, list[str]]) -> None:
        with suppress(OSError):
            self._questions.write(json.dumps(places).encode() + b"\n")
            self._questions.flush()

    def end(self) -> None:
        """End the watching process."""
        self._process.terminate()


@contextmanager
def watching_code(config: LoadedConfig) -> Iterator[CodeWatcher]:
    """Watch the sources of *config* inside the block.

    Raises:
        StartupError: watchfiles is not installed
    """
    if not is_watchfiles_installed():
        raise StartupError(f"--reload needs watchfiles: {INSTALL}")
    watcher = CodeWatcher(config)
    try:
        yield watcher
    finally:
        watcher.end()


# In the watching process


@dataclass(slots=True)
class LastLook:
    """What a watch leaves to the next one, so that nothing is missed between them."""

    at: float
    """When its folders were last looked at."""
    told_at: float
    """When a change was last told. What is served was loaded after this, as far as is known."""
    folders: list[str] = field(default_factory=list)

    def missed(self, folders: list[str], wanted: Callable[[Any, str], bool]) -> Iterator[str]:
        """Return what has changed in *folders*, also in those that were not watched yet."""
        for folder in folders:
            since = self.at if folder in self.folders else self.told_at
            yield from code_changed_since(since - _COARSE_SECONDS, [folder], wanted)


def watch_code(server: int, since: float) -> None:
    """Write the names of files that change to stdout, until the server has ended.

    Args:
        since: when the server began to load, in seconds since the epoch; what changed
            between then and the start of the watch counts too
    """
    places: dict[str, list[str]] = {}
    last = LastLook(at=since, told_at=since)
    questions = open(0, "rb", buffering=0)  # noqa: SIM115 (a buffer would hide a second one)
    while os.getppid() == server:
        line = questions.readline()
        if not line:  # the server has ended
            return
        places |= json.loads(line)
        last = _watch_until_asked(server, last, places)


def _watch_until_asked(server: int, last: LastLook, places: dict[str, list[str]]) -> LastLook:
    """Watch *places* until the server asks for others.

    Beginning to watch takes a while where there are many folders. What has changed since the
    last watch is looked for when the new one has begun, so that nothing is missed between them.
    """
    import watchfiles

    folders = [each for each in places["folders"] if os.path.isdir(each)]
    files = frozenset(places.get("files", ()))
    sources = watchfiles.PythonFilter(extra_extensions=_TEMPLATES)

    def wanted(change: Any, path: str) -> bool:
        return path in files or sources(change, path)

    # Filtered here, not by watchfiles: where other files are written all the time, such as a log,
    # it would not come back, and neither the first look nor the next question would have a turn.
    changes = watchfiles.watch(
        *folders,
        watch_filter=None,
        step=_QUIET_MILLISECONDS,
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    begun = False
    look = LastLook(last.at, last.told_at, folders)
    for changed in changes:
        look.at = time.time()
        names = {path for change, path in changed if wanted(change, path)}
        if not begun:
            begun = True
            names.update(last.missed(folders, wanted))
        if names:
            look.told_at = look.at
            print(json.dumps(sorted(map(_short, names))), flush=True)
        if os.getppid() != server or select.select([0], [], [], 0)[0]:
            break
    return look


def _short(path: str) -> str:
    """Return *path* as seen from the working directory, where it lies below it."""
    with suppress(OSError):  # the working directory may be gone
        relative = os.path.relpath(path)
        return path if relative.startswith("..") else relative
    return path


def code_changed_since(
    moment: float, folders: list[str], wanted: Callable[[Any, str], bool]
) -> Iterator[str]:
    """Return the files that are *wanted* and were written after *moment*."""
    for top in folders:
        for folder, inner, files in os.walk(top):
            inner[:] = [name for name in inner if wanted(None, os.path.join(folder, name, "a.py"))]
            for name in files:
                path = os.path.join(folder, name)
                with suppress(OSError):
                    if wanted(None, path) and os.path.getmtime(path) > moment:
                        yield path


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        watch_code(int(sys.argv[1]), float(sys.argv[2]))
    except Exception as error:
        sys.exit(f"ffhost: cannot watch the code: {error}")
