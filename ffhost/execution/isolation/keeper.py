"""The keeper of one process: it starts the process and ends all that the process has started.

What user code starts may fork twice and begin a session of its own, so neither the process
group nor the tree of parents leads to it. The keeper is a subreaper: orphans become its
children. It runs no user code and has no threads.

Process and keeper stay as zombies until the host has taken note of the end, so the host
never kills another process that has got the same number.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

PIDS = struct.Struct("=ii")
"""What a keeper sends first: its own pid and that of its process."""
STATUS = struct.Struct("=i")
"""What it sends at the end: the exit status of its process, as `os.waitpid` returns it."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
LEFT_TO_HOST = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""The host decides what these mean for its processes: a service manager or a terminal may send
them to every process of a group."""


def leave_signal_to_host(_number: int, _frame: Any) -> None:
    """Handle a signal by doing nothing; programs that are started do not inherit that."""


def keep_process(
    report: socket.socket, parent: int, run: Callable[[], int], descriptors: Iterable[int]
) -> None:
    """Run *run* in a process of its own, tell the host on *report*, and end with it.

    Args:
        report: leads to the host
        parent: the forkserver; if it ends, so does everything here
        run: returns the exit status
        descriptors: of the process alone
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _end_with(parent)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    keeper = os.getpid()
    pid = os.fork()
    if not pid:
        report.close()
        _run(run, keeper)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(OSError):
        report.sendall(PIDS.pack(keeper, pid))
    status = _await_end(pid)
    _kill_children(pid)
    with suppress(OSError):
        report.sendall(STATUS.pack(status))
        report.recv(1)  # returns when the host has closed its end


def _run(run: Callable[[], int], keeper: int) -> None:
    status = 1
    try:
        for number in LEFT_TO_HOST:
            signal.signal(number, leave_signal_to_host)
        os.setpgid(0, 0)
        die_with_parent_process(keeper)
        status = run()
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(status)


def _end_with(parent: int) -> None:
    """End when *parent* has ended, together with all children; ignore signals until then."""

    def end(_number: int, _frame: Any) -> None:
        if os.getppid() != parent:
            _kill_children()
            os._exit(1)

    for number in LEFT_TO_HOST:
        signal.signal(number, end)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    end(0, None)


def _await_end(pid: int) -> int:
    """Wait until the process has ended, and return its status; reap orphans meanwhile."""
    if not hasattr(os, "waitid"):
        return os.waitpid(pid, 0)[1]
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert found is not None
        if found.si_pid != pid:
            os.waitpid(found.si_pid, 0)
        elif found.si_code == os.CLD_EXITED:
            return int(found.si_status) << 8
        else:
            return int(found.si_status)


def _kill_children(ended: int | None = None) -> None:
    """Kill all children, and theirs, which become ours when their parents die.

    Args:
        ended: one that stays as a zombie
    """
    while True:
        living = [child for child in _children() if child != ended]
        if not living:
            return
        for child in living:
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
        for child in living:
            with suppress(OSError):
                os.waitpid(child, 0)


def _children() -> list[int]:
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:  # a system without it
        return []


def die_with_parent_process(parent: int) -> None:
    """Make the kernel kill this process when *parent* ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
