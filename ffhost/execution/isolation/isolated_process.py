"""The host's side of one process: its start, its end, and the reason of the end."""

from __future__ import annotations

import asyncio
import contextvars
import os
import pickle
import select
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from ffhost.config import LoadedConfig
from ffhost.execution.isolation.connections import (
    HAS_PACKETS,
    ProcessConnection,
    blocking_socket_pair,
    socket_pair_for_requests,
)
from ffhost.execution.isolation.forkserver_client import ForkServerClient, StartedProcess
from ffhost.execution.isolation.frames import LOAD, STOP, frame_without_body
from ffhost.execution.isolation.keeper import STATUS
from ffhost.execution.isolation.loop_connection import ConnectionListener, LoopProcessConnection
from ffhost.execution.isolation.process_memory import isolated_process_bytes_above

STACK_SIGNAL = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2)) - (
    3 if hasattr(signal, "SIGRTMAX") else 0
)
"""Signal that makes a process write its stacks; rarely used for anything else."""
_STACK_MILLISECONDS = 200
_LARGEST_STACK_BYTES = 32 * 1024
_GRACE_SECONDS = 0.2
"""How long a process may take to end after it has closed its socket."""
_END_SECONDS = 10.0
"""How long a killed process, and all that it has started, may take to end: the kernel needs some
time for those with much memory."""


class ProcessEnd(NamedTuple):
    """How a process ended: its signal or exit code, and the stack that it wrote."""

    signal: str | None
    exit_code: int | None
    stack: str | None
    memory_bytes: int | None = None
    misfit: str | None = None
    """How it broke the protocol, for which it was killed."""

    @property
    def how(self) -> str:
        """The reason in words."""
        if self.memory_bytes is not None:
            return "killed for using too much memory"
        if self.misfit is not None:
            return f"killed because {self.misfit}"
        return f"killed by {self.signal}" if self.signal else f"exit code {self.exit_code}"


