"""Delivery of an event to every function that subscribes to it, and of their replies.

It runs on an event loop and waits for calls only; a callable for calling functions is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from ffhost.events.incoming_events import ReceivedEvent, ReceivedEvents, reply_event
from ffhost.events.subscriptions import SubscriptionFilterFailure, SubscriptionTable
from ffhost.events.taken_deliveries import TakenEventDeliveries
from ffhost.events.verdicts import EventVerdict, worst_event_status

REPLY_LIMIT: Final = 16
"""Most replies in a chain that are routed again; a Broker of Knative allows 255."""
CALL_LIMIT: Final = 1000
"""Most calls that one event may cause, including those for replies."""


class EventDeliveryAnswer(NamedTuple):
    """The answer of a function; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class EventDeliveryCall(Protocol):
    """Calls a function with an event, and returns its answer, also after a crash or a timeout."""

    async def __call__(self, function: str, event: ReceivedEvent) -> EventDeliveryAnswer:
        """Call *function*."""


class EventDeliveryReports(Protocol):
    """Receives reports on the routing of events."""

    def routed(self, event: ReceivedEvent, functions: Sequence[str]) -> None:
        """Report that *event* is routed to these functions; empty if there is no subscriber."""

    def filter_failed(self, event: ReceivedEvent, failed: SubscriptionFilterFailure) -> None:
        """Report that an expression could not be evaluated for *event*, which does not match it."""

    def ended(self, event: ReceivedEvent, verdict: EventVerdict) -> None:
        """Report that a function was called with *event*."""

    def dropped(self, event: ReceivedEvent, why: str) -> None:
        """Report that *event* is not routed further, because a limit was reached."""


class EventDeliveryResult(NamedTuple):
    """The result of delivering one event."""

    event: ReceivedEvent
    verdicts: tuple[EventVerdict, ...]

    @property
    def status(self) -> int:
        """The status for its sender."""
        return worst_event_status(each.status for each in self.verdicts)


class EventDelivery:
    """Delivers events to the functions of a host.

    Args:
        table: the subscriptions; None if there are none
        call: how a function is called
        remembered: deliveries that were processed before; outlives a host
        seconds: how long they are remembered
        reports: receives all reports
    """

    def __init__(
        self,
        table: SubscriptionTable | None,
        call: EventDeliveryCall,
        remembered: TakenEventDeliveries,
        seconds: float,
        reports: EventDeliveryReports,
    ) -> None:
        self._table = table or SubscriptionTable(())
        self._call = call
        self._remembered = remembered
        self._seconds = seconds
        self._reports = reports

    async def deliver(self, received: ReceivedEvents) -> list[EventDeliveryResult]:
        """Deliver the events of a request, one after the other; each to all functions at once."""
        return [
            EventDeliveryResult(event, tuple(await self._event(event, 0, _Budget())))
            for event in received.events
        ]

    async def _event(
        self, event: ReceivedEvent, replies: int, budget: _Budget
    ) -> list[EventVerdict]:
        matches = self._table.match(event.attributes)
        for failed in matches.failures:
            self._reports.filter_failed(event, failed)
        self._reports.routed(event, matches.functions)
        if len(matches.functions) == 1:
            found = [await self._function(matches.functions[0], event, replies, budget)]
        else:
            found = await asyncio.gather(
                *(self._function(each, event, replies, budget) for each in matches.functions)
            )
        return [verdict for verdict in found if verdict is not None]

    async def _function(
        self, function: str, event: ReceivedEvent, replies: int, budget: _Budget
    ) -> EventVerdict | None:
        if self._remembered.has(function, event.key, self._seconds):
            return EventVerdict(function, 204, "remembered")
        if not budget.take():
            self._reports.dropped(event, f"it has caused {CALL_LIMIT} calls")
            return None
        verdict = await self._call_with(function, event, replies, budget)
        if verdict.taken:
            self._remembered.add(function, event.key)
        self._reports.ended(event, verdict)
        return verdict

    async def _call_with(
        self, function: str, event: ReceivedEvent, replies: int, budget: _Budget
    ) -> EventVerdict:
        answer = await self._call(function, event)
        if answer.status >= 300:
            wait = answer.headers.get("retry-after")
            return EventVerdict(function, answer.status, "failed", retry_after=wait)
        reply = reply_event(answer.headers, answer.body)
        if reply is None:
            return EventVerdict(function, answer.status)
        if replies >= REPLY_LIMIT:
            self._reports.dropped(reply, f"it is the reply after {REPLY_LIMIT} others")
            return EventVerdict(function, answer.status)
        further = await self._event(reply, replies + 1, budget)
        status = worst_event_status(each.status for each in further)
        if status == 204:
            return EventVerdict(function, answer.status)
        return EventVerdict(function, status, "reply_failed", replies=tuple(further))


class _Budget:
    """The number of calls that one event may still cause."""

    def __init__(self) -> None:
        self._left = CALL_LIMIT

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0
