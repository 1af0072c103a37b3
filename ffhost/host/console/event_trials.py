"""Events that somebody composes in the console: who would get them, and sending them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ffhost.errors import BadRequest, RequestError, ResultError
from ffhost.events.builders import make_cloud_event
from ffhost.events.event_routes import event_routes
from ffhost.events.incoming_events import ReceivedEvent, ReceivedEvents, read_events, reply_event
from ffhost.events.taken_deliveries import TakenEventDeliveries
from ffhost.events.verdicts import EventVerdict
from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.host.console.trials import CONSOLE, ConsoleTrials
from ffhost.host.event_delivery import EventDelivery, EventDeliveryAnswer
from ffhost.host.event_reports import EventDeliveryLog
from ffhost.host.service import Service
from ffhost.invocation.ids import choose_execution_id
from ffhost.web.messages import Message

_PATH = "/ffhost/console"


def read_console_event(given: Any) -> ReceivedEvent:
    """Return the event that the page describes by its attributes and ``data``.

    Raises:
        RequestError: it does not describe one
    """
    if not isinstance(given, dict):
        raise BadRequest("'event' is not an object")
    attributes = {name: value for name, value in given.items() if value not in (None, "")}
    attributes.setdefault("source", _PATH)
    if "type" not in attributes:
        raise BadRequest("the event has no type")
    try:
        headers, body = make_cloud_event(**attributes)
    except (ResultError, TypeError, ValueError) as error:
        raise BadRequest(f"the event cannot be written: {error}") from error
    return read_events(dict(headers), body).events[0]


def console_event_routes(service: Service, event: ReceivedEvent) -> dict[str, Any]:
    """Return whether each subscribed function would get *event* and why, and those *without*."""
    table = service.host.subscriptions
    subscriptions = () if table is None else table.subscriptions
    found = event_routes(service.host.functions, subscriptions, event.attributes)
    subscribed = {each.function for each in subscriptions}
    functions = [
        {
            "function": each.function,
            "filter": each.by.partition(": ")[2] or None,
            "matches": each.matched,
            "reason": each.by,
        }
        for each in found
        if each.function in subscribed
    ]
    without = [each.function for each in found if each.function not in subscribed]
    return {"functions": functions, "without": without}


class ConsoleEventTrial:
    """The delivery of one event, with a call of its own for each function that gets it."""

    def __init__(self, service: Service, trials: ConsoleTrials, mask: ConsoleMessageMask) -> None:
        self._service = service
        self._trials = trials
        self._mask = mask
        self._answers: list[tuple[str, str, EventDeliveryAnswer]] = []

    def send(self, event: ReceivedEvent) -> list[dict[str, Any]]:
        """Deliver *event*, and all that is returned for it; return what each function did."""
        delivery = EventDelivery(
            self._service.host.subscriptions,
            self._call,
            TakenEventDeliveries(),  # so that the same event can be sent again
            0.0,
            EventDeliveryLog(self._service.config),
        )
        results = self._trials.run(delivery.deliver(ReceivedEvents((event,))))
        reasons = _reasons(results[0].verdicts)
        return [
            {
                "function": name,
                "id": identity,
                "status": answer.status,
                "reply": self._reply(answer),
                "reason": reasons.get(name),
            }
            for name, identity, answer in self._answers
        ]

    async def _call(self, function: str, event: ReceivedEvent) -> EventDeliveryAnswer:
        headers = {**event.headers, "host": "localhost", "content-length": str(len(event.body))}
        message = Message("POST", _PATH, headers=headers, body=event.body)
        identity = choose_execution_id(None)
        answer = await self._trials.calls.call(
            function, message, identity, principal=CONSOLE, source="console"
        )
        self._answers.append((function, identity, answer))
        return answer

    def _reply(self, answer: EventDeliveryAnswer) -> Mapping[str, Any] | None:
        try:
            event = reply_event(answer.headers, answer.body) if answer.status < 300 else None
        except RequestError:
            return None
        if event is None:
            return None
        shown: Mapping[str, Any] = self._mask.data(
            {name: _plain(value) for name, value in event.attributes.items()}
        )
        return shown


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _reasons(verdicts: tuple[EventVerdict, ...]) -> dict[str, str]:
    """Return why functions did not take an event, those that got replies among them."""
    found: dict[str, str] = {}
    for each in verdicts:
        if not each.taken:
            found[each.function] = each.outcome
        found |= _reasons(each.replies)
    return found
