"""Calls functions from an event loop: coroutine functions on it, others on threads.

A thread that has finished puts its reply on a list and wakes the loop, unless another
thread has done so and the loop has not run yet: under load one wake-up serves many
replies. `loop.run_in_executor` needs two futures and a wake-up per call, and is 1.7 times
slower.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from ffhost.config.units import UNLIMITED
from ffhost.execution import subprocesses
from ffhost.execution.caller import PAUSED_LOOK_SECONDS, FunctionCaller
from ffhost.execution.channels import LoopWaiter
from ffhost.execution.failures import answer_crashed_call
from ffhost.execution.forked_children import end_forked_child
from ffhost.execution.loops import loop_task_factory
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.execution.threads import ThreadPool
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply

Answer: TypeAlias = Callable[[Call], Awaitable[Reply]]
AnswerLate: TypeAlias = Callable[[Call, Reply], None]


EXACT_SECONDS = 0.0005
"""How much too early a timer may fire and still count as in time."""


class AlreadyAnswered(BaseException):
    """The function ended after its caller got 504: there is nothing left to send."""


class LoopRunner:
    """The shared part of the callers of one loop: threads, and the list of finished calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: ThreadPool) -> None:
        self.loop = loop
        self.pool = pool
        self._done: deque[tuple[AsyncCaller, Call, Reply | None]] = deque()
        self._woken = False
        end_forked_child(loop)
        if loop.get_task_factory() is None:
            loop.set_task_factory(loop_task_factory)
        subprocesses.install_subprocess_patches_on_loop(loop)

    def finished(self, caller: AsyncCaller, call: Call, reply: Reply | None) -> None:
        """Report, from any thread, that a call has ended."""
        self._done.append((caller, call, reply))
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._settle)
            except RuntimeError:  # the loop is closed: the process is exiting
                return

    def _settle(self) -> None:
        # Cleared first: what is appended from now on wakes the loop again.
        self._woken = False
        done = self._done
        while done:
            caller, call, reply = done.popleft()
            caller.settle(call, reply)


