"""Calls of the functions of one host by each other, without HTTP.

Coroutine functions call from a task of the server's loop, plain functions from thread to thread
without the loop. A callee runs in contexts of its own, so nothing of the caller's is seen in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ffhost.errors import ContentTooLarge, MethodNotAllowed, RequestError
from ffhost.execution.channels import LoopWaiter, StreamCut
from ffhost.execution.failures import CANCELLED_STATUS
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.fronts.replies import Settle, report_outcome
from ffhost.host.call_answer import CallAnswer
from ffhost.host.called_hosts import Take
from ffhost.host.named_calls import answer_of_error
from ffhost.host.snapshot import Host
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.messages import Reply


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
        loop, work = self.runner.loop, self._on_loop(call, take)
        if asyncio.get_running_loop() is not loop:  # a loop of the user's own
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
        return await work

    async def _on_loop(self, call: Call, take: Take | None) -> CallAnswer:
        from ffhost.execution.nested_callers import NestedLoopCaller

        caller = NestedLoopCaller(call.function, self.runner, call)
        chunks: list[bytes] = []
        try:
            _check(call)
            reply = await caller.answer(call)
            if call.channel is not None:
                await self._receive(call, caller, chunks, take)
        except RequestError as error:
            return self._refused(call, error)
        except asyncio.CancelledError:
            self._settle(call, CANCELLED_STATUS, 0)
            raise
        except StreamCut:
            self._settle(call, reply.status, sum(map(len, chunks)))
            raise
        return self._ended(call, reply, chunks)

    @staticmethod
    async def _receive(
        call: Call, caller: AsyncCaller, chunks: list[bytes], take: Take | None
    ) -> None:
        waiter = LoopWaiter()
        try:
            while isinstance(chunk := await call.channel.get_async(waiter), bytes):
                chunks.append(chunk)
                if take is not None:
                    await take(chunk)
        finally:
            caller.abandon(call)

    def call_sync(self, call: Call) -> CallAnswer:
        """Call from a thread and return the answer."""
        from ffhost.execution.nested_callers import NestedThreadCaller

        caller = NestedThreadCaller(call.function, self.runner.pool, self, call)
        try:
            _check(call)
            reply = caller.answer(call)
        except RequestError as error:
            return self._refused(call, error)
        chunks: list[bytes] = []
        if call.channel is not None:
            stream = caller.chunks_of(call)
            try:
                chunks = list(stream)
            finally:
                stream.close()
        return self._ended(call, reply, chunks)

    def _refused(self, call: Call, error: RequestError) -> CallAnswer:
        call.refuse(error)
        answer = answer_of_error(error, call.execution_id)
        self._settle(call, answer.status, len(answer.body))
        return answer

    def _ended(self, call: Call, reply: Reply, chunks: list[bytes]) -> CallAnswer:
        body = b"".join(chunks) if chunks else reply.body
        self._settle(call, reply.status, len(body))
        return CallAnswer(reply.status, {key.lower(): value for key, value in reply.headers}, body)

    def _settle(self, call: Call, status: int, sent: int) -> None:
        function = call.function
        try:
            settle = self._settles[function]
        except KeyError:
            settle = self._settles[function] = report_outcome(function)
        if settle is not None:
            settle(call, status, sent)


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
