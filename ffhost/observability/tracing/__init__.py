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

from ffhost.invocation.function import FunctionTraceHook, Observer
from ffhost.observability.tracing.declared_hooks import trace_hooks_of
from ffhost.observability.tracing.hook import TraceHook
from ffhost.observability.tracing.hook_runs import (
    surround_with_trace_hooks,
    trace_hooks_keep_context,
    wait_for_late_trace_hooks,
)

__all__ = [
    "Observer",
    "TraceHook",
    "apply_trace_hooks",
    "close_trace_hooks",
    "surround_with_trace_hooks",
    "trace_hooks_keep_context",
    "trace_hooks_of",
]


def apply_trace_hooks(hooks: Iterable[FunctionTraceHook]) -> None:
    """Apply *hooks* from now on; resources that only former hooks needed are closed."""
    provider = _loaded("span_provider")
    effects = {id(hook): hook.take_effect for hook in hooks if hook.take_effect is not None}
    for take in effects.values():
        take()
    if not effects and provider is not None:
        provider.configure_span_export(None)


def close_trace_hooks() -> None:
    """Send remaining data; for the end of a worker, after its last call."""
    wait_for_late_trace_hooks()
    provider, profile_hook = _loaded("span_provider"), _loaded("profile_hook")
    if provider is not None:
        provider.close_span_export()
    if profile_hook is not None:
        profile_hook.write_last_profiles()


def _loaded(name: str) -> Any:
    return sys.modules.get(f"{__name__}.{name}")
