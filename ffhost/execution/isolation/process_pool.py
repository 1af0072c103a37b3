"""The pool of processes of one isolated function: leasing, replacing and ending them.

A process runs one call at a time, so killing it does not affect other calls.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.errors import CallError, HookFailed, LoadError, StartupError, Unavailable
from ffhost.execution.channels import LoopWaiter
from ffhost.execution.executor import executor
from ffhost.execution.isolation.early_calls import EarlyCall, EarlyCalls
from ffhost.execution.isolation.forkserver_client import forkserver_of
from ffhost.execution.isolation.frames import LOGS, START, ProcessFrame
from ffhost.execution.isolation.isolated_process import (
    IsolatedProcess,
    ProcessEnd,
    prune_config_for_isolated_process,
    start_isolated_process,
)
from ffhost.execution.isolation.load_report import IsolatedLoadReport, isolated_load_report_of
from ffhost.execution.isolation.loop_connection import LoopProcessConnection
from ffhost.execution.isolation.memory_watch import IsolatedMemoryWatch
from ffhost.execution.isolation.nested_calls import (
    CallByName,
    NestedCallAnswer,
    take_nested_call,
)
from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger

STOP_SECONDS = 5.0
"""How long shut-down hooks may take."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


class ProcessPool:
    """All processes of one function.

    Args:
        config: the configuration for loading and logging
        name: the function
        count: how many there are
        memory_bytes: what each may use; None for no limit
        import_budget: seconds that loading may take; None for no limit
        variables: what they find in their environment beside the variables of this process
        python: the Python of their virtual environment; None for the host's
        console: address of the console, for somebody who develops; else None

    Attributes:
        processes: those that have loaded the function
        idle: the processes that have no call
        leasing: what waits for one of them
    """

    def __init__(
        self,
        config: LoadedConfig,
        name: str,
        count: int,
        memory_bytes: int | None = None,
        import_budget: float | None = None,
        variables: Mapping[str, str] | None = None,
        python: str | None = None,
        console: str | None = None,
    ) -> None:
        self.python = python
        self._console = console
        self._server = forkserver_of(python)
        self._variables = variables or {}
        self.config = config
        self.name = name
        self.count = count
        self.memory_bytes = memory_bytes
        self.successor: ProcessPool | None = None
        """The pool for calls that arrive after this one has ended, after a reload."""
        self.loaded: IsolatedLoadReport | None = None
        self.replaced = 0
        """How many processes have crashed or were killed."""
        self.early = EarlyCalls(self)
        """Sends calls to processes that are not free yet."""
        self.by_name: CallByName = _refuse_call
        """Makes the calls of other functions that a process asks for."""
        self._import_budget = import_budget
        self._reset()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self.processes: tuple[IsolatedProcess, ...] = ()
        self.idle: list[IsolatedProcess] = []
        self.leasing: set[LoopWaiter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: str | None = None
        self.closed = False
        """Whether it accepts no more calls."""
        self._called: threading.Event | None = None

    @property
    def busy(self) -> int:
        """Count the calls that run in a process."""
        return sum(process.busy for process in self.processes)

    # Starting

    def load(self) -> IsolatedLoadReport:
        """Start the processes and wait until all have loaded the function.

        Raises:
            LoadError: it cannot be loaded
        """
        processes: list[IsolatedProcess] = []
        try:
            for _ in range(self.count):
                processes.append(self._start_one())
            answers = [self._await_load(process) for process in processes]
        except BaseException as error:
            for process in processes:
                process.kill()
                process.end()
            if isinstance(error, OSError):
                raise LoadError(f"its process cannot be started: {error}") from error
            raise
        self.processes = tuple(processes)
        self.loaded = answers[0]
        return self.loaded

    def _start_one(self) -> IsolatedProcess:
        return start_isolated_process(
            self._server, self.config, self.name, self._variables, self._console
        )

    def _await_load(self, process: IsolatedProcess) -> IsolatedLoadReport:
        budget = self._import_budget
        deadline = None if budget is None else time.monotonic() + budget
        try:
            return isolated_load_report_of(process.connection.receive_answer(deadline))
        except TimeoutError:
            raise LoadError(
                f"loading took more than its import_budget of {budget}",
                "import what is heavy inside the function, or set lazy: true",
                key="import_budget",
            ) from None
        except OSError as error:
            process.kill()
            raise LoadError(f"its process ended while it loaded: {process.end().how}") from error

    def start(self) -> None:
        """Run the start-up hooks in every process; from then on calls are accepted.

        Raises:
            HookFailed: a hook failed, or a process died
        """
        if self._owner != os.getpid():  # loaded before a fork: those processes belong to the parent
            for process in self.processes:
                process.forget()
            self._reset()
        if not self.processes:
            self.load()
        processes = self.processes
        try:
            for process in processes:
                with suppress(OSError):
                    process.connection.ask(START)
            for process in processes:
                self._await_start(process)
        except StartupError:
            self.stop()
            raise
        for process in processes:
            self._offer(process)
        if self.memory_bytes is not None:
            watch = IsolatedMemoryWatch(
                self.memory_bytes, lambda: self.processes, lambda: self.closed
            )
            self._called = watch.called
            threading.Thread(target=watch.run, name="ffhost-memory", daemon=True).start()

    def _await_start(self, process: IsolatedProcess) -> None:
        try:
            head = process.connection.receive_answer()
        except OSError as error:
            process.kill()
            raise HookFailed(
                f"a process of {self.name} ended while it started: {process.end().how}"
            ) from error
        if "failed" in head:
            raise HookFailed(head["failed"])

    # Handing out

    def take(self) -> IsolatedProcess | None:
        """Take a free process; None if there is none, or if the pool is closed."""
        with self._lock:
            if not self.idle or self.closed:
                return None
            process = self.idle.pop()
            process.busy = True
        if self._called is not None:
            self._called.set()
        return process

    async def lease(self) -> IsolatedProcess:
        """Wait for a free process, and take it.

        Raises:
            Unavailable: there is no process and none can be started, or the pool is closed
        """
        while True:
            with self._lock:
                if self.closed or (self._failure is not None and not self.idle):
                    raise Unavailable(f"{self.name} has no process", headers={"Retry-After": "1"})
                waiter = LoopWaiter()
                self.leasing.add(waiter)
            try:
                process = self.take()
                if process is not None:
                    return process
                await waiter.wait()
            finally:
                self.leasing.discard(waiter)

    async def inform(self, process: IsolatedProcess) -> None:
        """Apply the logging of the current configuration to a process.

        Raises:
            ConnectionError: it has ended
        """
        process.revision = self.config.revision
        config = pickle.dumps(prune_config_for_isolated_process(self.config, self.name))
        await (process.calls or self.connect(process)).ask(LOGS, b"", config).answer

    def connect(self, process: IsolatedProcess) -> LoopProcessConnection:
        """Serve *process* on the running loop, which sees the end of idle ones from now on."""
        with self._lock:
            loop = self._loop = asyncio.get_running_loop()
            idle = list(self.idle)
        for each in idle:
            each.attach(loop, _PoolListener(self, each))
        return process.attach(loop, _PoolListener(self, process))

    def release(self, process: IsolatedProcess) -> None:
        """Release a process that has answered, unless it was sent more."""
        calls = process.calls
        if calls is not None:
            if calls.sent or not process.busy:
                return
            if calls.is_closing:
                self.replace_lost(process)
                return
        with self._lock:
            process.busy = False
            if not self.closed:
                self.idle.append(process)
            if self.leasing:
                self._wake()

    def _wake(self) -> None:
        """Wake those who wait for a process; under the lock."""
        for waiter in tuple(self.leasing):  # they leave without the lock
            waiter.wake()
        self.leasing.clear()

    def _offer(self, process: IsolatedProcess) -> None:
        """Add a process that has started, unless the pool was closed meanwhile."""
        with self._lock:
            self._failure = None
            closed, loop = self.closed, self._loop
            if not closed:
                if process not in self.processes:
                    self.processes += (process,)
                self.idle.append(process)
                self._wake()
        if closed:
            _stop([process])
        elif loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._attach_idle, process)

    def _attach_idle(self, process: IsolatedProcess) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            idle = process in self.idle and loop is self._loop
        if idle:
            process.attach(loop, _PoolListener(self, process))

    # Replacing

    def replace(self, process: IsolatedProcess, when: str | None = None) -> ProcessEnd:
        """Replace a process that has crashed or was killed, and return how it ended.

        It waits for the end, so it is not called on a loop.

        Args:
            when: logged as the time of death; None if the caller logs it
        """
        end = process.end()
        with self._lock:
            process.busy = False
            if self.closed or process not in self.processes:
                return end
            self.processes = tuple(each for each in self.processes if each is not process)
            self.replaced += 1
        if when is not None:
            get_logger("ffhost").error(
                "isolated_process_died",
                function=self.name,
                when=when,
                **isolated_process_end_fields(end),
            )
        threading.Thread(target=self._start_replacement, name="ffhost-process", daemon=True).start()
        return end

    def lost(self, process: IsolatedProcess) -> None:
        """Replace a process that has ended, or sent something, while it had no call."""
        with self._lock:
            if process not in self.idle:
                return
            self.idle.remove(process)
        self.replace_lost(process)

    def replace_lost(self, process: IsolatedProcess) -> None:
        """Replace a process that has ended before it had a call, on a thread."""
        executor.submit(self.replace, process, "while it was idle")

    def _start_replacement(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self.closed:
            process: IsolatedProcess | None = None
            try:
                process = self._start_one()
                self._await_load(process)
                process.connection.ask(START)
                self._await_start(process)
            except (StartupError, OSError) as error:
                if process is not None:
                    process.kill()
                    process.end()
                self._mark_unavailable(str(error))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            self._offer(process)
            return

    def _mark_unavailable(self, reason: str) -> None:
        with self._lock:
            told, self._failure = self._failure, reason if not self.processes else None
            self._wake()
        if told != reason:
            get_logger("ffhost").error(
                "isolated_process_failed_to_start", function=self.name, reason=reason
            )

    # Ending

    def close_if_idle(self) -> bool:
        """Accept no more calls if none runs; return whether none does.

        In one step: a call that took a process between a look and the end would be cut off.
        """
        with self._lock:
            if self.busy:
                return False
            self.closed = True
            self._wake()
            return True

    def stop(self) -> None:
        """Run the shut-down hooks and end the processes; a call that still runs is cut off."""
        if self._owner != os.getpid():
            return
        with self._lock:
            self.closed = True
            processes, idle = self.processes, list(self.idle)
            self.processes = ()
            self.idle.clear()
            self._wake()
        for process in processes:
            if process not in idle:
                process.kill()
                process.end()
        _stop(idle)


class _PoolListener:
    """Is told by the connection of a process what happens to it."""

    __slots__ = ("_pool", "_process")

    def __init__(self, pool: ProcessPool, process: IsolatedProcess) -> None:
        self._pool = pool
        self._process = process

    def lost(self) -> None:
        self._pool.lost(self._process)

    def read(self) -> None:
        early = self._pool.early
        if early.slots.line:
            early.offer()

    def returned(self, early: list[EarlyCall]) -> None:
        self._pool.early.restore(early)

    def asked(self, call: Call, frame: ProcessFrame) -> None:
        connection = self._process.calls
        assert connection is not None
        take_nested_call(call, connection, self._pool.by_name, frame)


async def _refuse_call(_call: Call, _head: Any, _body: bytes) -> NestedCallAnswer:
    raise CallError("calls by name are not served here")


def _stop(processes: list[IsolatedProcess]) -> None:
    for process in processes:
        process.ask_to_stop()
    give_up_at = time.monotonic() + STOP_SECONDS
    for process in processes:
        if not process.ends_within(give_up_at - time.monotonic()):
            process.kill()
        process.end()


def isolated_process_end_fields(end: ProcessEnd) -> dict[str, Any]:
    """Return the fields that say how a process ended."""
    fields: dict[str, Any] = {"reason": end.how, "signal": end.signal, "exit_code": end.exit_code}
    fields |= {"memory_bytes": end.memory_bytes, "stack": end.stack}
    return {name: value for name, value in fields.items() if value is not None}
