"""``ffhost serve --reload``: a process beside the server that watches the sources.

When one changes it sends the server SIGUSR2, which checks the new code and then replaces the
workers one by one. Code that does not load is reported, and the old workers serve on. It is
a process of its own because the server forks, and a process with threads should not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError

_LOOK_MILLISECONDS = 500


def source_folders(config: LoadedConfig) -> list[Path]:
    """Return the folders that hold the functions of *config*."""
    folders = [config.base]
    for function in config.settings.functions.values():
        file = function.source or function.target.partition(":")[0]
        if file.endswith(".py"):
            folders.append((config.base / file).parent)
    return [
        folder for folder in dict.fromkeys(path.resolve() for path in folders) if folder.is_dir()
    ]


def is_installed() -> bool:
    """Whether watchfiles, which watching needs, is installed."""
    return find_spec("watchfiles") is not None


@contextmanager
def watching(folders: Iterable[Path]) -> Iterator[None]:
    """Watch *folders* for this process inside the block.

    Raises:
        StartupError: watchfiles is not installed
    """
    if not is_installed():
        raise StartupError("--reload needs watchfiles: install ffhost[dev]")
    command = [sys.executable, "-m", "ffhost.cli.code_watcher", str(os.getpid()), str(time.time())]
    watcher = subprocess.Popen([*command, *map(str, folders)], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        watcher.terminate()


def watch(server: int, since: float, folders: list[str]) -> None:
    """Send *server* SIGUSR2 for every change, until the server has ended.

    Args:
        since: when the server began to load, in seconds since the epoch; what changed
            between then and the start of the watch counts too
    """
    import watchfiles

    wanted = watchfiles.PythonFilter(extra_extensions=(".html", ".jinja", ".jinja2"))
    changes = watchfiles.watch(
        *folders,
        watch_filter=wanted,
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    missed = True
    for changed in changes:
        if os.getppid() != server:
            return
        if changed or (missed and changed_since(since, folders, wanted)):
            os.kill(server, signal.SIGUSR2)
        missed = False


def changed_since(moment: float, folders: list[str], wanted: Callable[[Any, str], bool]) -> bool:
    """Whether a file that is *wanted* was written after *moment*."""
    for top in folders:
        for folder, inner, files in os.walk(top):
            inner[:] = [name for name in inner if wanted(None, os.path.join(folder, name, "a.py"))]
            for name in files:
                path = os.path.join(folder, name)
                if wanted(None, path) and os.path.getmtime(path) > moment:
                    return True
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
