"""Calls that the host makes itself: for routed events and for schedules.

They take slots, have deadlines, and are observed like other calls. They run on one loop: the
server's, or the background loop behind a WSGI server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from ffhost.auth.principals import Principal
from ffhost.errors import ContentTooLarge, NotFound, RequestError
from ffhost.events.incoming_events import ReceivedEvent, ReceivedEvents
from ffhost.events.taken_deliveries import TakenEventDeliveries
from ffhost.execution.channels import LoopWaiter
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.fronts.replies import Settle, make_reply_reporter
from ffhost.host.event_answers import answer_event_delivery
from ffhost.host.event_delivery import EventDelivery, EventDeliveryAnswer
from ffhost.host.event_reports import EventDeliveryLog
from ffhost.host.ping_event import schedule_ping_message
from ffhost.host.schedule_plan import Schedule, ScheduleTick
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.ids import choose_execution_id
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

T = TypeVar("T")
Ended = Callable[[], None]

_EVENT, _SCHEDULE = Principal("event", "event"), Principal("schedule", "schedule")
"""Who calls where no caller is known."""


class FrontInnerCalls:
    """Calls functions of one host from within the host."""

    def __init__(self, host: Host, service: Service, runner: LoopRunner) -> None:
        self._host = host
        self._service = service
        self._runner = runner
        self._callers: dict[str, tuple[_Caller, Settle | None]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._reports = EventDeliveryLog(host.config)

    async def call(
        self,
        name: str,
        message: Message,
        identity: str,
        ended: Ended | None = None,
        schedule: str | None = None,
        principal: Principal | None = None,
        source: str | None = None,
    ) -> EventDeliveryAnswer:
        """Call a function without authentication; return its answer, also for a crash or a timeout.

        Args:
            principal: who sent what the call is about; None for the host itself
            ended: called once the function has really ended, which may be after its deadline
            schedule: the times of the schedule that calls it, for its summary entry
            source: what makes the call; None for an event or a schedule
        """
        caller, settle = self._caller(name)
        function = caller.function
        call = Call(function, message, identity)
        call.schedule = schedule
        call.source = source or ("event" if schedule is None else "schedule")
        if principal is not None or self._host.gate(name) is not None:
            # The call is the host's own: it needs no authentication.
            call.principal = principal or (_EVENT if schedule is None else _SCHEDULE)
        if ended is not None:
            caller.ended[call] = ended
        open_calls = self._host.open_calls
        open_calls.add(call)
        try:
            return await self._answer(caller, settle, call)
        finally:
            open_calls.discard(call)

    @staticmethod
    async def _answer(caller: _Caller, settle: Settle | None, call: Call) -> EventDeliveryAnswer:
        function, body = caller.function, call.message.body
        try:
            if len(body) > function.max_body_bytes:
                raise ContentTooLarge(
                    f"{function.name} takes {function.max_body_bytes:.0f} bytes at most"
                )
            reply = await caller.answer(call)
        except RequestError as error:
            call.refuse(error)
            reply = problems.problem_reply(error, call.execution_id)
            caller.note_end(call)
        sent = len(reply.body)
        if call.channel is not None:
            sent = await _drain(call, caller)
        if settle is not None:
            settle(call, reply.status, sent)
        return EventDeliveryAnswer(
            reply.status, {key.lower(): value for key, value in reply.headers}, reply.body
        )

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run *work* on the loop of the calls, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._runner.loop)

    def _caller(self, name: str) -> tuple[_Caller, Settle | None]:
        found = self._callers.get(name)
        if found is None:
            function = self._host.functions.get(name)
            if function is None:
                raise NotFound(f"there is no function {name!r}")
            found = self._callers[name] = (
                _Caller(function, self._runner),
                make_reply_reporter(function),
            )
        return found

    # Events.

    async def deliver(
        self,
        received: ReceivedEvents,
        message: Message,
        identity: str,
        principal: Principal | None = None,
    ) -> Reply:
        """Deliver the events that *message* brought, and return the answer to their sender.

        It continues if the sender disconnects: which functions have processed an event must be
        known when it is sent again.
        """
        work = asyncio.get_running_loop().create_task(
            self._deliver(received, message, identity, principal)
        )
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)
        return await asyncio.shield(work)

    async def _deliver(
        self, received: ReceivedEvents, message: Message, identity: str, principal: Principal | None
    ) -> Reply:
        started = time.monotonic()
        settings = self._host.config.settings.events
        assert settings is not None
        delivery = EventDelivery(
            self._host.subscriptions,
            partial(self._call_with, message, identity, principal),
            self._service.store.keep(TakenEventDeliveries, "events", TakenEventDeliveries),
            float(settings.remember),
            self._reports,
        )
        results = await delivery.deliver(received)
        self._reports.answered(results, time.monotonic() - started, identity)
        return answer_event_delivery(results, received.is_batch, identity)

    async def _call_with(
        self,
        message: Message,
        identity: str,
        principal: Principal | None,
        name: str,
        event: ReceivedEvent,
    ) -> EventDeliveryAnswer:
        request = Message(
            "POST",
            message.path,
            headers=event.headers,
            body=event.body,
            scheme=message.scheme,
            client=message.client,
            server=message.server,
        )
        return await self.call(name, request, identity, principal=principal)

    # Schedules.

    def tick(self, tick: ScheduleTick, ended: Ended) -> None:
        """Start the call of a tick, from the thread of the ticker."""
        work = self._tick(tick.schedule, ended, tick)
        try:
            asyncio.run_coroutine_threadsafe(work, self._runner.loop)
        except RuntimeError:  # the loop is closed: the process is exiting
            work.close()
            ended()

    def tick_now(
        self, schedule: Schedule, identity: str | None = None
    ) -> Future[EventDeliveryAnswer]:
        """Start a call as *schedule* does, on request."""
        work = self._tick(schedule, _nothing, None, identity)
        return asyncio.run_coroutine_threadsafe(work, self._runner.loop)

    async def _tick(
        self,
        schedule: Schedule,
        ended: Ended,
        tick: ScheduleTick | None,
        identity: str | None = None,
    ) -> EventDeliveryAnswer:
        function = self._host.functions.get(schedule.function)
        if function is None:  # a reload has just removed it
            ended()
            raise NotFound(f"there is no function {schedule.function!r}")
        due = None if tick is None else tick.due
        message = schedule_ping_message(schedule, function.signature, function.path, due)
        return await self.call(
            schedule.function, message, choose_execution_id(identity), ended, schedule.times.text
        )


class _Caller(AsyncCaller):
    """Calls one function, and reports when it has really ended."""

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner)
        self.ended: dict[Call, Ended] = {}

    def settle(self, call: Call, reply: Reply | None) -> None:
        """Report the end of the call to its waiter."""
        super().settle(call, reply)
        self.note_end(call)

    def note_end(self, call: Call) -> None:
        """Report that a call has ended, or never began."""
        ended = self.ended.pop(call, None)
        if ended is not None:
            ended()


async def _drain(call: Call, caller: AsyncCaller) -> int:
    """Read and discard a stream to its end, and count its bytes."""
    sent = 0
    waiter = LoopWaiter()
    try:
        while isinstance(chunk := await call.channel.get_async(waiter), bytes):
            sent += len(chunk)
    finally:
        caller.abandon(call)
    return sent


def _nothing() -> None:
    """Return at once: nothing waits for the end of the call."""
