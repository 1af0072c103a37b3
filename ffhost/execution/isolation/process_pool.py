"""The pool of processes of one isolated function: leasing, replacing and ending them.

A process runs one call at a time, so killing it does not affect other calls.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ffhost.config import LoadedConfig
from ffhost.errors import HookFailed, LoadError, StartupError, Unavailable
from ffhost.execution.isolation.process import End, IsolatedProcess, pruned, start_process
from ffhost.invocation.logger import get_logger

BUSY_LOOK_SECONDS = 0.02
"""How often memory is measured while a call runs; it bounds how far a call can exceed the limit."""
IDLE_LOOK_SECONDS = 0.5
STOP_SECONDS = 5.0
"""How long shut-down hooks may take."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


class Loaded(NamedTuple):
    """What a process reports about the function that it has loaded."""

    signature: str
    request: str | None
    methods: list[str] | None
    streams: bool
    seconds: float
    files: tuple[tuple[str, int, int], ...]
    """The user's files that were loaded, each with its time and size."""


class ProcessPool:
    """All processes of one function.

    Args:
        config: the configuration for loading and logging
        name: the function
        count: how many there are
        memory_bytes: what each may use; None for no limit
        import_budget: seconds that loading may take; None for no limit
        variables: what they find in their environment beside the variables of this process
    """

    def __init__(
        self,
        config: LoadedConfig,
        name: str,
        count: int,
        memory_bytes: int | None = None,
        import_budget: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._variables = variables or {}
        self.config = config
        self.name = name
        self.count = count
        self.memory_bytes = memory_bytes
        self.successor: ProcessPool | None = None
        """The pool for calls that arrive after this one has ended, after a reload."""
        self.loaded: Loaded | None = None
        self.replaced = 0
        """How many processes have crashed or were killed."""
        self._import_budget = import_budget
        self._reset()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._ready = threading.Condition()
        self._all: set[IsolatedProcess] = set()
        self._idle: list[IsolatedProcess] = []
        self._failure: str | None = None
        self._closed = False
        self._called = threading.Event()

    @property
    def busy(self) -> int:
        """Count the calls that run in a process."""
        return sum(process.busy for process in tuple(self._all))

    @property
    def closed(self) -> bool:
        """Whether it accepts no more calls."""
        return self._closed

    # Starting

    def load(self) -> Loaded:
        """Start the processes and wait until all have loaded the function.

        Raises:
            LoadError: it cannot be loaded
        """
        processes = [
            start_process(self.config, self.name, self._variables) for _ in range(self.count)
        ]
        try:
            answers = [self._await_load(process) for process in processes]
        except BaseException:
            for process in processes:
                process.kill()
                process.end()
            raise
        self._all.update(processes)
        self.loaded = answers[0]
        return self.loaded

    def _await_load(self, process: IsolatedProcess) -> Loaded:
        budget = self._import_budget
        deadline = None if budget is None else time.monotonic() + budget
        try:
            head, _ = process.connection.receive(deadline)
        except TimeoutError:
            raise LoadError(
                f"loading took more than its import_budget of {budget}",
                "import what is heavy inside the function, or set lazy: true",
                key="import_budget",
            ) from None
        except OSError as error:
            process.kill()
            raise LoadError(f"its process ended while it loaded: {process.end().how}") from error
        if "message" in head:
            raise LoadError(head["message"], head["hint"], head["notes"], key=_key(head["key"]))
        return Loaded(
            head["signature"],
            head["request"],
            head["methods"],
            head["streams"],
            head["seconds"],
            tuple(_stamp(file) for file in head["files"]),
        )

    def start(self) -> None:
        """Run the start-up hooks in every process; from then on calls are accepted.

        Raises:
            HookFailed: a hook failed, or a process died
        """
        if self._owner != os.getpid():  # loaded before a fork: those processes belong to the parent
            for process in self._all:
                process.forget()
            self._reset()
        if not self._all:
            self.load()
        processes = list(self._all)
        try:
            for process in processes:
                with suppress(OSError):
                    process.connection.send({"do": "start"})
            for process in processes:
                self._await_start(process)
        except StartupError:
            self.stop()
            raise
        with self._ready:
            self._idle.extend(processes)
        if self.memory_bytes is not None:
            threading.Thread(target=self._watch_memory, name="ffhost-memory", daemon=True).start()

    def _await_start(self, process: IsolatedProcess) -> None:
        try:
            head, _ = process.connection.receive()
        except OSError as error:
            process.kill()
            raise HookFailed(
                f"a process of {self.name} ended while it started: {process.end().how}"
            ) from error
        if "failed" in head:
            raise HookFailed(head["failed"])

    # Handing out

    def lease(self, deadline: float | None) -> IsolatedProcess:
        """Wait for a free process, and take it.

        Raises:
            TimeoutError: *deadline* has passed
            Unavailable: there is no process, and none can be started
        """
        while True:
            with self._ready:
                while not self._idle:
                    if self._failure is not None or self._closed:
                        raise Unavailable(
                            f"{self.name} has no process", headers={"Retry-After": "1"}
                        )
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise TimeoutError
                    self._ready.wait(left)
                process = self._idle.pop()
                process.busy = True
            if process.is_alive:
                self._inform(process)
                self._called.set()
                return process
            self.replace(process, "while it was idle")

    def _inform(self, process: IsolatedProcess) -> None:
        """Apply the logging of the current configuration to a process."""
        config = self.config
        if process.revision != config.revision:
            process.revision = config.revision
            with suppress(OSError):
                process.connection.send({"do": "logs"}, pickle.dumps(pruned(config, self.name)))

    def release(self, process: IsolatedProcess) -> None:
        """Release a process that has answered."""
        with self._ready:
            process.busy = False
            if not self._closed:
                self._idle.append(process)
            self._ready.notify_all()

    def replace(self, process: IsolatedProcess, when: str | None = None) -> End:
        """Replace a process that has crashed or was killed, and return how it ended.

        Args:
            when: logged as the time of death; None if the caller logs it
        """
        end = process.end()
        with self._ready:
            process.busy = False
            self._all.discard(process)
            self.replaced += 1
            self._ready.notify_all()
            if self._closed:
                return end
        if when is not None:
            get_logger("ffhost").error(
                "isolated_process_died", function=self.name, when=when, **describe(end)
            )
        threading.Thread(target=self._start_replacement, name="ffhost-process", daemon=True).start()
        return end

    def _start_replacement(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed:
            process = start_process(self.config, self.name, self._variables)
            try:
                self._await_load(process)
                process.connection.send({"do": "start"})
                self._await_start(process)
            except (StartupError, OSError) as error:
                with suppress(Exception):
                    process.kill()
                    process.end()
                self._mark_unavailable(str(error))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            with self._ready:
                self._failure = None
                if not self._closed:
                    self._all.add(process)
                    self._idle.append(process)
                    self._ready.notify_all()
                    return
            _stop([process])

    def _mark_unavailable(self, reason: str) -> None:
        with self._ready:
            told, self._failure = self._failure, reason if not self._all else None
            self._ready.notify_all()
        if told != reason:
            get_logger("ffhost").error(
                "isolated_process_failed_to_start", function=self.name, reason=reason
            )

    def _watch_memory(self) -> None:
        limit = self.memory_bytes
        while limit is not None and not self._closed:
            processes = tuple(self._all)
            for process in processes:
                process.kill_above(limit)
            if any(process.busy for process in processes):
                time.sleep(BUSY_LOOK_SECONDS)
            else:
                self._called.wait(IDLE_LOOK_SECONDS)
                self._called.clear()

    # Ending

    def stop(self) -> None:
        """Run the shut-down hooks and end the processes; a call that still runs is cut off."""
        if self._owner != os.getpid():
            return
        with self._ready:
            self._closed = True
            processes, idle = list(self._all), list(self._idle)
            self._all.clear()
            self._idle.clear()
            self._ready.notify_all()
        for process in processes:
            if process not in idle:
                process.kill()  # the thread that waits for its answer reaps it
                if not process.busy:
                    process.end()
        _stop(idle)

    def unchanged(self) -> bool:
        """Whether the loaded files are unchanged."""
        loaded = self.loaded
        return loaded is not None and all(_stamp(file) == (file, *at) for file, *at in loaded.files)


def _stop(processes: list[IsolatedProcess]) -> None:
    for process in processes:
        with suppress(OSError):
            process.connection.send({"do": "stop"})
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with suppress(OSError):
            process.connection.receive(deadline)  # the process sends nothing more before its end
        process.kill()
        process.end()


def _stamp(file: str) -> tuple[str, int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return file, 0, 0
    return file, status.st_mtime_ns, status.st_size


def describe(end: End) -> dict[str, Any]:
    """Return the fields that say how a process ended."""
    fields: dict[str, Any] = {"reason": end.how, "signal": end.signal, "exit_code": end.exit_code}
    fields |= {"memory_bytes": end.memory_bytes, "stack": end.stack}
    return {name: value for name, value in fields.items() if value is not None}


def _key(key: str | list[str]) -> str | tuple[str, ...]:
    """Return the key of a `LoadError` that came as JSON."""
    return key if isinstance(key, str) else tuple(key)
