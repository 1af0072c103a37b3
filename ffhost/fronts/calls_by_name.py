"""Calls of the functions of one host by each other, without HTTP.

Coroutine functions call from a task of the server's loop, plain functions from thread to thread
without the loop. A callee runs in contexts of its own, so nothing of the caller's is seen in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ffhost.errors import ContentTooLarge, MethodNotAllowed, RequestError
from ffhost.execution.failures import CANCELLED_STATUS
from ffhost.execution.loop_caller import LoopRunner
from ffhost.fronts.replies import Settle, report_outcome
from ffhost.fronts.streams_by_name import LoopStream, ThreadStream
from ffhost.host.call_answer import CallAnswer
from ffhost.host.called_hosts import Take
from ffhost.host.named_calls import answer_of_error
from ffhost.host.snapshot import Host
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply

T = TypeVar("T")


class CallsByName:
    """Calls functions of one host.

    Args:
        runner: returns the threads and the loop; asked at the first call
    """

    def __init__(self, runner: Callable[[], LoopRunner]) -> None:
        self._make_runner = runner
        self._runner: LoopRunner | None = None
        self._settles: dict[Function, Settle | None] = {}

    @property
    def runner(self) -> LoopRunner:
        """Return the threads and the loop."""
        if self._runner is None:
            self._runner = self._make_runner()
        return self._runner

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop on which coroutine functions run."""
        return self.runner.loop

    async def call(self, call: Call, take: Take | None = None) -> CallAnswer:
        """Call from a coroutine and return the answer; *take* gets each chunk of a stream."""
        return await self._where_the_loop_is(self._on_loop(call, take))

    async def open(self, call: Call) -> CallAnswer | AsyncStreamedAnswer:
        """Call from a coroutine and return the answer; one that is a stream is not read."""
        return await self._where_the_loop_is(self._open_on_loop(call))

    async def _where_the_loop_is(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self.runner.loop
        if asyncio.get_running_loop() is not loop:  # a loop of the user's own
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
        return await work

    async def _on_loop(self, call: Call, take: Take | None) -> CallAnswer:
        answer = await self._open_on_loop(call)
        if isinstance(answer, CallAnswer):
            return answer
        chunks: list[bytes] = []
        async for chunk in answer:
            chunks.append(chunk)
            if take is not None:
                await take(chunk)
        return CallAnswer(answer.status, answer.headers, b"".join(chunks))

    async def _open_on_loop(self, call: Call) -> CallAnswer | AsyncStreamedAnswer:
        from ffhost.execution.nested_callers import NestedLoopCaller

        caller = NestedLoopCaller(call.function, self.runner, call)
        try:
            _check(call)
            reply = await caller.answer(call)
        except RequestError as error:
            return self._refused(call, error)
        except asyncio.CancelledError:
            self._settle(call, CANCELLED_STATUS, 0)
            raise
        if call.channel is None:
            return self._ended(call, reply)
        stream = LoopStream(call, caller, partial(self._settle, call, reply.status))
        return AsyncStreamedAnswer(reply.status, _fields(reply), stream)

    def call_sync(self, call: Call) -> CallAnswer:
        """Call from a thread and return the answer."""
        answer = self.open_sync(call)
        return answer if isinstance(answer, CallAnswer) else answer.whole()

    def open_sync(self, call: Call) -> CallAnswer | StreamedAnswer:
        """Call from a thread and return the answer; one that is a stream is not read."""
        from ffhost.execution.nested_callers import NestedThreadCaller

        caller = NestedThreadCaller(call.function, self.runner.pool, self, call)
        try:
            _check(call)
            reply = caller.answer(call)
        except RequestError as error:
            return self._refused(call, error)
        if call.channel is None:
            return self._ended(call, reply)
        stream = ThreadStream(call, caller, partial(self._settle, call, reply.status))
        return StreamedAnswer(reply.status, _fields(reply), stream)

    def _refused(self, call: Call, error: RequestError) -> CallAnswer:
        call.refuse(error)
        answer = answer_of_error(error, call.execution_id)
        self._settle(call, answer.status, len(answer.body))
        return answer

    def _ended(self, call: Call, reply: Reply) -> CallAnswer:
        self._settle(call, reply.status, len(reply.body))
        return CallAnswer(reply.status, _fields(reply), reply.body)

    def _settle(self, call: Call, status: int, sent: int) -> None:
        function = call.function
        try:
            settle = self._settles[function]
        except KeyError:
            settle = self._settles[function] = report_outcome(function)
        if settle is not None:
            settle(call, status, sent)


def _fields(reply: Reply) -> dict[str, str]:
    return {key.lower(): value for key, value in reply.headers}


def _check(call: Call) -> None:
    """Raise what the router and the front raise before a call has its slot."""
    function, message = call.function, call.message
    if function.unavailable is not None:
        raise function.unavailable
    methods = function.methods
    if methods is not None and message.method not in methods:
        raise MethodNotAllowed(
            f"{function.name} does not answer {message.method}",
            headers={"Allow": ", ".join(sorted(methods))},
        )
    if len(message.body) > function.max_body_bytes:
        raise ContentTooLarge(f"{function.name} takes {function.max_body_bytes:.0f} bytes at most")


def connect(host: Host, runner: Callable[[], LoopRunner]) -> None:
    """Set how the functions of *host* call each other."""
    host.calls = CallsByName(runner)
