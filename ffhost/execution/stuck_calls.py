"""Calls past their deadline: what is logged about them, and which of them count as stuck.

A thread that blocks in C, or a coroutine that swallows its cancellation, cannot be stopped.
It keeps its slot, is logged with its live stack at the deadline and every minute
after, and counts as stuck. If there are too many, the worker must be replaced.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from ffhost.execution.thread_frames import frame_of_thread
from ffhost.execution.threads import PoolThread
from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.loading.modules import user_stack_text

GRACE_SECONDS = 1.0
"""How long a call may take to end after its deadline before it counts as stuck."""
REPEAT_SECONDS = 60.0


def stack_of_stuck_call(job: Any) -> str | None:
    """Return the present stack of a thread or task, innermost call last; None if it has ended."""
    if isinstance(job, PoolThread):
        frame = frame_of_thread(job.ident)
        return None if frame is None else user_stack_text(frame)
    if isinstance(job, asyncio.Task):
        return "".join(_awaited(job.get_coro()))
    return None


def _awaited(work: Any) -> list[str]:
    lines = []
    while work is not None:
        frame = getattr(work, "cr_frame", None) or getattr(work, "ag_frame", None)
        if frame is not None:
            lines += traceback.format_stack(frame)[-1:]
        work = getattr(work, "cr_await", None) or getattr(work, "ag_await", None)
    return lines


class StuckCalls:
    """The calls of this process that still run although their callers got 504."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[Call, float] = {}
        self._watching = False
        self.on_limit: Callable[[], None] | None = None
        """Called, once, when the stuck calls exceed ``stuck_limit`` of their function."""
        self._told = False

    def count(self, function: str | None = None) -> int:
        """Count the stuck calls, of one function or of all."""
        now = time.monotonic()
        with self._lock:
            return sum(
                1
                for call in self._calls
                if (function is None or call.function.name == function)
                and call.deadline is not None
                and now > call.deadline.at + GRACE_SECONDS
            )

    def add(self, call: Call) -> None:
        """Log that *call* timed out, and watch whether it ends."""
        _log(call, "deadline_exceeded")
        with self._lock:
            if call.state == "ended":
                return
            self._calls[call] = time.monotonic() + REPEAT_SECONDS
            start, self._watching = not self._watching, True
        if start:
            self._start_watching()

    def _start_watching(self) -> None:
        try:
            threading.Thread(target=self._watch, name="ffhost-stuck", daemon=True).start()
        except RuntimeError:  # no thread can be started now; the next late call tries again
            with self._lock:
                self._watching = False

    def discard(self, call: Call) -> None:
        """Forget a call: it has ended."""
        with self._lock:
            self._calls.pop(call, None)

    def _watch(self) -> None:
        while True:
            time.sleep(GRACE_SECONDS)
            now = time.monotonic()
            with self._lock:
                if not self._calls:
                    self._watching = False
                    return
                due = [call for call, at in self._calls.items() if now >= at]
                for call in due:
                    self._calls[call] = now + REPEAT_SECONDS
            for call in due:
                _log(call, "call_is_stuck")
            self._check_limit()

    def _check_limit(self) -> None:
        counts: dict[str, int] = {}
        limits: dict[str, float] = {}
        now = time.monotonic()
        with self._lock:
            for call in self._calls:
                if call.deadline is not None and now > call.deadline.at + GRACE_SECONDS:
                    name = call.function.name
                    counts[name] = counts.get(name, 0) + 1
                    limits[name] = call.function.stuck_limit
        total, limit = sum(counts.values()), max(limits.values(), default=float("inf"))
        if total > limit and not self._told:
            self._told = True
            get_logger("ffhost").error(
                "too_many_stuck_calls", stuck=total, stuck_limit=limit, functions=sorted(counts)
            )
            if self.on_limit is not None:
                self.on_limit()


def _log(call: Call, event: str) -> None:
    get_logger("ffhost").error(
        event,
        function=call.function.name,
        execution_id=call.execution_id,
        timeout_seconds=round(call.timeout_seconds, 3),
        running_seconds=round(time.monotonic() - call.started, 3),
        live_stack=stack_of_stuck_call(call.job),
    )


stuck_calls = StuckCalls()
