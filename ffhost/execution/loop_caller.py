"""Calls functions from an event loop: coroutine functions on it, others on threads.

A thread that has finished puts its reply on a list and wakes the loop, unless another
thread has done so and the loop has not come round yet: under load one wake-up serves many
replies. `loop.run_in_executor` pays two futures and a wake-up a call, and is 1.7 times
slower.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ffhost.config.units import UNLIMITED
from ffhost.execution.caller import Caller
from ffhost.execution.channels import LoopWaiter
from ffhost.execution.loops import task_factory
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.threads import ThreadPool
from ffhost.host.loader import Function
from ffhost.invocation.current import Invocation
from ffhost.web.messages import Reply

Answer: TypeAlias = Callable[[Invocation], Awaitable[Reply]]
AnswerLate: TypeAlias = Callable[[Invocation, Reply], None]


class Late(BaseException):
    """The function ended after its caller had been told 504: there is nothing left to send."""


class LoopRunner:
    """What the callers of one loop share: its threads, and the list of finished calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: ThreadPool) -> None:
        self.loop = loop
        self.pool = pool
        self._done: deque[tuple[AsyncCaller, Invocation, Reply | None]] = deque()
        self._woken = False
        if loop.get_task_factory() is None:
            loop.set_task_factory(task_factory)

    def finished(self, caller: AsyncCaller, invocation: Invocation, reply: Reply | None) -> None:
        """Take note, in any thread, of a call that has ended."""
        self._done.append((caller, invocation, reply))
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._settle)
            except RuntimeError:  # the loop is closed: the process is on its way out
                return

    def _settle(self) -> None:
        # Cleared first: what is appended from now on wakes the loop again.
        self._woken = False
        done = self._done
        while done:
            caller, invocation, reply = done.popleft()
            caller.settle(invocation, reply)


class AsyncCaller(Caller):
    """Calls one function from a loop."""

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner.pool)
        self._runner = runner
        self._loop = runner.loop
        self._in_flight: dict[Invocation, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._bounded = self.timeout_seconds != UNLIMITED
        self._answer_late: AnswerLate | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the server's loop."""
        return self._loop

    async def answer(self, invocation: Invocation) -> Reply:
        """Call the function and wait for its reply, or for the deadline.

        Raises:
            TooManyRequests: no slot was free, and none became free in time
        """
        if not self.slots.try_acquire():
            await self._queue()
        waiter = invocation.waiter = self._loop.create_future()
        if self._bounded:
            self._watch(invocation)
        if self.function.is_async:
            if self.function.keeps_context:
                invocation.context = contextvars.copy_context()
                invocation.job = self._loop.create_task(
                    self.perform(invocation), context=invocation.context
                )
            else:
                invocation.job = self._loop.create_task(self.perform(invocation))
        else:
            invocation.context = contextvars.copy_context()
            self.pool.submit(self.work, invocation, self.end_on_thread)
        reply: Reply = await waiter
        return reply

    def staying(self, answer_late: AnswerLate) -> Answer:
        """Give the cheapest form of `answer` for a front whose server never cancels its tasks.

        A coroutine function is awaited right in the front's task, which spares a task and a
        future, about a seventh of a call. At the deadline that task is the function's to
        lose: *answer_late* sends the 504 without it, and `Late` ends it once it can be ended.
        """
        function = self.function
        # A lazy function is not known yet.
        if not function.is_async or function.pending is not None:
            return self.answer
        self._answer_late = answer_late
        return self._answer_here

    async def _answer_here(self, invocation: Invocation) -> Reply:
        if not self.slots.try_acquire():
            await self._queue()
        invocation.job = asyncio.current_task(self._loop)
        invocation.context = contextvars.copy_context()
        if self._bounded:
            self._watch(invocation)
        try:
            reply: Reply = await self.run(invocation)  # type: ignore[misc]
        except BaseException:
            self.settle(invocation, None)
            raise
        if reply.chunks is None or invocation.answered:
            self.settle(invocation, reply)
        else:
            invocation.waiter = self._loop.create_future()
            invocation.job = self._loop.create_task(self.perform(invocation, reply))
            reply = await invocation.waiter
        if invocation.answered:
            raise Late
        return reply

    async def _queue(self) -> None:
        waiter = LoopWaiter()
        ticket = self.slots.enqueue(waiter.wake)
        if ticket is None:
            raise self.function.refusal()
        if ticket.granted:
            return
        timeout = self.function.queue_timeout_seconds
        try:
            await asyncio.wait_for(waiter.wait(), None if timeout == UNLIMITED else timeout)
        except TimeoutError:
            if self.slots.leave(ticket):
                raise self.function.refusal() from None
        except BaseException:
            if not self.slots.leave(ticket):
                self.slots.release()
            raise

    # Deadlines. All calls of a function have the same timeout, so they expire in the order
    # in which they began: one timer a function, set for the eldest, is enough. It fires at
    # most once per timeout however many calls come and go.

    def _watch(self, invocation: Invocation) -> None:
        invocation.deadline = time.monotonic() + self.timeout_seconds
        self._in_flight[invocation] = None
        if self._timer is None:
            self._timer = self._loop.call_later(self.timeout_seconds, self._expire_due)

    def _expire_due(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._in_flight:
            invocation = next(iter(self._in_flight))
            left = (invocation.deadline or now) - now
            if left > 0.0005:
                self._timer = self._loop.call_later(left, self._expire_due)
                return
            del self._in_flight[invocation]
            reply = self.expire(invocation)
            if invocation.waiter is None:
                assert self._answer_late is not None
                invocation.answered = True
                self._answer_late(invocation, reply)
            elif not invocation.waiter.done():
                invocation.waiter.set_result(reply)

    def deliver(self, invocation: Invocation, reply: Reply) -> None:
        """Give the front the head of a stream."""
        self._loop.call_soon_threadsafe(self._set, invocation, reply)

    @staticmethod
    def _set(invocation: Invocation, reply: Reply) -> None:
        if not invocation.waiter.done():
            invocation.waiter.set_result(reply)

    def end_on_thread(self, invocation: Invocation, reply: Reply | None) -> None:
        """Have the loop note that a call on a thread has ended."""
        self._runner.finished(self, invocation, reply)

    def end(self, invocation: Invocation, reply: Reply | None) -> None:
        """Note that a call in a task of this loop has ended."""
        self.settle(invocation, reply)

    def settle(self, invocation: Invocation, reply: Reply | None) -> None:
        """Give the front its reply and the slot to the next call."""
        self.let_go(invocation)
        if self._bounded:
            self._in_flight.pop(invocation, None)
            if invocation.expired:
                stuck_calls.discard(invocation)
        waiter = invocation.waiter
        if waiter is not None and not waiter.done():
            if reply is not None:
                waiter.set_result(reply)
            elif invocation.channel is None:
                waiter.set_result(self.function.crashed(invocation))
        self.slots.release()
