"""The subscriptions of a host: those of functions that can receive events."""

from __future__ import annotations

from collections.abc import Mapping

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.events.declared_subscriptions import compile_subscriptions, subscription_problem
from ffhost.events.subscriptions import SubscriptionTable
from ffhost.invocation.function import Function

_EVENT_SIGNATURES = ("cloudevent", "event")


def subscriptions_of_host(
    config: LoadedConfig, functions: Mapping[str, Function]
) -> tuple[SubscriptionTable, list[ConfigProblem]]:
    """Return the subscriptions and the problems in them."""
    table, problems = compile_subscriptions(config, functions)
    refused = [_refusal(config, functions[name]) for name in table.functions]
    return table, [*(each for each in refused if each is not None), *problems]


def _refusal(config: LoadedConfig, function: Function) -> ConfigProblem | None:
    """Return why *function* cannot subscribe to events; None if it can."""
    if function.unavailable is not None or function.signature in _EVENT_SIGNATURES:
        return None
    path = ("functions", function.name, "subscriptions")
    if function.late_load is not None:
        message = "a lazy function must name its signature to subscribe to events"
        return subscription_problem(config, path, message, "write 'signature: cloudevent'")
    message = f"a function of signature {function.signature!r} cannot subscribe to events"
    hint = "only cloudevent and event functions can"
    return subscription_problem(config, path, message, hint)
