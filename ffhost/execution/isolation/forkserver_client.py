"""The host's end of the forkserver: it is started when it is first needed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from typing import NamedTuple

from ffhost.execution.isolation.keeper import PIDS

_CHILD = "ffhost.host.isolated_child"
"""Module that the processes run; named by a string, because `host` imports this package."""
_NULL = os.open(os.devnull, os.O_RDWR)


class Started(NamedTuple):
    """A process that was started: its keeper's pid, its own, and the socket of its keeper."""

    keeper: int
    pid: int
    report: socket.socket


class ForkServerClient:
    """The forkserver of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host = 0
        self._requests: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, calls: socket.socket, stacks: int) -> Started:
        """Start a process that serves *calls* and writes its stacks to *stacks*.

        Raises:
            OSError: it could not be forked
        """
        with self._lock:
            try:
                return self._start(calls, stacks)
            except OSError:
                self._close()  # it was killed: start a new one
                return self._start(calls, stacks)

    def _start(self, calls: socket.socket, stacks: int) -> Started:
        requests = self._connected()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                descriptors = [calls.fileno(), stacks, theirs.fileno(), *_streams()]
                socket.send_fds(requests, [b"f"], descriptors)
            pids = ours.recv(PIDS.size)
            if len(pids) < PIDS.size:
                raise ConnectionResetError("the process could not be forked")
        except BaseException:
            ours.close()
            raise
        keeper, pid = PIDS.unpack(pids)
        return Started(keeper, pid, ours)

    def _connected(self) -> socket.socket:
        if self._host != os.getpid():  # forked from a process that has one
            self._requests = self._program = None
            self._host = os.getpid()
        if self._requests is None:
            ours, theirs = socket.socketpair()
            with theirs:
                code = f"from {_CHILD} import fork_server; fork_server({theirs.fileno()})"
                self._program = subprocess.Popen(
                    [sys.executable, "-c", _importing(code)],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    # A terminal's Ctrl-C is for the host.
                    start_new_session=True,
                )
            self._requests = ours
        return self._requests

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


forkserver = ForkServerClient()