class AsyncCaller(FunctionCaller):
    """Calls one function from a loop."""

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner.pool)
        self.runner = runner
        self._loop = runner.loop
        self._in_flight: dict[Call, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._bounded = self.timeout_seconds != UNLIMITED
        self._answer_late: AnswerLate | None = None
        # A lazy function is not known yet.
        known = function.late_load is None
        starts_in_turn = known and not function.is_async and self.queue_seconds == UNLIMITED
        self._take_turns(starts_in_turn, on_threads=starts_in_turn and not self._bounded)
        self._queued: dict[Call, bool] = {}
        """Calls that wait for their turn; whoever takes one out begins it, or gives it up."""

    def _take_turns(self, starts_in_turn: bool, *, on_threads: bool) -> None:
        """Set how calls that wait come to their turn.

        Args:
            starts_in_turn: whoever frees a slot starts the next call
            on_threads: a thread frees the slot, and takes the next call without asking the loop
        """
        self._starts_in_turn = starts_in_turn
        self._frees_on_thread = on_threads
        finished: Callable[[Call, Reply | None], None] = partial(self.runner.finished, self)
        self._end_on_thread = self._free_and_finish if on_threads else finished

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the server's loop."""
        return self._loop

    async def answer(self, call: Call) -> Reply:
        """Call the function and wait for its reply, or for the deadline.

        Raises:
            TooManyRequests: no slot was free, and none became free in time
        """
        if not self.slots.try_acquire():
            if self._starts_in_turn:
                return await self._answer_in_turn(call)
            await self._queue(call, self.queue_seconds)
        call.move("running")
        waiter = call.waiter = self._loop.create_future()
        if self._bounded:
            self._watch(call)
        if self.function.is_async:
            if self.has_context:
                call.context = self.make_context()
                # Without the task factory, whose guard is for the tasks of functions.
                call.job = asyncio.Task(self.perform(call), loop=self._loop, context=call.context)
            else:
                call.job = self._loop.create_task(self.perform(call))
        else:
            call.context = self.make_context()
            try:
                self.pool.submit(self.work, call, self._end_on_thread)
            except RuntimeError as error:
                self.end_without_thread(call, error)
        reply: Reply = await waiter
        return reply

    def staying(self, answer_late: AnswerLate) -> Answer:
        """Return the cheapest form of `answer` for a front whose server never cancels its tasks.

        A coroutine function is awaited in the front's own task, which saves a task and a future,
        about a seventh of a call. At the deadline that task is still occupied by the function:
        *answer_late* sends the 504 without it, and `AlreadyAnswered` ends it later.
        """
        function = self.function
        # A lazy function is not known yet.
        if not function.is_async or function.late_load is not None:
            return self.answer
        self._answer_late = answer_late
        return self._answer_here

    async def _answer_here(self, call: Call) -> Reply:
        if not self.slots.try_acquire():
            await self._wait_for_slot(call)
        if call.state == "queued":  # and not begun while it waited
            call.move("running")
            call.job = asyncio.current_task(self._loop)
            call.context = contextvars.copy_context()
            if self._bounded:
                self._watch(call)
        try:
            reply: Reply = await self.run(call)  # type: ignore[misc]
        except BaseException:
            self.settle(call, None)
            raise
        late = call.state == "answered"  # with 504: nothing else answers a call from here
        if reply.chunks is None or late:
            self.settle(call, reply)
        else:
            call.waiter = self._loop.create_future()
            call.job = self._loop.create_task(self.perform(call, reply))
            reply = await call.waiter
        if late:
            raise AlreadyAnswered
        return reply

    async def _wait_for_slot(self, call: Call) -> None:
        await self._queue(call, self.queue_seconds)

    async def _answer_in_turn(self, call: Call) -> Reply:
        """Answer as `answer` does, of a thread that is started by whoever frees the slot.

        So this task sleeps once and not twice.
        """
        call.waiter = self._loop.create_future()
        call.context = self.make_context()
        self._queued[call] = True
        ticket = self.slots.enqueue(partial(self._come_in_turn, call, threading.get_ident()))
        if ticket is None:
            call.context = None
            del self._queued[call]
            raise self.function.refusal()
        if ticket.granted:
            self._start_in_turn(call)
        try:
            reply: Reply = await call.waiter
        except BaseException as error:
            if self._queued.pop(call, False):
                if not self.slots.leave(ticket):
                    self.slots.release()
                call.context = None
                call.refuse(error)
            raise
        return reply

    def _come_in_turn(self, call: Call, loop_thread: int) -> None:
        try:
            # On its own thread the loop runs, and need not be woken.
            if self._frees_on_thread or threading.get_ident() == loop_thread:
                self._start_in_turn(call)
            else:
                self._loop.call_soon_threadsafe(self._start_in_turn, call)
        except RuntimeError:  # the loop is closed: the process is exiting
            return

    def _start_in_turn(self, call: Call) -> None:
        # It may have been cancelled meanwhile, or have begun.
        if call.waiter.done() or not self._queued.pop(call, False):
            return
        call.move("running")
        if self._bounded:
            self._watch(call)
        try:
            self.pool.submit(self.work, call, self._end_on_thread)
        except RuntimeError as error:
            self._loop.call_soon_threadsafe(self.end_without_thread, call, error)

    async def _queue(self, call: Call, seconds: float) -> None:
        waiter = LoopWaiter()
        ticket = self.slots.enqueue(waiter.wake)
        if ticket is None:
            raise self.function.refusal()
        if ticket.granted:
            return
        timer = None if seconds == UNLIMITED else self._loop.call_later(seconds, waiter.wake)
        try:
            await waiter.wait()
        except BaseException as error:
            if not self.slots.leave(ticket):
                self.slots.release()
            call.refuse(error)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if self.slots.leave(ticket):  # it was the timer
            raise self.function.refusal()

    # Deadlines. All calls of a function have the same timeout, so they expire in the order
    # in which they began: one timer a function, set for the oldest, is enough. It fires at
    # most once per timeout however many calls come and go.

    def _watch(self, call: Call) -> None:
        call.deadline = Deadline()
        call.deadline.at = time.monotonic() + self.timeout_seconds
        self._in_flight[call] = None
        if self._timer is None:
            self._timer = self._loop.call_later(self.timeout_seconds, self._expire_due)

    def _expire_due(self) -> None:
        self._timer = None
        while self._in_flight:
            call = next(iter(self._in_flight))
            assert call.deadline is not None
            left = call.deadline.remaining
            if left > EXACT_SECONDS:
                if call.deadline.is_paused:  # the others must not wait for it
                    self._in_flight[call] = self._in_flight.pop(call)
                    left = PAUSED_LOOK_SECONDS
                self._timer = self._loop.call_later(left, self._expire_due)
                return
            del self._in_flight[call]
            self._answer_timed_out(call, self.expire(call))

    def _answer_timed_out(self, call: Call, reply: Reply) -> None:
        if call.waiter is None:
            assert self._answer_late is not None
            self._answer_late(call, reply)
        elif not call.waiter.done():
            call.waiter.set_result(reply)

    def deliver(self, call: Call, reply: Reply) -> None:
        """Deliver the head of a stream to the front."""
        self._loop.call_soon_threadsafe(self._set, call, reply)

    @staticmethod
    def _set(call: Call, reply: Reply) -> None:
        if not call.waiter.done():
            if call.state == "running":  # a short stream may have ended already
                call.move("answered")
            call.waiter.set_result(reply)

    def _free_and_finish(self, call: Call, reply: Reply | None) -> None:
        self.slots.release()
        self.runner.finished(self, call, reply)

    def end_without_thread(self, call: Call, error: RuntimeError) -> None:
        """End a call that never began, because no thread can be started, with 503."""
        super().end_without_thread(call, error)
        if self._frees_on_thread:
            self.slots.release()

    def end(self, call: Call, reply: Reply | None) -> None:
        """Record that a call in a task of this loop has ended."""
        self.settle(call, reply)

    def settle(self, call: Call, reply: Reply | None) -> None:
        """Deliver the reply to the front and the slot to the next call."""
        call.end(keep_context=self.function.keeps_context)
        if self._bounded:
            self._in_flight.pop(call, None)
            if call.deadline is not None and call.deadline.passed:
                stuck_calls.discard(call)
        waiter = call.waiter
        if waiter is not None and not waiter.done():
            if reply is not None:
                waiter.set_result(reply)
            elif call.channel is None:
                waiter.set_result(answer_crashed_call(call))
        if not self._frees_on_thread:
            self.slots.release()
