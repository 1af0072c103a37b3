"""The host's side of one process: starting it, watching its memory, ending it, and why it ended."""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from ffhost.config import LoadedConfig
from ffhost.execution.isolation.frames import Connection, Head

_CHILD = "ffhost.host.isolated_child"
"""What the processes run, named by a string: it builds a small host, and this room knows none."""

STACK_SIGNAL = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2)) - (
    3 if hasattr(signal, "SIGRTMAX") else 0
)
"""What makes a process write its stacks: a signal that nobody uses."""
_NULL = os.open(os.devnull, os.O_RDWR)
_STACK_MILLISECONDS = 200
_LARGEST_STACK_BYTES = 32 * 1024
_COUNTED = (b"RssAnon:", b"RssShmem:", b"VmSwap:")


class End(NamedTuple):
    """How a process ended: by a signal or with an exit code, and the stack that it left."""

    signal: str | None
    exit_code: int | None
    stack: str | None
    memory_bytes: int | None = None

    @property
    def how(self) -> str:
        """What happened, in words."""
        if self.memory_bytes is not None:
            return "killed for its memory"
        return f"killed by {self.signal}" if self.signal else f"exit code {self.exit_code}"


class IsolatedProcess:
    """One process of an isolated function."""

    def __init__(self, pid: int, connection: Connection, stacks: int, revision: str) -> None:
        self.pid = pid
        self.connection = connection
        self.revision = revision
        """Of the configuration whose logging it has."""
        self.busy = False
        self._stacks = stacks
        self._memory_bytes: int | None = None
        self._status_file: int | None = None
        self._lock = threading.Lock()
        self._end: End | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it is there, and silent, as one that waits for a call is."""
        poll = select.poll()
        poll.register(self.connection.stream, select.POLLIN)
        return not poll.poll(0)

    def kill(self) -> None:
        """End it and the programs that it has started."""
        with self._lock:
            if self._end is None:
                with suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
                with suppress(OSError):  # it has not come to making a group of its own
                    os.kill(self.pid, signal.SIGKILL)

    def kill_above(self, limit_bytes: int) -> None:
        """Kill it if it uses more memory than *limit_bytes*."""
        used = self.memory_bytes()
        if used > limit_bytes:
            self._memory_bytes = used
            self.kill()

    def memory_bytes(self) -> int:
        """Measure the memory that is its own, resident or swapped; 0 if it is gone.

        Address space would count stacks of threads and what is only reserved.
        """
        try:
            if self._status_file is None:
                self._status_file = os.open(f"/proc/{self.pid}/status", os.O_RDONLY)
            lines = os.pread(self._status_file, 8192, 0).split(b"\n")
        except OSError:
            return 0
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_COUNTED))

    def live_stack(self) -> str | None:
        """Show where it is, innermost call first; also while it runs in C."""
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
            milliseconds = 5  # it is written in one go, in small pieces
        return text.decode(errors="replace") or None

    def end(self) -> End:
        """Reap it, once it has ended or was killed, and say how it ended."""
        with self._lock:
            if self._end is None:
                self._end = self._reap()
            return self._end

    def _reap(self) -> End:
        try:
            status = forkserver.reap(self.pid)
        except OSError:
            status = signal.SIGKILL  # the forkserver is gone, and took its children with it
        stack = self._read_stacks(0)
        self.forget()
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        name = None if number is None else _signal_name(number)
        return End(name, code, stack, self._memory_bytes)

    def forget(self) -> None:
        """Close what this process holds of it."""
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
        """Fork a process that serves *calls*; give its pid."""
        with self._lock:
            try:
                return self._start(calls, stacks)
            except OSError:
                self._close()  # somebody has killed it: a new one
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
    """Make *code* find ffhost where this process found it, and nothing where it did not look."""
    return f"import sys; sys.path[:] = {sys.path!r}; {code}"


forkserver = _ForkServer()


def start_process(config: LoadedConfig, name: str) -> IsolatedProcess:
    """Start a process and have it load the function *name*; the answer is not waited for."""
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # a stack that nobody reads must not hold up the process
    try:
        pid = forkserver.start(theirs, writing)
    finally:
        theirs.close()
        os.close(writing)
    process = IsolatedProcess(pid, Connection(ours), reading, config.revision)
    head: Head = {
        "name": name,
        "sys_path": sys.path,
        "environ": dict(os.environ),  # with what env_file adds, and user code has set
        "stack_signal": STACK_SIGNAL,
    }
    with suppress(OSError):  # whoever waits for the answer sees that it has died
        process.connection.send(head, pickle.dumps(pruned(config, name)))
    return process


def pruned(config: LoadedConfig, name: str) -> LoadedConfig:
    """Return what a process needs of *config*: the host's settings and one function.

    Trace hooks, metrics and summaries are the host's. That summaries are on makes the process
    keep the event of a call, which it tells the host.
    """
    settings = config.settings
    logging: dict[str, Any] = {"invocations": True}
    if "format" not in settings.logging.written:
        logging["format"] = None  # as the stream has it
    settings = settings.replaced(
        functions={name: settings.functions[name]},
        tracing=settings.tracing.replaced(enabled=False),
        logging=settings.logging.replaced(**logging),
        metrics=settings.metrics.replaced(enabled=False),
    )
    return replace(config, settings=settings, origins={}, watched=(), env_file_values={})
