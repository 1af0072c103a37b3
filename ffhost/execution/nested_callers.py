"""Callers of functions that are called by other functions, of this host or of another one.

These calls have what is left of their caller's time, so they do not expire in the order in which
they began. They share one timer all the same, set for the first that expires; it moves only
when a call expires sooner, which is seldom. A call whose chain holds a slot of the function
already never waits for another one: it would wait for itself.
"""

from __future__ import annotations

import contextvars
import time
from typing import Any

from ffhost.config.units import UNLIMITED
from ffhost.execution.blocking_caller import BlockingCaller
from ffhost.execution.caller import PAUSED_LOOK_SECONDS, stop_running_call
from ffhost.execution.failures import CANCELLED_STATUS
from ffhost.execution.loop_caller import EXACT_SECONDS, AsyncCaller, LoopRunner
from ffhost.execution.thread_signals import own_events
from ffhost.execution.threads import Threads
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
        self._take_turns(False, on_threads=False)
        self._due_at = UNLIMITED
        """When the timer fires, on the monotonic clock."""

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
        now = time.monotonic()
        at = min(now + self.timeout_seconds, call.ends_at)
        if at == UNLIMITED:
            return
        deadline = call.deadline = Deadline()
        deadline.at = at
        self._in_flight[call] = None
        if at < self._due_at:
            self._set_timer(at, max(0.0, at - now))

    def _set_timer(self, at: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due_at = at
        self._timer = self._loop.call_later(seconds, self._expire_due)

    def _expire_due(self) -> None:
        self._timer, self._due_at = None, UNLIMITED
        nearest = UNLIMITED
        for call in tuple(self._in_flight):
            deadline = call.deadline
            assert deadline is not None
            left = PAUSED_LOOK_SECONDS if deadline.is_paused else deadline.remaining
            if left > EXACT_SECONDS:
                nearest = min(nearest, left)
                continue
            del self._in_flight[call]
            self._answer_timed_out(call, self.expire(call))
        if nearest != UNLIMITED:
            self._set_timer(time.monotonic() + nearest, nearest)


class NestedThreadCaller(BlockingCaller):
    """Calls one function from threads.

    Args:
        background: has the loop on which coroutine functions run
    """

    signals = own_events
    make_context = contextvars.Context

    def __init__(self, function: Function, threads: Threads, background: Any) -> None:
        super().__init__(function, threads, background)
        self.has_context = True

    def leave(self, call: Call) -> None:
        """Stop the function, and end the wait for its answer: its caller has been interrupted."""
        call.cancelled = True
        if call.channel is not None:
            call.channel.close()
        if call.state == "running":
            stop_running_call(call)
        if call.waiter is not None:
            call.waiter.set(Reply(CANCELLED_STATUS))

    def _queue(self, call: Call, seconds: float) -> None:
        if self.function.name in call.chain:
            raise self.function.refusal()
        super()._queue(call, _left(seconds, call.ends_at))


def _left(seconds: float, ends_at: float) -> float:
    """Return *seconds*, or what is left until *ends_at* if that is less."""
    return seconds if ends_at == UNLIMITED else min(seconds, max(0.0, ends_at - time.monotonic()))
