"""Calls that no request asks for directly: of events that are routed, and of schedules.

They take slots, have deadlines, and are observed like any other call. They run on one loop: the
server's, or the background loop behind a WSGI server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from ffhost.errors import ContentTooLarge, NotFound, RequestError
from ffhost.events.incoming_events import Received, ReceivedEvent
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.fronts.replies import Settle, settler
from ffhost.host.event_answers import delivered
from ffhost.host.event_delivery import Answer, Delivery
from ffhost.host.event_reports import EventReports
from ffhost.host.loader import Function
from ffhost.host.ping_event import ping_message
from ffhost.host.schedule_plan import Schedule, Tick
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.current import Invocation, execution_id
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

Ended = Callable[[], None]


class InnerCalls:
    """Calls the functions of one host from inside of it."""

    def __init__(self, host: Host, service: Service, runner: LoopRunner) -> None:
        self._host = host
        self._service = service
        self._runner = runner
        self._callers: dict[str, tuple[_Caller, Settle | None]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._reports = EventReports(host.config)

    async def call(
        self,
        name: str,
        message: Message,
        invocation_id: str,
        ended: Ended | None = None,
        schedule: str | None = None,
    ) -> Answer:
        """Call a function and return its answer, whatever happened.

        Args:
            ended: called once the function has really ended, which may be after its deadline
            schedule: the times of the schedule that calls it, for its summary entry
        """
        caller, settle = self._caller(name)
        function = caller.function
        invocation = Invocation(function, message, invocation_id)
        invocation.schedule = schedule
        if ended is not None:
            caller.ended[invocation] = ended
        try:
            if len(message.body) > function.max_body_bytes:
                raise ContentTooLarge(f"{name} takes {function.max_body_bytes:.0f} bytes at most")
            reply = await caller.answer(invocation)
        except RequestError as error:
            invocation.error = error
            reply = problems.problem(error, invocation_id)
            caller.note_end(invocation)
        sent = len(reply.body)
        if invocation.channel is not None:
            sent = await _drain(invocation, caller)
        if settle is not None:
            settle(invocation, reply.status, sent)
        return Answer(
            reply.status, {key.lower(): value for key, value in reply.headers}, reply.body
        )

    def _caller(self, name: str) -> tuple[_Caller, Settle | None]:
        found = self._callers.get(name)
        if found is None:
            function = self._host.functions.get(name)
            if function is None:
                raise NotFound(f"there is no function {name!r}")
            found = self._callers[name] = (_Caller(function, self._runner), settler(function))
        return found

    # Events.

    async def deliver(self, received: Received, message: Message, identity: str) -> Reply:
        """Deliver the events that *message* brought, and return the answer to their sender.

        It goes on when the sender leaves: who has taken an event must be known when it is
        sent again.
        """
        work = asyncio.get_running_loop().create_task(self._deliver(received, message, identity))
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)
        return await asyncio.shield(work)

    async def _deliver(self, received: Received, message: Message, identity: str) -> Reply:
        started = time.monotonic()
        settings = self._host.config.settings.events
        assert settings is not None
        delivery = Delivery(
            self._host.subscriptions,
            partial(self._call_with, message, identity),
            self._service.remembered,
            float(settings.remember),
            self._reports,
        )
        results = await delivery.deliver(received)
        self._reports.answered(results, time.monotonic() - started, identity)
        return delivered(results, received.is_batch, identity)

    async def _call_with(
        self, message: Message, identity: str, name: str, event: ReceivedEvent
    ) -> Answer:
        request = Message(
            "POST",
            message.path,
            headers=event.headers,
            body=event.body,
            scheme=message.scheme,
            client=message.client,
            server=message.server,
        )
        return await self.call(name, request, identity)

    # Schedules.

    def tick(self, tick: Tick, ended: Ended) -> None:
        """Start the call of a tick, from the thread of the ticker."""
        work = self._tick(tick.schedule, ended, tick)
        try:
            asyncio.run_coroutine_threadsafe(work, self._runner.loop)
        except RuntimeError:  # the loop is closed: the process is on its way out
            work.close()
            ended()

    def tick_now(self, schedule: Schedule) -> Future[Answer]:
        """Start a call as *schedule* does, because somebody asked for it."""
        work = self._tick(schedule, _nothing, None)
        return asyncio.run_coroutine_threadsafe(work, self._runner.loop)

    async def _tick(self, schedule: Schedule, ended: Ended, tick: Tick | None) -> Answer:
        function = self._host.functions.get(schedule.function)
        if function is None:  # gone with a reload at this very moment
            ended()
            raise NotFound(f"there is no function {schedule.function!r}")
        due = None if tick is None else tick.due
        message = ping_message(schedule, function.signature, function.path, due)
        return await self.call(
            schedule.function, message, execution_id(None), ended, schedule.times.text
        )


class _Caller(AsyncCaller):
    """Calls one function, and tells when it has really ended."""

    def __init__(self, function: Function, runner: LoopRunner) -> None:
        super().__init__(function, runner)
        self.ended: dict[Invocation, Ended] = {}

    def settle(self, invocation: Invocation, reply: Reply | None) -> None:
        """Settle the call, and tell whoever waits for its real end."""
        super().settle(invocation, reply)
        self.note_end(invocation)

    def note_end(self, invocation: Invocation) -> None:
        """Tell that a call has ended, or was never begun."""
        ended = self.ended.pop(invocation, None)
        if ended is not None:
            ended()


async def _drain(invocation: Invocation, caller: AsyncCaller) -> int:
    """Read a stream to its end, which nobody wants, and count its bytes."""
    sent = 0
    try:
        while isinstance(chunk := await invocation.channel.get_async(), bytes):
            sent += len(chunk)
    finally:
        caller.abandon(invocation)
    return sent


def _nothing() -> None:
    """Nobody waits for the end."""
