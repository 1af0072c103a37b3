"""Delivery, with functions that the test makes up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from ffhost.events.filters import compile_event_filters
from ffhost.events.incoming_events import ReceivedEvent, ReceivedEvents
from ffhost.events.subscriptions import Subscription, SubscriptionFilterFailure, SubscriptionTable
from ffhost.events.taken_deliveries import TakenEventDeliveries
from ffhost.events.verdicts import EventVerdict
from ffhost.host.event_delivery import (
    CALL_LIMIT,
    REPLY_LIMIT,
    EventDelivery,
    EventDeliveryAnswer,
    EventDeliveryResult,
)

Behaviour = Callable[[ReceivedEvent], Any]
TAKEN = EventDeliveryAnswer(204, {}, b"")


def event(kind: str, number: str = "1") -> ReceivedEvent:
    attributes = {"specversion": "1.0", "id": number, "source": "/test", "type": kind}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    return ReceivedEvent(attributes, headers, b"")


def replying(kind: str, number: str = "1") -> EventDeliveryAnswer:
    return EventDeliveryAnswer(200, dict(event(kind, number).headers), b"")


class Town:
    """Functions by name, with the type that they want, and what happened."""

    def __init__(self, **functions: tuple[str, Any]) -> None:
        self.behaviours = {name: does for name, (_, does) in functions.items()}
        self.called: list[str] = []
        self.told: list[str] = []
        self.table = SubscriptionTable(
            Subscription(name, compile_event_filters([{"exact": {"type": kind}}]))
            for name, (kind, _) in functions.items()
        )
        self.delivery = EventDelivery(self.table, self.call, TakenEventDeliveries(), 600, self)

    async def call(self, function: str, event: ReceivedEvent) -> EventDeliveryAnswer:
        self.called.append(function)
        found = self.behaviours[function]
        if callable(found):
            found = found(event)
        if isinstance(found, Awaitable):
            found = await found
        assert isinstance(found, EventDeliveryAnswer)
        return found

    def deliver(self, *events: ReceivedEvent) -> list[EventDeliveryResult]:
        return asyncio.run(self.delivery.deliver(ReceivedEvents(events)))

    def routed(self, event: ReceivedEvent, functions: Sequence[str]) -> None:
        self.told.append(f"{event.attributes['type']} -> {', '.join(functions) or 'nobody'}")

    def filter_failed(self, event: ReceivedEvent, failed: SubscriptionFilterFailure) -> None:
        self.told.append(f"{failed.function}: {failed.failure.error}")

    def ended(self, event: ReceivedEvent, verdict: EventVerdict) -> None:
        return

    def dropped(self, event: ReceivedEvent, why: str) -> None:
        self.told.append(f"dropped: {why}")


def test_every_function_that_wants_an_event_gets_it() -> None:
    town = Town(a=("x", TAKEN), b=("x", TAKEN), c=("y", TAKEN))
    (result,) = town.deliver(event("x"))
    assert result.status == 204
    assert sorted(town.called) == ["a", "b"]


def test_an_event_that_nobody_wants_is_taken() -> None:
    town = Town(a=("x", TAKEN))
    (result,) = town.deliver(event("z"))
    assert (result.status, town.called) == (204, [])
    assert town.told == ["z -> nobody"]


def test_functions_are_called_at_once() -> None:
    async def meet() -> None:
        barrier = asyncio.Barrier(3)

        async def wait(event: ReceivedEvent) -> EventDeliveryAnswer:
            await asyncio.wait_for(barrier.wait(), 5)
            return TAKEN

        town = Town(a=("x", wait), b=("x", wait), c=("x", wait))
        (result,) = await town.delivery.deliver(ReceivedEvents((event("x"),)))
        assert result.status == 204

    asyncio.run(meet())


def test_those_that_took_an_event_are_left_alone_when_it_comes_again() -> None:
    town = Town(a=("x", TAKEN), b=("x", EventDeliveryAnswer(500, {}, b"")))
    (result,) = town.deliver(event("x"))
    assert result.status == 500
    town.behaviours["b"] = TAKEN
    (result,) = town.deliver(event("x"))
    assert result.status == 204
    assert [each.outcome for each in result.verdicts] == ["remembered", "taken"]
    assert town.called == ["a", "b", "b"]
    town.deliver(event("x", "2"))
    assert town.called == ["a", "b", "b", "a", "b"]


def test_what_a_function_replies_is_routed_in_turn() -> None:
    town = Town(a=("x", replying("y")), b=("y", replying("z")), c=("z", TAKEN))
    (result,) = town.deliver(event("x"))
    assert result.status == 204
    assert town.called == ["a", "b", "c"]
    assert town.told == ["x -> a", "y -> b", "z -> c"]


def test_a_function_has_taken_an_event_when_its_reply_was_taken() -> None:
    town = Town(a=("x", replying("y")), b=("y", EventDeliveryAnswer(503, {}, b"")))
    (result,) = town.deliver(event("x"))
    failed = EventVerdict("b", 503, "failed")
    assert result.verdicts == (EventVerdict("a", 503, "reply_failed", replies=(failed,)),)
    town.behaviours["b"] = TAKEN
    (result,) = town.deliver(event("x"))
    assert result.status == 204
    assert town.called == ["a", "b", "a", "b"]


def test_replies_that_go_round_in_a_circle_end() -> None:
    town = Town(a=("x", lambda event: replying("x", f"{event.attributes['id']}1")))
    (result,) = town.deliver(event("x"))
    assert result.status == 204
    assert len(town.called) == REPLY_LIMIT + 1
    assert town.told[-1] == "dropped: it is the reply after 16 others"


def test_replies_that_multiply_end() -> None:
    count = iter(range(10**9))
    again = lambda event: replying("x", str(next(count)))  # noqa: E731
    town = Town(a=("x", again), b=("x", again), c=("x", again))
    town.deliver(event("x", "first"))
    assert len(town.called) == CALL_LIMIT
    assert f"dropped: it has caused {CALL_LIMIT} calls" in town.told


def test_the_events_of_a_batch_come_one_after_the_other() -> None:
    order: list[str] = []

    async def slowly(event: ReceivedEvent) -> EventDeliveryAnswer:
        order.append(f"{event.attributes['id']} begins")
        await asyncio.sleep(0.01)
        order.append(f"{event.attributes['id']} ends")
        return EventDeliveryAnswer(500, {}, b"") if event.attributes["id"] == "2" else TAKEN

    town = Town(a=("x", slowly))
    results = town.deliver(event("x", "1"), event("x", "2"), event("x", "3"))
    assert [each.status for each in results] == [204, 500, 204]
    assert order == ["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]


@pytest.mark.parametrize("status", [404, 408, 429, 500, 504])
def test_the_wait_that_a_function_asks_for_is_kept(status: int) -> None:
    town = Town(a=("x", EventDeliveryAnswer(status, {"retry-after": "7"}, b"")))
    (result,) = town.deliver(event("x"))
    assert result.verdicts == (EventVerdict("a", status, "failed", retry_after="7"),)
