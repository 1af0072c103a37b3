"""Delivering an event to every function that it concerns, and what they reply in turn.

It is written for a loop and waits for calls only; how a function is called is handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from ffhost.events.incoming_events import Received, ReceivedEvent, reply_event
from ffhost.events.subscriptions import FilterFailure, SubscriptionTable
from ffhost.events.taken_deliveries import Remembered
from ffhost.events.verdicts import Verdict, worst_status

REPLY_LIMIT: Final = 16
"""How often what a function replies is routed in turn; a Broker of Knative does 255 times."""
CALL_LIMIT: Final = 1000
"""How many calls one event may lead to, with the replies and the replies to them."""


class Answer(NamedTuple):
    """What a function answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(Protocol):
    """Calls a function with an event, and returns its answer whatever happened."""

    async def __call__(self, function: str, event: ReceivedEvent) -> Answer:
        """Call *function*."""


class DeliveryReports(Protocol):
    """What is told about the ways of events."""

    def routed(self, event: ReceivedEvent, functions: Sequence[str]) -> None:
        """Report that *event* concerns these functions; none of them if nobody wanted it."""

    def filter_failed(self, event: ReceivedEvent, failed: FilterFailure) -> None:
        """Report that an expression could not be evaluated for *event*, which does not match it."""

    def ended(self, event: ReceivedEvent, verdict: Verdict) -> None:
        """Report that a function was called with *event*."""

    def dropped(self, event: ReceivedEvent, why: str) -> None:
        """Report that *event* goes no further, because it would go on for too long."""


class Result(NamedTuple):
    """What became of one event that arrived."""

    event: ReceivedEvent
    verdicts: tuple[Verdict, ...]

    @property
    def status(self) -> int:
        """The status for its sender."""
        return worst_status(each.status for each in self.verdicts)


class Delivery:
    """Delivers events to the functions of a host.

    Args:
        table: who wants what; None if nobody wants anything
        call: how a function is called
        remembered: what was taken before; outlives a host
        seconds: for how long that counts
        reports: told of everything that happens
    """

    def __init__(
        self,
        table: SubscriptionTable | None,
        call: Call,
        remembered: Remembered,
        seconds: float,
        reports: DeliveryReports,
    ) -> None:
        self._table = table or SubscriptionTable(())
        self._call = call
        self._remembered = remembered
        self._seconds = seconds
        self._reports = reports

    async def deliver(self, received: Received) -> list[Result]:
        """Deliver the events of a request, one after the other; each to all functions at once."""
        return [
            Result(event, tuple(await self._event(event, 0, _Budget())))
            for event in received.events
        ]

    async def _event(self, event: ReceivedEvent, replies: int, budget: _Budget) -> list[Verdict]:
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
    ) -> Verdict | None:
        if self._remembered.has(function, event.key, self._seconds):
            return Verdict(function, 204, "remembered")
        if not budget.take():
            self._reports.dropped(event, f"it has led to {CALL_LIMIT} calls")
            return None
        verdict = await self._call_with(function, event, replies, budget)
        if verdict.taken:
            self._remembered.add(function, event.key)
        self._reports.ended(event, verdict)
        return verdict

    async def _call_with(
        self, function: str, event: ReceivedEvent, replies: int, budget: _Budget
    ) -> Verdict:
        answer = await self._call(function, event)
        if answer.status >= 300:
            wait = answer.headers.get("retry-after")
            return Verdict(function, answer.status, "failed", retry_after=wait)
        reply = reply_event(answer.headers, answer.body)
        if reply is None:
            return Verdict(function, answer.status)
        if replies >= REPLY_LIMIT:
            self._reports.dropped(reply, f"it is the reply after {REPLY_LIMIT} others")
            return Verdict(function, answer.status)
        further = await self._event(reply, replies + 1, budget)
        status = worst_status(each.status for each in further)
        if status == 204:
            return Verdict(function, answer.status)
        return Verdict(function, status, "reply_failed", replies=tuple(further))


class _Budget:
    """The calls that one event may still lead to."""

    def __init__(self) -> None:
        self._left = CALL_LIMIT

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0
