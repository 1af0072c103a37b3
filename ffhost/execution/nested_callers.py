"""Callers of functions that are called by other functions, of this host or of another one.

All calls of a function share one timer, which assumes that they have the same time. These have
what is left of their caller's time, so each has a timer of its own. A call whose chain holds a
slot of the function already never waits for another one: it would wait for itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import Any

from ffhost.config.units import UNLIMITED
from ffhost.execution.blocking_caller import BlockingCaller
from ffhost.execution.caller import PAUSED_LOOK_SECONDS, stop_running_call
from ffhost.execution.loop_caller import EXACT_SECONDS, AsyncCaller, LoopRunner
from ffhost.execution.threads import ThreadPool
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply


class NestedLoopCaller(AsyncCaller):
    """Calls one function from a loop."""

    make_context = contextvars.Context

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner)
        self.has_context = True
        self._bounded = True
        self._timers: dict[Call, asyncio.TimerHandle] = {}

    @staticmethod
    def leave(call: Call) -> None:
        """Cancel the function: whoever waited for its answer has been cancelled."""
        call.cancelled = True
        if call.state == "running":
            stop_running_call(call)

    async def _queue(self, call: Call, seconds: float) -> None:
        if self.function.name in call.chain:
            raise self.function.refusal()
        await super()._queue(call, _left(seconds, call.ends_at))

    def _watch(self, call: Call) -> None:
        seconds = _left(self.timeout_seconds, call.ends_at)
        if seconds != UNLIMITED:
            deadline = call.deadline = Deadline()
            deadline.at = time.monotonic() + seconds
            self._timers[call] = self._loop.call_later(seconds, self._look, call, deadline)

    def _look(self, call: Call, deadline: Deadline) -> None:
        left = PAUSED_LOOK_SECONDS if deadline.is_paused else deadline.remaining
        if left > EXACT_SECONDS:
            self._timers[call] = self._loop.call_later(left, self._look, call, deadline)
            return
        del self._timers[call]
        self._answer_timed_out(call, self.expire(call))

    def settle(self, call: Call, reply: Reply | None) -> None:
        """Deliver the reply, free the slot, and stop the timer."""
        super().settle(call, reply)
        timer = self._timers.pop(call, None)
        if timer is not None:
            timer.cancel()


class NestedThreadCaller(BlockingCaller):
    """Calls one function from threads.

    Args:
        background: has the loop on which coroutine functions run
    """

    make_context = contextvars.Context

    def __init__(self, function: Function, pool: ThreadPool, background: Any) -> None:
        super().__init__(function, pool, background)
        self.has_context = True

    def _queue(self, call: Call, seconds: float) -> None:
        if self.function.name in call.chain:
            raise self.function.refusal()
        super()._queue(call, _left(seconds, call.ends_at))

    def _seconds_for(self, call: Call) -> float:
        return _left(self.timeout_seconds, call.ends_at)


def _left(seconds: float, ends_at: float) -> float:
    """Return *seconds*, or what is left until *ends_at* if that is less."""
    return seconds if ends_at == UNLIMITED else min(seconds, max(0.0, ends_at - time.monotonic()))
