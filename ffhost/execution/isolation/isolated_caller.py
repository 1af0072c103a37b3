"""Calls an isolated function from a loop: calls that wait for a slot may be sent early."""

from __future__ import annotations

import asyncio
import contextvars

from ffhost.execution.isolation.early_calls import EarlyCall
from ffhost.execution.isolation.isolated_call import end_cancelled_call
from ffhost.execution.isolation.process_pool import ProcessPool
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.execution.timeouts import Timeouts
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function


class IsolatedCaller(AsyncCaller):
    """Calls one isolated function from a loop, whose server never cancels its tasks."""

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner)
        assert isinstance(function.processes, ProcessPool)
        self._processes = function.processes
        self._early = function.processes.early
        self._early.slots = function.slots
        self._seconds = self.timeout_seconds if self._bounded else None
        self._waits: Timeouts[EarlyCall] = Timeouts(self._loop, self.queue_seconds, self._refuse)

    async def _wait_for_slot(self, call: Call) -> None:
        """Wait for a slot, or for the answer if the call is sent before it has one."""
        call.job = asyncio.current_task(self._loop)
        call.context = contextvars.copy_context()
        watch = self._watch if self._bounded else None
        ticket = EarlyCall(call, self._seconds, watch, self._early, self._loop)
        if not self._early.join(ticket):
            raise self.function.refusal()
        if ticket.granted and ticket.sent is None:
            return
        self._waits.start(ticket)
        try:
            await ticket.answer
        except ConnectionError:
            pass  # `run` handles the end of the process
        except asyncio.CancelledError as error:
            if not ticket.granted:
                await self._leave(ticket, call)
                call.refuse(error)
                raise
        finally:
            self._waits.stop(ticket)
        if ticket.sent is not None:
            call.early = ticket

    def _refuse(self, ticket: EarlyCall) -> None:
        """End the wait of a call whose time in the queue is over, unless it has just begun."""
        if not ticket.granted and ticket.withdraw() and self.slots.leave(ticket):
            ticket.answer.set_exception(self.function.refusal())

    async def _leave(self, ticket: EarlyCall, call: Call) -> None:
        """Leave a place in the queue that nobody needs any more."""
        if ticket.withdraw():
            if not self.slots.leave(ticket):
                self.slots.release()
            return
        assert ticket.process is not None
        if not ticket.granted:
            self.slots.grant(ticket)
        await end_cancelled_call(self._processes, ticket.process, ticket.sent, call)
        self.slots.release()
