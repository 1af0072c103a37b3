"""Calls of the functions of one host by each other, without HTTP.

Coroutine functions call from a task of the server's loop, plain functions from thread to thread
without the loop. A callee runs in contexts of its own, so nothing of the caller's is seen in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ffhost.errors import ContentTooLarge, MethodNotAllowed, RequestError
from ffhost.execution.failures import CANCELLED_STATUS
from ffhost.execution.loop_caller import LoopRunner
from ffhost.execution.shared_threads import callee_threads
from ffhost.fronts.replies import make_reply_reporter
from ffhost.fronts.streams_by_name import FrontLoopStream, FrontThreadStream
from ffhost.host.call_answer import CallAnswer
from ffhost.host.called_hosts import Take
from ffhost.host.named_calls import named_call_answer_of_error
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply

T = TypeVar("T")


class FrontCallsByName:
    """Calls functions of one host.

    Args:
        runner: returns the threads and the loop; asked at the first call
    """

    def __init__(self, runner: Callable[[], LoopRunner]) -> None:
        self._make_runner = runner
        self._runner: LoopRunner | None = None
        self._callees: dict[Function, _Callee] = {}

    @property
    def runner(self) -> LoopRunner:
        """Return the threads and the loop."""
        if self._runner is None:
            self._runner = self._make_runner()
        return self._runner

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop on which coroutine functions run."""
        return self.runner.loop

    def call(self, call: Call, take: Take | None = None) -> Awaitable[CallAnswer]:
        """Call from a coroutine and return the answer; *take* gets each chunk of a stream."""
        return self._where_the_loop_is(self._on_loop(call, take, whole=True))

    def open(self, call: Call) -> Awaitable[CallAnswer | AsyncStreamedAnswer]:
        """Call from a coroutine and return the answer; one that is a stream is not read."""
        return self._where_the_loop_is(self._on_loop(call, None, whole=False))

    def _where_the_loop_is(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        loop = self.runner.loop
        if asyncio.get_running_loop() is loop:
            return work
        # A loop of the user's own.
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def _on_loop(self, call: Call, take: Take | None, *, whole: bool) -> Any:
        callee = self._callees.get(call.function) or self._new_callee(call.function)
        caller = callee.from_loop
        try:
            callee.check(call)
            reply = await caller.answer(call)
        except RequestError as error:
            return _refused(callee, call, error)
        except asyncio.CancelledError:
            caller.leave(call)
            callee.report(call, CANCELLED_STATUS, 0)
            raise
        if call.channel is None:
            if callee.is_observed:
                callee.report(call, reply.status, len(reply.body))
            return CallAnswer.of_reply(reply)
        stream = FrontLoopStream(call, caller, partial(callee.report, call, reply.status))
        answer = AsyncStreamedAnswer(reply.status, _fields(reply), stream)
        return await _read(answer, take) if whole else answer

    def open_sync(self, call: Call) -> CallAnswer | StreamedAnswer:
        """Call from a thread and return the answer; one that is a stream is not read."""
        callee = self._callees.get(call.function) or self._new_callee(call.function)
        caller = callee.from_thread
        try:
            callee.check(call)
            reply = caller.answer(call)
        except RequestError as error:
            return _refused(callee, call, error)
        if call.channel is None:
            if callee.is_observed:
                callee.report(call, reply.status, len(reply.body))
            return CallAnswer.of_reply(reply)
        stream = FrontThreadStream(call, caller, partial(callee.report, call, reply.status))
        return StreamedAnswer(reply.status, _fields(reply), stream)

    def leave_sync(self, call: Call) -> None:
        """Stop waiting for a call from a thread, and stop the function; from another thread."""
        call.cancelled = True
        callee = self._callees.get(call.function)
        if callee is not None:  # it has begun
            callee.from_thread.leave(call)

    def _new_callee(self, function: Function) -> _Callee:
        callee = self._callees[function] = _Callee(function, self.runner, self)
        return callee


class _Callee:
    """How one function is called, and what is told of its outcome."""

    def __init__(self, function: Function, runner: LoopRunner, calls: FrontCallsByName) -> None:
        from ffhost.execution.nested_callers import NestedLoopCaller, NestedThreadCaller

        self.from_loop = NestedLoopCaller(function, runner)
        self.from_thread = NestedThreadCaller(function, callee_threads, calls)
        reporter = make_reply_reporter(function)
        self.is_observed = reporter is not None
        self.report = reporter or _report_nothing
        self._function = function
        self._most_bytes = function.max_body_bytes

    def check(self, call: Call) -> None:
        """Raise what the router and the front raise before a call has its slot."""
        function, message = self._function, call.message
        if function.unavailable is not None:
            raise function.unavailable
        methods = function.methods
        if methods is not None and message.method not in methods:
            raise MethodNotAllowed(
                f"{function.name} does not answer {message.method}",
                headers={"Allow": ", ".join(sorted(methods))},
            )
        if message.is_longer_than(self._most_bytes):
            raise ContentTooLarge(f"{function.name} takes {self._most_bytes:.0f} bytes at most")


async def _read(answer: AsyncStreamedAnswer, take: Take | None) -> CallAnswer:
    chunks: list[bytes] = []
    async for chunk in answer:
        chunks.append(chunk)
        if take is not None:
            await take(chunk)
    return CallAnswer(answer.status, answer.headers, b"".join(chunks))


def _report_nothing(_call: Call, _status: int, _sent_bytes: int) -> None:
    """Return at once: nobody observes the function."""


def _refused(callee: _Callee, call: Call, error: RequestError) -> CallAnswer:
    call.refuse(error)
    answer = named_call_answer_of_error(error, call.execution_id)
    callee.report(call, answer.status, len(answer.body))
    return answer


def _fields(reply: Reply) -> dict[str, str]:
    return {key.lower(): value for key, value in reply.headers}
