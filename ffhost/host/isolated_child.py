"""The program of an isolated function's process: it loads, decodes, calls and encodes.

One call at a time, on the main thread; coroutine functions on a loop of the process. What is
logged and printed goes to the same streams as the host's, in whole entries.
"""

from __future__ import annotations

import asyncio
import contextvars
import faulthandler
import os
import pickle
import signal
import socket
import sys
import time
from atexit import _run_exitfuncs
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ffhost.config import LoadedConfig
from ffhost.errors import LoadError, ResultError
from ffhost.execution import forked_children
from ffhost.execution.isolation import forkserver
from ffhost.execution.isolation.asking_process import AskingProcessConnection
from ffhost.execution.isolation.call_frames import call_of_frame, reply_frame_head, stream_end_head
from ffhost.execution.isolation.frames import (
    CALL,
    LARGEST_BODY_BYTES,
    LOGS,
    START,
    ProcessFrame,
    frame_head_as_json,
)
from ffhost.execution.isolation.process_caller import ProcessCaller
from ffhost.execution.loops import loop_task_factory
from ffhost.host.isolated_callers import HostOfProcess
from ffhost.host.loader import load_served_function
from ffhost.host.log_setup import configure_service_logs
from ffhost.host.named_calls import set_outer_named_calls
from ffhost.host.own_addresses import find_host_addresses
from ffhost.host.store import ReloadStore
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.logger import get_logger
from ffhost.loading import modules
from ffhost.loading.marked_functions import find_marked_lifecycle_hooks
from ffhost.observability import logs

if TYPE_CHECKING:
    from ffhost.host.console.process_entries import ProcessEntries

SECOND_DEADLINE_SECONDS = 1.0
"""Seconds after its deadline until a process ends by itself, if its host did not kill it."""
_OOM_SCORE = "500"
_NEEDED_BY_MOST = (
    "structlog",
    "ffhost.loading.targets.source_habits",
    "ffhost.signatures.function_types",
    "ffhost.signatures.http_function",
    "ffhost.signatures.requests.native_request",
)
"""What is imported when it is needed, which it is in nearly every process: the forkserver imports
it once for all, so that processes start sooner and share its memory."""
Head: TypeAlias = dict[str, Any]


def run_host_forkserver(descriptor: int) -> None:
    """Run the process that isolated ones are forked from, for the host behind *descriptor*."""
    for name in _NEEDED_BY_MOST:
        import_module(name)
    forkserver.run_forkserver(descriptor, run_isolated_child)


def run_isolated_child(requests: int, stream: int, stacks: int) -> int:
    """Serve one function until the host stops it or is gone, and return the exit status.

    Args:
        requests: descriptor of the socket on which the host asks
        stream: descriptor of the socket for all else
        stacks: descriptor of the pipe that takes the stack of a crash
    """
    connection = AskingProcessConnection(
        socket.socket(fileno=requests), socket.socket(fileno=stream)
    )
    load = connection.receive()
    forked_children.separate_forked_children([requests, stream, stacks])
    head = load.trusted_head()
    _prepare(head, stacks)
    process = IsolatedChild(connection, pickle.loads(load.body), head["name"], head["console"])
    try:
        process.serve(load)
    except OSError:
        return 1  # the host is gone: nobody needs the shut-down hooks to run
    finally:
        logs.flush_log()
        with suppress(BaseException):
            _run_exitfuncs()
        _flush_streams()
    return 0


def _prepare(head: Head, stacks: int) -> None:
    if head["sys_path"] is not None:  # an environment has a path of its own
        sys.path[:] = head["sys_path"]
    os.environ.clear()
    os.environ.update(head["environ"])
    # The stack of a crash, and of a call at its deadline: written in C, whatever Python does.
    faulthandler.enable(stacks, all_threads=False)
    faulthandler.register(head["stack_signal"], stacks, all_threads=True)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(_OOM_SCORE)  # a container out of memory loses a call, not its host


