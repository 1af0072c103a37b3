"""The innermost hook of a call, if it is a `TraceHookPair`: no generator, no lock, no context.

`begin` stores its result in the call, and the end reads it there. If there is none, the call was
refused, or expired before it began: then both halves run at the end, one after the other, and a
later `begin` has no effect.
"""

from __future__ import annotations

import contextvars
from typing import Any

from ffhost.errors import DeadlineExceeded
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Observer
from ffhost.invocation.outcome import Outcome
from ffhost.observability.tracing.hook import Run, TraceHook

_NOTHING = object()
"""Placeholder for the result of a `begin` that failed."""


def put_hook_pair_around(run: Run, hook: TraceHook) -> tuple[Run, Observer]:
    """Return the callable to use instead of *run*, and an observer of the outcome."""
    assert hook.pair is not None
    begin, end = hook.pair

    def run_with_hook(call: Call) -> Any:
        try:
            state = begin(call)
        except DeadlineExceeded:  # meant for the function, which must not begin
            raise
        except BaseException as error:
            hook.failed(call, error)
            state = _NOTHING
        call.pair_state = state
        return run(call)

    def ended(call: Call, outcome: Outcome) -> None:
        state = call.pair_state
        if state is None:
            contextvars.copy_context().run(both, call, outcome)
        elif state is not _NOTHING:
            try:
                end(state, call, outcome)
            except BaseException as error:
                hook.failed(call, error)

    def both(call: Call, outcome: Outcome) -> None:
        CURRENT.set(call)
        try:
            end(begin(call), call, outcome)
        except BaseException as error:
            hook.failed(call, error)

    return run_with_hook, ended
