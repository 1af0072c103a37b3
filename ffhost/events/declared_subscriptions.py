"""Subscriptions as the configuration declares them, compiled, with what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterable

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.config.nodes import dotted
from ffhost.events.filters import FilterError, compile_filters
from ffhost.events.subscriptions import Subscription, SubscriptionTable


def declared_subscriptions(
    config: LoadedConfig, names: Iterable[str]
) -> tuple[SubscriptionTable, list[Problem]]:
    """Return the subscriptions of the functions *names*, and what is wrong with them."""
    problems: list[Problem] = []
    subscriptions: list[Subscription] = []
    for name in names:
        for index, declared in enumerate(config.settings.functions[name].subscriptions):
            try:
                subscriptions.append(Subscription(name, compile_filters(declared.filters)))
            except FilterError as error:
                place = ("functions", name, "subscriptions", index, "filters")
                problems += [
                    subscription_problem(config, (*place, *fault.path), fault.message)
                    for fault in error.faults
                ]
    return SubscriptionTable(subscriptions), problems


def subscription_problem(
    config: LoadedConfig, path: tuple[str | int, ...], message: str, hint: str | None = None
) -> Problem:
    """Return a problem with a value of a subscription, at the place where it is written."""
    return Problem(dotted(path), message, config.locate(path), hint)
