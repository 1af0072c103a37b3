"""The host's ends of its forkservers, each started when it is first needed.

There is one for the host's own Python, and one for each environment of a function.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple

from ffhost.execution.isolation.connections import blocking_socket_pair
from ffhost.execution.isolation.keeper import PIDS

_CHILD = "ffhost.host.isolated_child"
"""Module that the processes run; named by a string, because `host` imports this package."""
_NULL = os.open(os.devnull, os.O_RDWR)


class StartedProcess(NamedTuple):
    """A process that was started: its keeper's pid, its own, and the socket of its keeper."""

    keeper: int
    pid: int
    report: socket.socket


class ForkServerClient:
    """One forkserver of this process.

    Args:
        python: the Python that runs it, of an environment of its own; None for the host's
    """

    def __init__(self, python: str | None = None) -> None:
        self.python = python
        self._lock = threading.Lock()
        self._host = 0
        self._requests: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, requests: socket.socket, stream: socket.socket, stacks: int) -> StartedProcess:
        """Start a process.

        Args:
            requests: its end of the socket for what the host asks
            stream: its end of the socket for all else
            stacks: where it writes its stacks

        Raises:
            OSError: it could not be forked
        """
        own = (requests.fileno(), stream.fileno(), stacks)
        with self._lock:
            try:
                return self._start(*own)
            except OSError:
                self._close()  # it was killed: start a new one
                return self._start(*own)

    def _start(self, *own: int) -> StartedProcess:
        server = self._connected()
        ours, theirs = blocking_socket_pair()
        try:
            with theirs:
                socket.send_fds(server, [b"f"], [*own, theirs.fileno(), *_streams()])
            pids = ours.recv(PIDS.size)
            if len(pids) < PIDS.size:
                raise ConnectionResetError("the process could not be forked")
        except BaseException:
            ours.close()
            raise
        keeper, pid = PIDS.unpack(pids)
        return StartedProcess(keeper, pid, ours)

    def _connected(self) -> socket.socket:
        if self._host != os.getpid():  # forked from a process that has one
            self._requests = self._program = None
            self._host = os.getpid()
        if self._requests is None:
            ours, theirs = blocking_socket_pair()
            with theirs:
                run = "run_host_forkserver"
                code = f"from {_CHILD} import {run}; {run}({theirs.fileno()})"
                own = self.python is None
                self._program = subprocess.Popen(
                    [self.python or sys.executable, "-c", (_importing if own else _alone)(code)],
                    pass_fds=[theirs.fileno()],
                    env=None if own else _without_host(),
                    stdin=subprocess.DEVNULL,
                    # A terminal's Ctrl-C is for the host.
                    start_new_session=True,
                )
            self._requests = ours
        return self._requests

    def __del__(self, _pid: Callable[[], int] = os.getpid) -> None:
        if self._host == _pid():  # else it belongs to the process that this was forked from
            self._close()

    def _close(self) -> None:
        if self._requests is not None:
            self._requests.close()
        if self._program is not None:
            self._program.kill()
            self._program.wait()
        self._requests = self._program = None


def _streams() -> list[int]:
    """Return the descriptors of standard output and error; where one is closed, the null device."""
    return [each if _is_open(each) else _NULL for each in (1, 2)]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _importing(code: str) -> str:
    """Return *code* with this process's ``sys.path`` set first."""
    return f"import sys; sys.path[:] = {sys.path!r}; {code}"


def _alone(code: str) -> str:
    """Return *code* for another Python, which finds of the host the package ffhost alone.

    The stand-in for functions-framework is behind what is installed there.
    """
    folder = os.path.dirname(sys.modules["ffhost"].__file__ or "")
    standin = next(filter(os.path.isdir, (f"{folder}/_standin", f"{folder}/../standin")), None)
    return (
        "import sys; from importlib import util; "
        f"sys.path += {[standin] if standin else []!r}; "
        f"spec = util.spec_from_file_location('ffhost', {folder + '/__init__.py'!r}, "
        f"submodule_search_locations=[{folder!r}]); "
        "sys.modules['ffhost'] = ffhost = util.module_from_spec(spec); "
        f"spec.loader.exec_module(ffhost); {code}"
    )


def _without_host() -> dict[str, str]:
    """Return the variables without those that lead Python to the host's packages."""
    return {name: value for name, value in os.environ.items() if name not in _HOST_VARIABLES}


_HOST_VARIABLES = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})

forkserver = ForkServerClient()
"""The forkserver of the host's own Python."""
_others: weakref.WeakValueDictionary[str, ForkServerClient] = weakref.WeakValueDictionary()


def forkserver_of(python: str | None) -> ForkServerClient:
    """Return the forkserver of a Python; it ends when nothing refers to it any more."""
    if python is None:
        return forkserver
    found = _others.get(python)
    if found is None:
        found = _others[python] = ForkServerClient(python)
    return found
