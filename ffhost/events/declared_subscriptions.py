"""Subscriptions as the configuration declares them, compiled, with what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterable

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.nodes import dotted_config_path
from ffhost.events.filters import EventFilterError, compile_event_filters
from ffhost.events.subscriptions import Subscription, SubscriptionTable


def compile_subscriptions(
    config: LoadedConfig, names: Iterable[str]
) -> tuple[SubscriptionTable, list[ConfigProblem]]:
    """Return the subscriptions of the functions *names*, and what is wrong with them."""
    problems: list[ConfigProblem] = []
    subscriptions: list[Subscription] = []
    for name in names:
        for index, declared in enumerate(config.settings.functions[name].subscriptions):
            try:
                subscriptions.append(Subscription(name, compile_event_filters(declared.filters)))
            except EventFilterError as error:
                place = ("functions", name, "subscriptions", index, "filters")
                problems += [
                    subscription_problem(config, (*place, *fault.path), fault.message)
                    for fault in error.faults
                ]
    return SubscriptionTable(subscriptions), problems


def subscription_problem(
    config: LoadedConfig, path: tuple[str | int, ...], message: str, hint: str | None = None
) -> ConfigProblem:
    """Return a problem with a value of a subscription, at the place where it is written."""
    return ConfigProblem(dotted_config_path(path), message, config.locate(path), hint)
