"""The hook ``profile``: an HTML profile of a call, made by pyinstrument.

It covers the function up to the head of its answer; the chunks of a stream come later. Only
the thread or task of the call is seen.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from pathlib import Path
from queue import Full, Queue
from typing import Any

from pyinstrument import Profiler

from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.observability.tracing.hook import Run, TraceHook, TraceHookPlace
from ffhost.observability.tracing.hook_options import ProfileHookOptions

_WAITING = 8
"""How many profiles may wait to be written; more are dropped."""
_CLOSE_SECONDS = 5.0


def make_trace_hook(name: str, options: ProfileHookOptions, place: TraceHookPlace) -> TraceHook:
    """Make the hook.

    Raises:
        ValueError: it would never profile anything
    """
    if options.token is None and options.longer_than is None:
        raise ValueError("no calls are selected for profiles: set 'token' or 'longer_than'")
    return TraceHook(name, wrap=_Profiling(options, place.base).wrap)


class _Profiling:
    def __init__(self, options: ProfileHookOptions, base: Path) -> None:
        self._folder = base / options.folder
        self._keep = int(options.keep)
        self._interval = float(options.interval)
        self._header = options.header.lower()
        self._token = None if options.token is None else options.token.encode()
        self._longer_than = None if options.longer_than is None else float(options.longer_than)

    def wrap(self, run: Run, is_async: bool, hook: TraceHook) -> Run:
        """Profile in the thread of the call: pyinstrument stops where it has begun."""

        def run_profiled(call: Call) -> Any:
            profiler = self._start(call, hook, "disabled")
            try:
                return run(call)
            finally:
                self._stop(profiler, call, hook)

        async def run_profiled_async(call: Call) -> Any:
            profiler = self._start(call, hook, "enabled")
            try:
                return await run(call)
            finally:
                self._stop(profiler, call, hook)

        return run_profiled_async if is_async else run_profiled

    def _start(self, call: Call, hook: TraceHook, mode: Any) -> tuple[Any, bool] | None:
        try:
            asked = self._is_asked_for(call)
            if not asked and self._longer_than is None:
                return None
            profiler = Profiler(interval=self._interval, async_mode=mode)
            profiler.start(target_description=f"{call.function.name}")
        except Exception as error:
            hook.failed(call, error)
            return None
        return profiler, asked

    def _is_asked_for(self, call: Call) -> bool:
        given = call.message.header(self._header)
        if given is None or self._token is None:
            return False
        return hmac.compare_digest(given.encode(), self._token)

    def _stop(self, started: tuple[Any, bool] | None, call: Call, hook: TraceHook) -> None:
        if started is None:
            return
        profiler, asked = started
        try:
            session = profiler.stop()
            limit = self._longer_than
            if asked or (limit is not None and session.duration > limit):
                name = f"{call.function.name}-{time.time_ns()}-{call.execution_id}.html"
                _writer.write(session, self._folder / name, self._keep)
        except Exception as error:
            hook.failed(call, error)


class _Writer:
    """Renders profiles on a thread of its own, because that is slow."""

    def __init__(self) -> None:
        self._queue: Queue[tuple[Any, Path, int]] = Queue(_WAITING)
        self._lock = threading.Lock()
        self._pid = 0

    def write(self, session: Any, path: Path, keep: int) -> None:
        """Write *session* to *path*, soon."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._queue = Queue(_WAITING)
                threading.Thread(target=self._serve, name="ffhost-profiles", daemon=True).start()
        try:
            self._queue.put_nowait((session, path, keep))
        except Full:
            get_logger("ffhost").warning("profile_dropped", path=str(path), waiting=_WAITING)

    def _serve(self) -> None:
        queue = self._queue
        while True:
            session, path, keep = queue.get()
            try:
                _write(session, path, keep)
            except Exception as error:
                get_logger("ffhost").error("profile_not_written", path=str(path), exc_info=error)
            finally:
                queue.task_done()

    def close(self) -> None:
        """Wait for a limited time for profiles that are not written yet."""
        give_up = time.monotonic() + _CLOSE_SECONDS
        while self._queue.unfinished_tasks and time.monotonic() < give_up:
            time.sleep(0.01)


def _write(session: Any, path: Path, keep: int) -> None:
    from pyinstrument.renderers import HTMLRenderer

    text = HTMLRenderer().render(session)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    get_logger("ffhost").info("profile_written", path=str(path))
    written = sorted(path.parent.glob("*.html"), key=lambda each: each.stat().st_mtime)
    for old in written[: max(0, len(written) - keep)]:
        old.unlink(missing_ok=True)


_writer = _Writer()


def write_last_profiles() -> None:
    """Write the remaining profiles."""
    _writer.close()
