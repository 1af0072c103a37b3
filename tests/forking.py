"""Python processes that begin where the imports of ffhost are done, as forks of one such process.

Each is as fresh as a new process, and costs a fraction of it: importing what ffhost uses takes
half a second of a processor. `Python` runs what ``python FILE ARGUMENTS`` or ``python -m MODULE
ARGUMENTS`` would run, and is used like a `subprocess.Popen`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import multiprocessing
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gunicorn.config
from _pytest.config import default_plugins

from ffhost.config.validation import settings_adapter

ROOT = Path(__file__).parents[1]
DOORS = {"asgi", "wsgi", "gunicorn", "pytest_plugin", "__main__"}
"""Modules that do something when they are imported."""
OTHERS = (
    *("structlog", "structlog.stdlib", "structlog.testing"),
    *("pytest", "anyio.abc", "hypothesis.strategies", "hypothesis.internal.conjecture.engine"),
)
"""What ffhost imports when it is needed, and what pytest imports, which many forks run."""


class Forks:
    """The process that forks. It lives as long as the tests, and serves all their processes."""

    def __init__(self) -> None:
        self._lock = multiprocessing.get_context("fork").Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.communicate)

    def ask(self, **question: Any) -> Any:
        """Send a question; return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@cache
def forks() -> Forks:
    """Return the process that forks, which the first caller starts."""
    return Forks()


class Python:
    """A fork that runs ``python`` with *command*; used like a `subprocess.Popen`."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        output: Path,
        errors: Path,
    ) -> None:
        self.pid: int = forks().ask(
            command=list(command),
            folder=str(folder),
            environ=dict(environ),
            output=str(output),
            errors=str(errors),
        )
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        if self.returncode is None:
            self.returncode = forks().ask(pid=self.pid)
        return self.returncode

    def wait(self, timeout: float = 180) -> int:
        """Return the exit status when it has ended."""
        give_up_at = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > give_up_at:
                raise subprocess.TimeoutExpired("python", timeout)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, if it runs."""
        self.send_signal(signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill it and the processes that it has started, and wait for its end."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()


def main() -> None:
    """Be the process that forks, and in a fork what was asked for."""
    import tests.serving  # noqa: F401

    _import_all("ffhost")
    for name in (*OTHERS, *(f"_pytest.{plugin}" for plugin in default_plugins)):
        importlib.import_module(name)
    settings_adapter()  # half of what a start takes
    gc.collect()
    gc.freeze()
    command = _forked_for()
    if command:
        _run(command)


def _import_all(name: str) -> None:
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
        if module.name.rpartition(".")[2] not in DOORS:
            importlib.import_module(module.name)


def _forked_for() -> list[str] | None:
    """Answer questions until nobody asks any more; return, in a fork only, its command."""
    for line in sys.stdin:
        question = json.loads(line)
        if "pid" in question:
            pid, status = os.waitpid(question["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                return _begin(**question)
        print(json.dumps(answer), flush=True)
    return None


def _begin(
    command: list[str], folder: str, environ: dict[str, str], output: str, errors: str
) -> list[str]:
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.setsid()
    os.chdir(folder)
    gunicorn.config.Chdir.default = folder  # noted when it was imported
    sys.path[0] = folder if command[0] == "-m" else os.path.dirname(command[0])
    os.environ.clear()
    os.environ.update(environ)
    return command


def _run(command: list[str]) -> None:
    """Run *command*, and end as Python does, but leave its memory to the system.

    Taking apart what was imported would cost more than most commands: it copies all memory that
    the fork shares with the process that forked it.
    """
    try:
        _run_as_main(command)
        status: Any = 0
    except SystemExit as ended:
        status = ended.code
    except Exception:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        status = 1
    if not isinstance(status, int | None):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status or 0)


def _run_as_main(command: list[str]) -> None:
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main()
