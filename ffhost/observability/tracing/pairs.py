"""The innermost hook of a call, if it is a `Pair`: no generator, no lock, no context.

Begin leaves what it gives in the invocation, and the end looks for it there. If it finds
nothing, the call was refused, or expired before it began: then both halves run there, one after
the other, and a begin that comes later still is in vain.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.errors import DeadlineExceeded
from ffhost.invocation.current import CURRENT, Invocation, Outcome
from ffhost.observability.tracing.hook import Hook, Run

Observer: TypeAlias = Callable[[Invocation, Outcome], None]

_NOTHING = object()
"""Stands for what a begin that failed would have given."""


def put_around(run: Run, hook: Hook) -> tuple[Run, Observer]:
    """Give what to call instead of *run*, and what to tell the outcome."""
    assert hook.pair is not None
    begin, end = hook.pair

    def run_with_hook(invocation: Invocation) -> Any:
        try:
            state = begin(invocation)
        except DeadlineExceeded:  # meant for the function, which shall not begin
            raise
        except BaseException as error:
            hook.failed(invocation, error)
            state = _NOTHING
        invocation.pair_state = state
        return run(invocation)

    def ended(invocation: Invocation, outcome: Outcome) -> None:
        state = invocation.pair_state
        if state is None:
            contextvars.copy_context().run(both, invocation, outcome)
        elif state is not _NOTHING:
            try:
                end(state, invocation, outcome)
            except BaseException as error:
                hook.failed(invocation, error)

    def both(invocation: Invocation, outcome: Outcome) -> None:
        CURRENT.set(invocation)
        try:
            end(begin(invocation), invocation, outcome)
        except BaseException as error:
            hook.failed(invocation, error)

    return run_with_hook, ended
