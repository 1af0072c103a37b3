"""Which functions would get an event, and which filter keeps it from the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ffhost.events.filters import Attributes, EventFilterFailure
from ffhost.events.subscriptions import Subscription


class EventRoute(NamedTuple):
    """The verdict on one function: whether it gets an event, and why."""

    function: str
    matched: bool
    by: str


def event_routes(
    names: Iterable[str], subscriptions: Iterable[Subscription], attributes: Attributes
) -> list[EventRoute]:
    """Return the verdict on each of the functions *names*."""
    by_function: dict[str, list[Subscription]] = {name: [] for name in names}
    for each in subscriptions:
        by_function[each.function].append(each)
    return [_route(name, found, attributes) for name, found in by_function.items()]


def _route(
    function: str, subscriptions: Sequence[Subscription], attributes: Attributes
) -> EventRoute:
    if not subscriptions:
        return EventRoute(function, False, "it does not subscribe")
    reasons = []
    for index, each in enumerate(subscriptions):
        failures: list[EventFilterFailure] = []
        failed = each.failed_filter(attributes, failures)
        if failed is None:
            return EventRoute(function, True, f"subscriptions[{index}]")
        source = json.dumps(each.filters[failed].source, ensure_ascii=False)
        reason = f"subscriptions[{index}].filters[{failed}]: {source}"
        if failures:
            reason += f" ({failures[-1].error.kind}: {failures[-1].error})"
        reasons.append(reason)
    return EventRoute(function, False, "; ".join(reasons))
