"""The forkserver: the process that the processes of isolated functions are forked from.

Forking the host itself would copy its threads' locks in whatever state they are; starting
Python anew takes a third of a second. So each host keeps one process that has imported
ffhost but no user code, has no threads, and forks on request. A crashed process is replaced
within milliseconds.

It ends when the host ends, for whatever reason, and so do its children: the kernel kills them,
even in the middle of a loop in C.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.execution.isolation.frames import Connection, Head

PASSED = 4
"""How many descriptors come with a request to start a process: its socket, its stack pipe, and
the host's standard output and error."""
_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 0.2


Child: TypeAlias = Callable[[Connection, int], int]
"""Runs in each new process, with its connection and its stack pipe; returns the exit status."""


class ForkServer:
    """Starts and reaps processes on request of the host."""

    def __init__(self, connection: Connection, child: Child) -> None:
        self._connection = connection
        self._child = child
        self._host = os.getppid()

    def serve(self) -> None:
        """Serve the requests of the host until it is gone."""
        while self._host == os.getppid():
            # User code may have forked the host: then the socket stays open after its end.
            if not select.select([self._connection.stream], [], [], _LOOK_SECONDS)[0]:
                continue
            try:
                head, _ = self._connection.receive()
                self._connection.send(self._do(head))
            except OSError:
                return

    def _do(self, head: Head) -> Head:
        if head["do"] == "start":
            _, descriptors, _, _ = socket.recv_fds(self._connection.stream, 1, PASSED)
            try:
                return {"pid": self._start(*descriptors)}
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        try:
            return {"status": reap(head["pid"])}
        except ChildProcessError:
            return {"status": int(signal.SIGKILL)}

    def _start(self, calls: int, stacks: int, out: int, err: int) -> int:
        server = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            self._connection.close()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.setpgid(0, 0)
            die_with_parent(server)
            gc.unfreeze()
            status = self._child(Connection(socket.socket(fileno=calls)), stacks)
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            os._exit(status)


def reap(pid: int) -> int:
    """Return the exit status of a child that has closed its socket, as `os.waitpid` does.

    One that closed it but still runs, because user code closed all descriptors, is killed.
    """
    give_up_at = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < give_up_at:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def die_with_parent(parent: int) -> None:
    """Make the kernel kill this process when *parent* ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def main(descriptor: int, child: Child) -> None:
    """Run the forkserver of the host at the other end of *descriptor*."""

    # The host decides what a signal means for its children: a service manager or a terminal may
    # send its signal to every process of the group. Handlers, and not SIG_IGN, for the
    # programs that user code starts would inherit that.
    def leave_to_host(_number: int, _frame: Any) -> None:
        return

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, leave_to_host)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.collect()
    gc.freeze()
    ForkServer(Connection(socket.socket(fileno=descriptor)), child).serve()
    os._exit(0)
