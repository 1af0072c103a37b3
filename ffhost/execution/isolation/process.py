"""The host's side of one process: its start, memory, end, and the reason of the end."""

from __future__ import annotations

import contextvars
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from ffhost.config import LoadedConfig
from ffhost.execution.isolation.frames import Connection, Head

_CHILD = "ffhost.host.isolated_child"
"""Module that the processes run; named by a string, because `host` imports this package."""

STACK_SIGNAL = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2)) - (
    3 if hasattr(signal, "SIGRTMAX") else 0
)
"""Signal that makes a process write its stacks; rarely used for anything else."""
_NULL = os.open(os.devnull, os.O_RDWR)
_STACK_MILLISECONDS = 200
_LARGEST_STACK_BYTES = 32 * 1024
_COUNTED = (b"RssAnon:", b"RssShmem:", b"VmSwap:")


class End(NamedTuple):
    """How a process ended: its signal or exit code, and the stack that it wrote."""

    signal: str | None
    exit_code: int | None
    stack: str | None
    memory_bytes: int | None = None

    @property
    def how(self) -> str:
        """The reason in words."""
        if self.memory_bytes is not None:
            return "killed for using too much memory"
        return f"killed by {self.signal}" if self.signal else f"exit code {self.exit_code}"


class IsolatedProcess:
    """One process of an isolated function."""

    def __init__(self, pid: int, connection: Connection, stacks: int, revision: str) -> None:
        self.pid = pid
        self.connection = connection
        self.revision = revision
        """Revision of the configuration whose logging settings it uses."""
        self.busy = False
        self._stacks = stacks
        self._memory_bytes: int | None = None
        self._status_file: int | None = None
        self._lock = threading.Lock()
        self._end: End | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs and sends nothing, as a process that waits for a call."""
        poll = select.poll()
        poll.register(self.connection.stream, select.POLLIN)
        return not poll.poll(0)

    def kill(self) -> None:
        """Kill it and the programs that it has started."""
        with self._lock:
            if self._end is None:
                with suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
                with suppress(OSError):  # it has not made its own process group yet
                    os.kill(self.pid, signal.SIGKILL)

    def kill_above(self, limit_bytes: int) -> None:
        """Kill it if it uses more memory than *limit_bytes*."""
        used = self.memory_bytes()
        if used > limit_bytes:
            self._memory_bytes = used
            self.kill()

    def memory_bytes(self) -> int:
        """Return its private memory in bytes, resident or swapped; 0 if it has ended.

        Address space would include reserved memory, such as the stacks of threads.
        """
        try:
            if self._status_file is None:
                self._status_file = os.open(f"/proc/{self.pid}/status", os.O_RDONLY)
            lines = os.pread(self._status_file, 8192, 0).split(b"\n")
        except OSError:
            return 0
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_COUNTED))

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

    def end(self) -> End:
        """Reap it, after it has ended or was killed, and return how it ended."""
        with self._lock:
            if self._end is None:
                self._end = self._reap()
            return self._end

    def _reap(self) -> End:
        try:
            status = forkserver.reap(self.pid)
        except OSError:
            status = signal.SIGKILL  # the forkserver has ended, and so have its children
        stack = self._read_stacks(0)
        self.forget()
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        name = None if number is None else _signal_name(number)
        return End(name, code, stack, self._memory_bytes)

    def forget(self) -> None:
        """Close this process's descriptors for it."""
        self.connection.close()
        for descriptor in (self._stacks, self._status_file):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)
        self._stacks, self._status_file = -1, None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _ForkServer:
    """The forkserver of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host = 0
        self._connection: Connection | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, calls: socket.socket, stacks: int) -> int:
        """Fork a process that serves *calls*, and return its pid."""
        with self._lock:
            try:
                return self._start(calls, stacks)
            except OSError:
                self._close()  # it was killed: start a new one
                return self._start(calls, stacks)

    def _start(self, calls: socket.socket, stacks: int) -> int:
        connection = self._connected()
        connection.send({"do": "start"})
        socket.send_fds(connection.stream, [b"f"], [calls.fileno(), stacks, *_streams()])
        head, _ = connection.receive()
        pid: int = head["pid"]
        return pid

    def reap(self, pid: int) -> int:
        """Return the exit status of a process that is about to end."""
        with self._lock:
            if self._connection is None or self._host != os.getpid():
                raise ConnectionResetError
            self._connection.send({"do": "reap", "pid": pid})
            head, _ = self._connection.receive()
            status: int = head["status"]
            return status

    def _connected(self) -> Connection:
        if self._host != os.getpid():  # forked from a process that has one
            self._connection = self._program = None
            self._host = os.getpid()
        if self._connection is None:
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
            self._connection = Connection(ours)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._program is not None:
            self._program.kill()
            self._program.wait()
        self._connection = self._program = None


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


forkserver = _ForkServer()


def start_process(config: LoadedConfig, name: str, variables: Mapping[str, str]) -> IsolatedProcess:
    """Start a process that loads the function *name*, without waiting for its answer.

    Args:
        variables: what is added to the environment of this process
    """
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # an unread stack must not block the process
    try:
        pid = forkserver.start(theirs, writing)
    finally:
        theirs.close()
        os.close(writing)
    process = IsolatedProcess(pid, Connection(ours), reading, config.revision)
    head: Head = {
        "name": name,
        "sys_path": sys.path,
        "environ": {**_process_environ(), **variables},
        "stack_signal": STACK_SIGNAL,
    }
    with suppress(OSError):  # waiting for the answer shows that it has ended
        process.connection.send(head, pickle.dumps(pruned(config, name)))
    return process


def _process_environ() -> dict[str, str]:
    """Return the variables of this process, with those from ``env_file`` and user code.

    Whatever call this runs in: the context without a call has no other variables.
    """
    return contextvars.Context().run(dict, os.environ)


def pruned(config: LoadedConfig, name: str) -> LoadedConfig:
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
