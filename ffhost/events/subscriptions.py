"""Which functions an event concerns. No I/O; the table is made when functions are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import merge
from typing import NamedTuple

from ffhost.events.filters import (
    Attributes,
    EventFilter,
    EventFilterFailure,
    event_types_that_match,
)


class Subscription(NamedTuple):
    """One subscription of a function; an event has to match all of its filters."""

    function: str
    filters: tuple[EventFilter, ...]

    def failed_filter(self, event: Attributes, failures: list[EventFilterFailure]) -> int | None:
        """Return the index of the first filter that *event* does not match; None if all do."""
        for index, each in enumerate(self.filters):
            if not each.test(event, failures):
                return index
        return None


class SubscriptionFilterFailure(NamedTuple):
    """An expression of a subscription that could not be evaluated for an event."""

    function: str
    failure: EventFilterFailure


class SubscriptionMatches(NamedTuple):
    """The functions that an event concerns, in the order of the file, each once."""

    functions: tuple[str, ...]
    failures: tuple[SubscriptionFilterFailure, ...] = ()


class SubscriptionTable:
    """The subscriptions of a host.

    Those that name the exact types of their events stand in a dictionary by type, so that an
    event costs as much as the subscriptions to its type and those that take any type.
    """

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self.subscriptions = tuple(subscriptions)
        self._any_type: list[tuple[int, Subscription]] = []
        by_type: dict[str, list[tuple[int, Subscription]]] = {}
        for entry in enumerate(self.subscriptions):
            types = event_types_that_match(entry[1].filters)
            if types is None:
                self._any_type.append(entry)
            for each in types or ():
                by_type.setdefault(each, []).append(entry)
        self._by_type = by_type

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that subscribe to anything, in the order of the file."""
        return tuple(dict.fromkeys(each.function for each in self.subscriptions))

    def match(self, event: Attributes) -> SubscriptionMatches:
        """Return the functions that *event* concerns, and the expressions that failed."""
        found: dict[str, None] = {}
        failures: list[SubscriptionFilterFailure] = []
        for _, subscription in self._concerning(event["type"]):
            if subscription.function in found:
                continue
            failed: list[EventFilterFailure] = []
            if subscription.failed_filter(event, failed) is None:
                found[subscription.function] = None
            failures += [SubscriptionFilterFailure(subscription.function, each) for each in failed]
        return SubscriptionMatches(tuple(found), tuple(failures))

    def _concerning(self, event_type: str) -> Iterable[tuple[int, Subscription]]:
        """Return those for a type in the order of the file.

        They are merged for each event: merged beforehand, many types beside many subscriptions
        to any type would take quadratic memory.
        """
        exact = self._by_type.get(event_type)
        if exact is None or not self._any_type:
            return exact or self._any_type
        return merge(exact, self._any_type, key=_place)


def _place(entry: tuple[int, Subscription]) -> int:
    return entry[0]


def make_subscriptions(
    function: str, filters: Sequence[Sequence[EventFilter]]
) -> list[Subscription]:
    """Return the subscriptions of a function from the filters of each."""
    return [Subscription(function, tuple(each)) for each in filters]
