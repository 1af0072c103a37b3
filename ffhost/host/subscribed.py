"""The subscriptions of a host, compiled from the settings of its functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.config.nodes import dotted
from ffhost.config.settings import FunctionSettings
from ffhost.events.filters import FilterError, compile_filters
from ffhost.events.subscriptions import Subscription, SubscriptionTable
from ffhost.host.loader import Function

_EVENT_SIGNATURES = ("cloudevent", "event")


def subscription_table(
    config: LoadedConfig, functions: Mapping[str, Function]
) -> tuple[SubscriptionTable, list[Problem]]:
    """Return who wants which events, and what is wrong with that."""
    problems: list[Problem] = []
    subscriptions: list[Subscription] = []
    for name, function in functions.items():
        if function.settings.subscriptions:
            problems += _wrong_signature(config, function)
            subscriptions += compiled(config, name, function.settings, problems)
    return SubscriptionTable(subscriptions), problems


def compiled(
    config: LoadedConfig, name: str, settings: FunctionSettings, problems: list[Problem]
) -> Iterator[Subscription]:
    """Yield the subscriptions of the function *name*; *problems* gets what cannot be compiled."""
    for index, subscription in enumerate(settings.subscriptions):
        try:
            yield Subscription(name, compile_filters(subscription.filters))
        except FilterError as error:
            place = ("functions", name, "subscriptions", index, "filters")
            for fault in error.faults:
                problems.append(_problem(config, (*place, *fault.path), fault.message))


def compile_all(
    config: LoadedConfig, names: Iterable[str]
) -> tuple[SubscriptionTable, list[Problem]]:
    """Return the subscriptions of functions that are not loaded, and what is wrong with them."""
    problems: list[Problem] = []
    found = [
        each
        for name in names
        for each in compiled(config, name, config.settings.functions[name], problems)
    ]
    return SubscriptionTable(found), problems


def _wrong_signature(config: LoadedConfig, function: Function) -> Sequence[Problem]:
    if function.unavailable is not None or function.signature in _EVENT_SIGNATURES:
        return ()
    path = ("functions", function.name, "subscriptions")
    if function.pending is not None:
        message = "what is loaded at its first call must name its signature to subscribe to events"
        return [_problem(config, path, message, "write 'signature: cloudevent'")]
    message = f"a function of signature {function.signature!r} cannot subscribe to events"
    return [_problem(config, path, message, "only cloudevent and event functions can")]


def _problem(
    config: LoadedConfig, path: tuple[str | int, ...], message: str, hint: str | None = None
) -> Problem:
    return Problem(dotted(path), message, config.locate(path), hint)
