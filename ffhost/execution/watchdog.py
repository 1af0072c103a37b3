"""Detects that an event loop is blocked, and logs which function blocks it.

A coroutine function that blocks delays every other call, and no deadline can interrupt it. A
thread schedules a heartbeat on the loop twice a second, unless the loop runs no Python code and
so waits for events; calls pay nothing for it. Blocking code should run on a thread (a plain
function) or with ``isolation: process``.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any

from ffhost.execution import debugger
from ffhost.execution.thread_frames import frame_of_thread
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.logger import get_logger
from ffhost.loading.modules import user_stack_text

TICK_SECONDS = 0.5
IDLE_SECONDS = 1.0
"""After how long the next look follows at a loop that waits for events."""
TICKS = 2
"""How many heartbeats in a row must be missing.

They are counted, and not the time: a machine that slept has not blocked the loop.
"""
_REPEAT_SECONDS = 60.0

_watched: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def watch_for_blocked_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Watch *loop* for as long as it runs; call it on a thread of its process, once or often."""
    if loop not in _watched:
        _watched.add(loop)
        threading.Thread(target=_Watch(loop).run, name="ffhost-watchdog", daemon=True).start()


class _Watch:
    """One loop under watch."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread: int | None = None
        self._idle_frame: FrameType | None = None
        """The frame that runs the loop; the innermost one of its thread while it waits."""
        self._answered = True
        self._asked_at = 0.0

    def run(self) -> None:
        """Ask and wait, until the loop has ended."""
        missing, told_at = 0, 0.0
        while True:
            if self._answered:
                if missing >= TICKS:
                    self._log_resumed()
                missing = 0
                if self._is_idle():
                    time.sleep(IDLE_SECONDS)
                    continue
                if not self._ask():
                    return
            time.sleep(TICK_SECONDS)
            if self._answered:
                continue
            missing += 1
            now = time.monotonic()
            if missing == TICKS or (missing > TICKS and now > told_at + _REPEAT_SECONDS):
                if not self._loop.is_running():
                    return
                told_at = now
                if not debugger.is_at_breakpoint():
                    self._log_blocked(now)

    def _ask(self) -> bool:
        self._answered = False
        self._asked_at = time.monotonic()
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # it is closed
            return False
        return True

    def _is_idle(self) -> bool:
        """Whether the loop waits for events, which it does in C (uvloop)."""
        idle = self._idle_frame
        return (
            idle is not None
            and self._loop.is_running()
            and frame_of_thread(self._thread or 0) is idle
        )

    def _answer(self) -> None:
        self._thread = threading.get_ident()
        self._idle_frame = sys._getframe().f_back
        self._answered_at = time.monotonic()
        self._answered = True

    def _log_blocked(self, now: float) -> None:
        frame = frame_of_thread(self._thread or 0)
        call = self._invocation(frame)
        fields: dict[str, Any] = {}
        if call is not None:
            fields["function"] = call.function.name
            fields["execution_id"] = call.execution_id
        get_logger("ffhost").error(
            "event_loop_blocked",
            blocked_seconds=round(now - self._asked_at, 1),
            live_stack=None if frame is None else user_stack_text(frame),
            **fields,
        )

    def _log_resumed(self) -> None:
        get_logger("ffhost").warning(
            "event_loop_resumed",
            blocked_seconds=round(self._answered_at - self._asked_at, 1),
        )

    def _invocation(self, frame: FrameType | None) -> Call | None:
        """Find the call that runs on the loop: by its task, or in the frames of this package."""
        task = asyncio.current_task(self._loop)
        get_context = getattr(task, "get_context", None)  # from 3.12 on
        if get_context is not None:
            found: Call | None = get_context().get(CURRENT)
            return found
        while frame is not None:
            if str(frame.f_globals.get("__name__", "")).startswith("ffhost."):
                here = frame.f_locals.get("call")
                if isinstance(here, Call):
                    return here
            frame = frame.f_back
        return None
