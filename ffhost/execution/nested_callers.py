"""Callers of functions that are called by other functions; each is made for one call.

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
from ffhost.execution.caller import stop
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.execution.threads import ThreadPool
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply


class NestedLoopCaller(AsyncCaller):
    """Calls one function once, from a loop."""

    make_context = contextvars.Context

    def __init__(self, function: Function, runner: LoopRunner, call: Call) -> None:
        super().__init__(function, runner)
        self.has_context = True
        self._ends_at = call.ends_at
        if call.ends_at != UNLIMITED:
            self._bounded = True

    async def answer(self, call: Call) -> Reply:
        """Call the function and wait for its reply, or for the deadline.

        Whoever cancels this cancels the function.

        Raises:
            TooManyRequests: no slot was free, and none became free in time
        """
        try:
            return await super().answer(call)
        except asyncio.CancelledError:
            call.cancelled = True
            if call.state == "running":
                stop(call)
            raise

    async def _queue(self, call: Call) -> None:
        if self.function.name in call.chain:
            raise self.function.refusal()
        self.queue_seconds = _left(self.queue_seconds, self._ends_at)
        await super()._queue(call)

    def _watch(self, call: Call) -> None:
        self.timeout_seconds = _left(self.timeout_seconds, self._ends_at)
        super()._watch(call)

    def settle(self, call: Call, reply: Reply | None) -> None:
        """Deliver the reply, free the slot, and stop the timer."""
        super().settle(call, reply)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class NestedThreadCaller(BlockingCaller):
    """Calls one function once, from a thread.

    Args:
        background: has the loop on which coroutine functions run
    """

    make_context = contextvars.Context

    def __init__(self, function: Function, pool: ThreadPool, background: Any, call: Call) -> None:
        super().__init__(function, pool, background)
        self.has_context = True
        self._call = call
        self.timeout_seconds = _left(self.timeout_seconds, call.ends_at)

    def _queue(self) -> None:
        if self.function.name in self._call.chain:
            raise self.function.refusal()
        self.queue_seconds = _left(self.queue_seconds, self._call.ends_at)
        super()._queue()
        self.timeout_seconds = _left(self.timeout_seconds, self._call.ends_at)


def _left(seconds: float, ends_at: float) -> float:
    return min(seconds, max(0.0, ends_at - time.monotonic()))
