"""The forkserver: the process that the processes of isolated functions are forked from.

Forking the host itself would copy its threads' locks in whatever state they are; starting
Python anew takes a third of a second. So each host keeps one process that has imported
ffhost but no user code, has no threads, and forks on request. A crashed process is replaced
within milliseconds.

It ends when the host ends, for whatever reason, and so does everything that was started from
it, even in the middle of a loop in C.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import TypeAlias

from ffhost.execution.isolation.keeper import LEFT_TO_HOST, keep_process, leave_signal_to_host

PASSED = 6
"""How many descriptors come with a request to start a process: its two sockets, its stack pipe, the
socket of its keeper, and the host's standard output and error."""
_LOOK_SECONDS = 1.0


Child: TypeAlias = Callable[[int, int, int], int]
"""Runs in each new process, with the descriptors of its requests, its stream and its stack pipe;
returns the exit status."""


class ForkServer:
    """Starts processes on request of the host."""

    def __init__(self, requests: socket.socket, child: Child) -> None:
        self._requests = requests
        self._child = child
        self._host = os.getppid()

    def serve(self) -> None:
        """Serve the requests of the host until it is gone."""
        while self._host == os.getppid():
            # User code may have forked the host: then the socket stays open after its end.
            if not select.select([self._requests], [], [], _LOOK_SECONDS)[0]:
                continue
            try:
                request, descriptors, _, _ = socket.recv_fds(self._requests, 1, PASSED)
            except OSError:
                return
            if not request:
                return
            try:
                self._start(*descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)

    def _start(
        self, requests: int, stream: int, stacks: int, report: int, out: int, err: int
    ) -> None:
        """Fork a keeper; if that fails, the host sees that the report ends."""
        server = os.getpid()
        own = (requests, stream, stacks)
        try:
            if os.fork():
                return
        except OSError as error:
            print(f"ffhost: cannot fork a process: {error}", file=sys.stderr)
            return
        try:
            self._requests.close()
            os.dup2(out, 1)
            os.dup2(err, 2)
            for each in (out, err):
                os.close(each)

            def run() -> int:
                for each in own:
                    os.set_inheritable(each, False)
                gc.unfreeze()
                return self._child(*own)

            keep_process(socket.socket(fileno=report), server, run, own)
        finally:
            os._exit(0)


def run_forkserver(descriptor: int, child: Child) -> None:
    """Run the forkserver of the host at the other end of *descriptor*."""
    for number in LEFT_TO_HOST:
        signal.signal(number, leave_signal_to_host)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the keepers
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.collect()
    gc.freeze()
    ForkServer(socket.socket(fileno=descriptor), child).serve()
    os._exit(0)
