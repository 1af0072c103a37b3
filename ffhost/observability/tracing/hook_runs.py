"""The hooks of one call: when each half runs, in which thread, and that it runs once.

The first halves run in the thread or task of the call. The second halves run when the
caller's outcome is settled, which may be before the function has ended, or before it has
begun:

- Context variables that a hook has set can be reset in the context of the call only, and a
  context is entered by one thread at a time. So the second half enters it where it is free,
  as it nearly always is. At a deadline, while the function still runs, it is not: then a
  thread of its own waits for it for a moment, and goes on in a copy.
- A call that is refused, or expires before it has begun, has both halves run one after the
  other: a hook sees every call once.
- A deadline may strike in the middle of a slow first half. Then whoever runs that runs the
  second half too.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from ffhost.errors import DeadlineExceeded
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Observer
from ffhost.invocation.outcome import Outcome
from ffhost.observability.tracing import hook_pairs
from ffhost.observability.tracing.hook import Run, Steps, TraceHook

_SLOT = "_hooks"
"""Where a call keeps its `_HookRun`; set once, by whoever comes first."""
_FREE_WITHIN_SECONDS = 0.2
_FREE_WITHIN_SECONDS_EXPIRED = 0.05
_PAUSE_SECONDS = 0.002
_LATE_SECONDS = 2.0

_late: set[threading.Thread] = set()


class _HookRun:
    """The hooks of one call. Whoever holds the lock runs them."""

    __slots__ = ("lock", "outcome", "standing")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.outcome: Outcome | None = None
        self.standing: list[tuple[TraceHook, Steps]] = []


def surround_with_trace_hooks(
    run: Run, is_async: bool, hooks: Sequence[TraceHook]
) -> tuple[Run, tuple[Observer, ...]]:
    """Wrap *run* in *hooks*; return the callable to use instead, and an observer.

    The first hook is the outermost: its first half runs first, and its second half last.
    """
    for hook in reversed(hooks):
        if hook.wrap is not None:
            run = hook.wrap(run, is_async, hook)
    observers: tuple[Observer, ...] = ()
    outer, innermost = _parted(hooks)
    if innermost is not None:
        run, end = hook_pairs.put_hook_pair_around(run, innermost)
        observers = (end,)
    if outer:
        around = TraceHooksAround(outer)
        run, observers = _after(around.begin, run), (*observers, around.end)
    return run, observers


def trace_hooks_keep_context(hooks: Sequence[TraceHook]) -> bool:
    """Whether the second halves of *hooks* run in the context of the call."""
    return bool(_parted(hooks)[0])


def _parted(hooks: Sequence[TraceHook]) -> tuple[list[TraceHook], TraceHook | None]:
    """Return the hooks with two halves; the innermost apart if it is a pair."""
    halves = [hook for hook in hooks if hook.begin is not None]
    innermost = halves.pop() if halves and halves[-1].pair is not None else None
    return halves, innermost


def _after(begin: Callable[[Call], None], run: Run) -> Run:
    def run_with_hooks(call: Call) -> Any:
        # For a coroutine function this is called in its task, and gives the coroutine.
        begin(call)
        return run(call)

    return run_with_hooks


class TraceHooksAround:
    """The hooks of one function that have two halves."""

    def __init__(self, hooks: Sequence[TraceHook]) -> None:
        self._hooks = tuple(hooks)

    def begin(self, call: Call) -> None:
        """Run the first halves, in the thread or task of the call."""
        CURRENT.set(call)
        hook_run = _HookRun()
        hook_run.lock.acquire()
        if vars(call).setdefault(_SLOT, hook_run) is not hook_run:
            return  # the outcome was settled before the call began
        try:
            self._first_halves(hook_run, call)
        finally:
            hook_run.lock.release()
            outcome = hook_run.outcome
            if outcome is not None and hook_run.lock.acquire(False):
                self._second_halves(hook_run, call, outcome)

    def end(self, call: Call, outcome: Outcome) -> None:
        """Run the second halves, in the context of the call if possible. Never raises."""
        found: _HookRun | None = vars(call).get(_SLOT)
        if found is None:
            fresh = _HookRun()
            fresh.lock.acquire()
            found = cast("_HookRun", vars(call).setdefault(_SLOT, fresh))
            if found is fresh:
                contextvars.copy_context().run(self._both_halves, fresh, call, outcome)
                return
        hook_run = found
        hook_run.outcome = outcome
        # The lock is never released: the second halves run once.
        if not hook_run.lock.acquire(False) or not hook_run.standing:
            return
        if CURRENT.get() is call:  # this is the very task that the call ran in
            self._second_halves(hook_run, call, outcome)
            return
        try:
            cast("contextvars.Context", call.context).run(
                self._second_halves, hook_run, call, outcome
            )
        except RuntimeError:  # the context is in use
            self._end_on_thread(hook_run, call, outcome)
        else:
            call.release_context()

    def _first_halves(self, hook_run: _HookRun, call: Call) -> None:
        for hook in self._hooks:
            assert hook.begin is not None
            try:
                steps = hook.begin(call)
                next(steps)
            except StopIteration:  # the hook ignores this call
                continue
            except DeadlineExceeded:  # meant for the function, which must not begin
                raise
            except BaseException as error:
                hook.failed(call, error)
                continue
            hook_run.standing.append((hook, steps))

    def _second_halves(self, hook_run: _HookRun, call: Call, outcome: Outcome) -> None:
        while hook_run.standing:
            hook, steps = hook_run.standing.pop()
            try:
                steps.send(outcome)
            except StopIteration:
                continue
            except BaseException as error:
                hook.failed(call, error)
            else:
                hook.failed(call, RuntimeError("a trace hook yields once"))
                _close(steps)

    def _both_halves(self, hook_run: _HookRun, call: Call, outcome: Outcome) -> None:
        CURRENT.set(call)
        self._first_halves(hook_run, call)
        self._second_halves(hook_run, call, outcome)

    def _end_on_thread(self, hook_run: _HookRun, call: Call, outcome: Outcome) -> None:
        def end() -> None:
            patience = _FREE_WITHIN_SECONDS
            if call.timed_out and call.state != "ended":
                patience = _FREE_WITHIN_SECONDS_EXPIRED
            context = cast("contextvars.Context", call.context)
            give_up = time.monotonic() + patience
            try:
                while time.monotonic() < give_up:
                    time.sleep(_PAUSE_SECONDS)
                    try:
                        context.run(self._second_halves, hook_run, call, outcome)
                        return
                    except RuntimeError:
                        continue
                context.copy().run(self._second_halves, hook_run, call, outcome)
            finally:
                call.release_context()
                _late.discard(thread)

        thread = threading.Thread(target=end, name="ffhost-hooks", daemon=True)
        _late.add(thread)
        thread.start()


def _close(steps: Steps) -> None:
    try:
        steps.close()
    except BaseException:  # it has been reported already
        return


def wait_for_late_trace_hooks() -> None:
    """Wait for a limited time for second halves that run on threads of their own."""
    give_up = time.monotonic() + _LATE_SECONDS
    for thread in tuple(_late):
        thread.join(max(0.0, give_up - time.monotonic()))