class IsolatedProcess:
    """One process of an isolated function."""

    def __init__(
        self,
        started: StartedProcess,
        connection: ProcessConnection,
        taken: socket.socket | None,
        stacks: int,
        revision: str,
    ) -> None:
        self.pid = started.pid
        self.connection = connection
        """The connection while it loads and starts."""
        self.calls: LoopProcessConnection | None = None
        """The connection while it serves calls."""
        self.revision = revision
        """Revision of the configuration whose logging settings it uses."""
        self.busy = False
        self.misfit: str | None = None
        self._taken = taken
        self._keeper = started.keeper
        self._report = started.report
        self._stacks = stacks
        self._memory_bytes: int | None = None
        self._lock = threading.Lock()
        self._end: ProcessEnd | None = None

    def attach(
        self, loop: asyncio.AbstractEventLoop, listener: ConnectionListener
    ) -> LoopProcessConnection:
        """Serve calls on *loop* from now on, and return the connection."""
        calls = self.calls
        if calls is None or calls.loop is not loop:
            requests, stream = self.connection.requests, self.connection.stream
            calls = self.calls = LoopProcessConnection(
                loop, requests, self._taken, stream, listener
            )
        return calls

    def kill(self) -> None:
        """Kill it and the programs of its group; its keeper ends all the others."""
        with self._lock:
            if self._end is None:
                with suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
                with suppress(OSError):  # it has not made its own process group yet
                    os.kill(self.pid, signal.SIGKILL)

    def kill_above(self, limit_bytes: int) -> None:
        """Kill it if it uses more memory than *limit_bytes*, with all that it has started."""
        used = isolated_process_bytes_above(self._keeper, limit_bytes)
        if used:
            self._memory_bytes = used
            self.kill()

    def live_stack(self) -> str | None:
        """Return its present stack, innermost call first; also while it runs in C."""
        with suppress(OSError):
            os.kill(self.pid, STACK_SIGNAL)
        return self._read_stacks(_STACK_MILLISECONDS)

    def _read_stacks(self, milliseconds: int) -> str | None:
        text = b""
        poll = select.poll()
        poll.register(self._stacks, select.POLLIN)
        while len(text) < _LARGEST_STACK_BYTES and poll.poll(milliseconds):
            piece = os.read(self._stacks, 8192)
            if not piece:
                break
            text += piece
            milliseconds = 5  # it is written at once, in small pieces
        return text.decode(errors="replace") or None

    def end(self) -> ProcessEnd:
        """Wait until it has ended, which it is about to or was killed, and return how.

        One that has closed its socket but still runs, because user code closed all descriptors, is
        killed.
        """
        status = self._await_status(_GRACE_SECONDS)
        if status is None:
            self.kill()
            status = self._await_status(_END_SECONDS)
        with self._lock:
            if self._end is None:
                self._end = self._described(signal.SIGKILL if status is None else status)
                self.forget()
            return self._end

    def ask_to_stop(self) -> None:
        """Ask an idle process to run its shut-down hooks and end."""
        with suppress(OSError):
            self.connection.requests.send(frame_without_body(STOP, 0, b"", 0))

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end; return whether it came in time."""
        return self._await_status(seconds) is not None

    def _await_status(self, seconds: float) -> int | None:
        """Return the exit status that the keeper reports; None if it does not come in time."""
        with self._lock:
            if self._end is not None:
                return 0
        try:
            self._report.settimeout(max(seconds, 0.0))
            text = self._report.recv(STATUS.size, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            text = b""
        if len(text) < STATUS.size:
            return signal.SIGKILL  # the keeper has ended, and so has its process
        status: int = STATUS.unpack(text)[0]
        return status

    def _described(self, status: int) -> ProcessEnd:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        name = None if number is None else _signal_name(number)
        return ProcessEnd(name, code, self._read_stacks(0), self._memory_bytes, self.misfit)

    def forget(self) -> None:
        """Close this process's descriptors for it; its keeper ends."""
        self._report.close()
        with suppress(OSError):
            os.close(self._stacks)
        self._stacks = -1
        calls = self.calls
        if calls is None or not calls.loop.is_running():
            self._close_sockets()
            return

        def close() -> None:
            calls.detach()
            self._close_sockets()

        with suppress(RuntimeError):  # the loop has just been closed
            calls.loop.call_soon_threadsafe(close)

    def _close_sockets(self) -> None:
        for each in (self.connection.requests, self._taken, self.connection.stream):
            if each is not None:
                each.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def start_isolated_process(
    server: ForkServerClient,
    config: LoadedConfig,
    name: str,
    variables: Mapping[str, str],
    console: str | None = None,
) -> IsolatedProcess:
    """Start a process that loads the function *name*, without waiting for its answer.

    Args:
        server: what it is forked from
        variables: what is added to the environment of this process
        console: address of the console, for somebody who develops; else None

    Raises:
        OSError: it could not be forked
    """
    requests, taken = socket_pair_for_requests()
    ours, theirs = blocking_socket_pair()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # an unread stack must not block the process
    try:
        started = server.start(taken, theirs, writing)
    except BaseException:
        for each in (requests, taken, ours):
            each.close()
        os.close(reading)
        raise
    finally:
        theirs.close()
        os.close(writing)
    if not HAS_PACKETS:
        taken.close()
    process = IsolatedProcess(
        started,
        ProcessConnection(requests, ours),
        taken if HAS_PACKETS else None,
        reading,
        config.revision,
    )
    head = {
        "name": name,
        "sys_path": sys.path if server.python is None else None,
        "environ": {**_process_environ(), **{n: str.__str__(v) for n, v in variables.items()}},
        "stack_signal": STACK_SIGNAL,
        "console": console,
    }
    with suppress(OSError):  # waiting for the answer shows that it has ended
        process.connection.ask(
            LOAD, head, pickle.dumps(prune_config_for_isolated_process(config, name))
        )
    return process


def _process_environ() -> dict[str, str]:
    """Return the variables of this process, with those from ``env_file`` and user code.

    Whatever call this runs in: the context without a call has no other variables.
    """
    return contextvars.Context().run(dict, os.environ)


def prune_config_for_isolated_process(config: LoadedConfig, name: str) -> LoadedConfig:
    """Return what a process needs of *config*: the host's settings and one function.

    Trace hooks, metrics and summaries are the host's. If summaries are on, the process
    keeps the event of a call and sends it to the host.
    """
    settings = config.settings
    logging: dict[str, Any] = {"invocations": True}
    if "format" not in settings.logging.written:
        logging["format"] = None  # chosen by the stream
    settings = settings.replaced(
        # its variables are those of the process
        functions={name: settings.functions[name].replaced(env={})},
        tracing=settings.tracing.replaced(enabled=False),
        logging=settings.logging.replaced(**logging),
        metrics=settings.metrics.replaced(enabled=False),
    )
    return replace(config, settings=settings, origins={}, watched=(), env_file_values={})