class IsolatedChild:
    """The function of this process, and its connection to the host."""

    def __init__(
        self,
        connection: AskingProcessConnection,
        config: LoadedConfig,
        name: str,
        console: str | None,
    ) -> None:
        self._connection = connection
        self._config = config
        self._name = name
        self._store = ReloadStore()
        find_host_addresses(self._store).admin = console
        self._function: Function | None = None
        self._caller: ProcessCaller | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._entries: ProcessEntries | None = None
        """What is logged during a call, for the console; None while it is off."""

    def serve(self, load: ProcessFrame) -> None:
        """Load the function, report it, and serve the requests of the host."""
        connection = self._connection
        configure_service_logs(self._config, os.environ)
        if self._config.settings.has_console:
            self._hand_on_entries()
        set_outer_named_calls(HostOfProcess(connection))
        try:
            with logs.binding_log_fields(function=self._name):
                connection.answer(load, frame_head_as_json(self._load()))
        except LoadError as error:
            failed = {"key": error.key, "message": error.message, "hint": error.hint}
            more = {"notes": list(error.notes), "line": error.line}
            connection.answer(load, frame_head_as_json({**failed, **more}))
            return
        while True:
            frame = connection.take_request()
            if frame.kind == CALL:
                self._call(frame)
            elif frame.kind == START:
                connection.answer(frame, frame_head_as_json(self._run_hooks("startup")))
            elif frame.kind == LOGS:
                configure_service_logs(pickle.loads(frame.body), os.environ)
                connection.answer(frame, b"")
            else:
                self._run_hooks("shutdown")
                return

    def _hand_on_entries(self) -> None:
        from ffhost.host.console.process_entries import ProcessEntries

        self._entries = ProcessEntries()
        logs.hand_on_log_entries(self._entries.take)

    def _load(self) -> Head:
        """Load the function, and return what the host needs to know about it.

        Raises:
            LoadError: it cannot be loaded
        """
        config, name = self._config, self._name
        started = time.perf_counter()
        function = load_served_function(config, name, self._store)
        os.environ.setdefault("FUNCTION_SIGNATURE_TYPE", function.signature)
        seconds = time.perf_counter() - started
        logs.restore_logging()
        self._function = function
        self._caller = ProcessCaller(function, self._connection, self._complete, _flush)
        return {
            "signature": function.signature,
            "request": function.request,
            "methods": None if function.methods is None else sorted(function.methods),
            "seconds": seconds,
            "files": _files_below(config.base),
            "types": None if function.types is None else asdict(function.types()),
        }

    def _run_hooks(self, when: str) -> Head:
        assert self._function is not None
        for hook in find_marked_lifecycle_hooks(self._function.module, when):
            try:
                result = hook()
                if asyncio.iscoroutine(result):
                    self._complete(result)
            except (Exception, SystemExit) as error:
                name = f"{modules.plain_module_name(hook.__module__)}.{hook.__qualname__}"
                get_logger("ffhost").error(f"{when}_hook_failed", hook=name, exc_info=error)
                if when == "startup":
                    text = f"the start-up hook {name} failed: {type(error).__name__}: {error}"
                    return {"failed": text}
        return {}

    def _complete(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run *work* on the loop of this process, in a context of its own."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_task_factory(cast("Any", loop_task_factory))
            logs.install_log_hook_on_loop(self._loop)
        return self._loop.run_until_complete(self._loop.create_task(work))

    def _call(self, frame: ProcessFrame) -> None:
        assert self._function is not None
        call = call_of_frame(self._function, frame)
        left = None if call.deadline is None else call.deadline.remaining
        if left is not None:
            # Its default action is to end the process, also one that loops in C.
            signal.setitimer(signal.ITIMER_REAL, left + SECOND_DEADLINE_SECONDS)
        self._connection.begin_call()
        head, body = contextvars.copy_context().run(self._run, call, frame.call)
        self._connection.end_call()
        _flush()
        if left is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._connection.answer(frame, head, body)

    def _run(self, call: Call, number: int) -> tuple[bytes, bytes]:
        """Run *call*, and return head and body of its answer."""
        assert self._caller is not None
        function = self._caller.function
        begun = time.monotonic()
        reply = self._caller.answer(call, number)
        if reply is not None and len(reply.body) > LARGEST_BODY_BYTES:
            fault = f"returned {len(reply.body)} bytes; the most is {LARGEST_BODY_BYTES}"
            reply = function.failures.reply(call, ResultError(f"{function.name} {fault}"))
        self._end_log(call)
        if reply is None:
            return stream_end_head(call), b""
        seconds = time.monotonic() - begun
        return reply_frame_head(reply, call, seconds), bytes(reply.body)

    def _end_log(self, call: Call) -> None:
        logs.log_unfinished_output(call.execution_id)
        if self._entries is not None:
            call.kept_entries = self._entries.take_all()


def _flush() -> None:
    """Write what was printed and logged."""
    _flush_streams()
    logs.flush_log()


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def _files_below(base: Any) -> list[str]:
    """Return the files of the modules that were loaded from the configuration's folder."""
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    root = f"{os.path.abspath(base)}{os.sep}"
    return sorted(file for file in files if file.startswith(root) and "site-packages" not in file)
