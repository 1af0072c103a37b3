"""The subscriptions of a host: those that are declared, of functions that can take events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.events.declared_subscriptions import declared_subscriptions, subscription_problem
from ffhost.events.subscriptions import SubscriptionTable
from ffhost.invocation.function import Function

if TYPE_CHECKING:
    from ffhost.host.front_door import FrontDoor

_EVENT_SIGNATURES = ("cloudevent", "event")


def subscription_table(
    config: LoadedConfig, functions: Mapping[str, Function], front_door: FrontDoor | None
) -> tuple[SubscriptionTable, list[Problem]]:
    """Return who wants which events, and what is wrong with that."""
    table, problems = declared_subscriptions(config, functions)
    refused = [_refusal(config, functions[name]) for name in table.functions]
    if front_door is not None and config.settings.events is not None:
        refused += [_open_door(config, name, front_door) for name in table.functions]
    return table, [*(each for each in refused if each is not None), *problems]


def _open_door(config: LoadedConfig, name: str, front_door: FrontDoor) -> Problem | None:
    """Return that anybody could call the function *name* by an event; None if anybody may."""
    if front_door.gate(name) is None:
        return None
    path = ("functions", name, "subscriptions")
    message = "the function has a door, and the address for events is public"
    hint = "write 'auth: public' for the function, or leave out its subscriptions"
    return subscription_problem(config, path, message, hint)


def _refusal(config: LoadedConfig, function: Function) -> Problem | None:
    """Return why *function* cannot subscribe to events; None if it can."""
    if function.unavailable is not None or function.signature in _EVENT_SIGNATURES:
        return None
    path = ("functions", function.name, "subscriptions")
    if function.late_load is not None:
        message = "what is loaded at its first call must name its signature to subscribe to events"
        return subscription_problem(config, path, message, "write 'signature: cloudevent'")
    message = f"a function of signature {function.signature!r} cannot subscribe to events"
    hint = "only cloudevent and event functions can"
    return subscription_problem(config, path, message, hint)
