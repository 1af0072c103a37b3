"""Trace hooks: generator functions that run around every call of a function.

Nothing here knows servers, fronts or runners. Which hooks surround a function is settled
when it is loaded; a function without hooks is called as if this package did not exist.

A hook takes the invocation, and its options as a second parameter if it has one. It yields
once, and gets the `ffhost.Outcome`; one that returns before that is not told the end::

    class SlowCalls(BaseModel):
        longer_than: float = 1.0

    @ffhost.trace_hook
    def slow_calls(invocation, options: SlowCalls):
        outcome = yield
        if outcome.duration_seconds > options.longer_than: ...

Options are validated by the model in the annotation, or handed over as a dictionary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ffhost.invocation.function import Observer, TraceHook
from ffhost.observability.tracing.declared_hooks import hooks_of
from ffhost.observability.tracing.hook import Hook
from ffhost.observability.tracing.hook_runs import keep_context, surround, wait_for_late_ones

__all__ = [
    "Hook",
    "Observer",
    "close",
    "hooks_of",
    "keep_context",
    "surround",
    "take_effect",
]


def take_effect(hooks: Iterable[TraceHook]) -> None:
    """Apply *hooks* from now on; resources that only former hooks needed are closed."""
    provider = _loaded("provider")
    effects = {id(hook): hook.take_effect for hook in hooks if hook.take_effect is not None}
    for take in effects.values():
        take()
    if not effects and provider is not None:
        provider.configure(None)


def close() -> None:
    """Send remaining data; for the end of a worker, after its last call."""
    wait_for_late_ones()
    for module in (_loaded("provider"), _loaded("profile_hook")):
        if module is not None:
            module.close()


def _loaded(name: str) -> Any:
    return sys.modules.get(f"{__name__}.{name}")
