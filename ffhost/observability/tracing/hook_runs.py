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
from typing import Any

from ffhost.errors import DeadlineExceeded
from ffhost.invocation.current import CURRENT, Invocation, Outcome
from ffhost.observability.tracing import pairs
from ffhost.observability.tracing.hook import Hook, Run, Steps
from ffhost.observability.tracing.pairs import Observer

_SLOT = "_hooks"
"""Where an invocation keeps its `_Call`; set once, by whoever comes first."""
_FREE_WITHIN_SECONDS = 0.2
_FREE_WITHIN_SECONDS_EXPIRED = 0.05
_PAUSE_SECONDS = 0.002
_LATE_SECONDS = 2.0

_late: set[threading.Thread] = set()


class _Call:
    """The hooks of one call. Whoever holds the lock runs them."""

    __slots__ = ("lock", "outcome", "standing")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.outcome: Outcome | None = None
        self.standing: list[tuple[Hook, Steps]] = []


def surround(run: Run, is_async: bool, hooks: Sequence[Hook]) -> tuple[Run, tuple[Observer, ...]]:
    """Put *hooks* around *run*; give what to call instead, and whom to tell the outcome.

    The first hook is the outermost: its first half runs first, and its second half last.
    """
    for hook in reversed(hooks):
        if hook.wrap is not None:
            run = hook.wrap(run, is_async, hook)
    observers: tuple[Observer, ...] = ()
    outer, innermost = _parted(hooks)
    if innermost is not None:
        run, end = pairs.put_around(run, innermost)
        observers = (end,)
    if outer:
        around = Around(outer)
        run, observers = _after(around.begin, run), (*observers, around.end)
    return run, observers


def keep_context(hooks: Sequence[Hook]) -> bool:
    """Say whether the second halves of *hooks* run in the context of the call."""
    return bool(_parted(hooks)[0])


def _parted(hooks: Sequence[Hook]) -> tuple[list[Hook], Hook | None]:
    """Give the hooks with two halves; the innermost apart if it is a pair."""
    halves = [hook for hook in hooks if hook.begin is not None]
    innermost = halves.pop() if halves and halves[-1].pair is not None else None
    return halves, innermost


def _after(begin: Callable[[Invocation], None], run: Run) -> Run:
    def run_with_hooks(invocation: Invocation) -> Any:
        # For a coroutine function this is called in its task, and gives the coroutine.
        begin(invocation)
        return run(invocation)

    return run_with_hooks


class Around:
    """The hooks of one function that have two halves."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = tuple(hooks)

    def begin(self, invocation: Invocation) -> None:
        """Run the first halves, in the thread or task of the call."""
        CURRENT.set(invocation)
        call = _Call()
        call.lock.acquire()
        if vars(invocation).setdefault(_SLOT, call) is not call:
            return  # the outcome was settled before the call began
        try:
            self._first_halves(call, invocation)
        finally:
            call.lock.release()
            outcome = call.outcome
            if outcome is not None and call.lock.acquire(False):
                self._second_halves(call, invocation, outcome)

    def end(self, invocation: Invocation, outcome: Outcome) -> None:
        """Run the second halves, wherever that can be done. Never raises."""
        call: _Call | None = vars(invocation).get(_SLOT)
        if call is None:
            fresh = _Call()
            fresh.lock.acquire()
            call = vars(invocation).setdefault(_SLOT, fresh)
            if call is fresh:
                contextvars.copy_context().run(self._both_halves, call, invocation, outcome)
                return
        call.outcome = outcome
        # The lock is never given back: there is one second half.
        if not call.lock.acquire(False) or not call.standing:
            return
        if CURRENT.get() is invocation:  # this is the very task that the call ran in
            self._second_halves(call, invocation, outcome)
            return
        try:
            invocation.context.run(self._second_halves, call, invocation, outcome)
        except RuntimeError:  # somebody is in that context just now
            self._end_on_thread(call, invocation, outcome)
        else:
            if invocation.ended:  # or else the two would be a cycle for the collector
                invocation.context = None

    def _first_halves(self, call: _Call, invocation: Invocation) -> None:
        for hook in self._hooks:
            assert hook.begin is not None
            try:
                steps = hook.begin(invocation)
                next(steps)
            except StopIteration:  # it does not care for this call
                continue
            except DeadlineExceeded:  # meant for the function, which shall not begin
                raise
            except BaseException as error:
                hook.failed(invocation, error)
                continue
            call.standing.append((hook, steps))

    def _second_halves(self, call: _Call, invocation: Invocation, outcome: Outcome) -> None:
        while call.standing:
            hook, steps = call.standing.pop()
            try:
                steps.send(outcome)
            except StopIteration:
                continue
            except BaseException as error:
                hook.failed(invocation, error)
            else:
                hook.failed(invocation, RuntimeError("a trace hook yields once"))
                _close(steps)

    def _both_halves(self, call: _Call, invocation: Invocation, outcome: Outcome) -> None:
        CURRENT.set(invocation)
        self._first_halves(call, invocation)
        self._second_halves(call, invocation, outcome)

    def _end_on_thread(self, call: _Call, invocation: Invocation, outcome: Outcome) -> None:
        def end() -> None:
            patience = _FREE_WITHIN_SECONDS
            if invocation.expired and not invocation.ended:
                patience = _FREE_WITHIN_SECONDS_EXPIRED
            give_up = time.monotonic() + patience
            try:
                while time.monotonic() < give_up:
                    time.sleep(_PAUSE_SECONDS)
                    try:
                        invocation.context.run(self._second_halves, call, invocation, outcome)
                        return
                    except RuntimeError:
                        continue
                invocation.context.copy().run(self._second_halves, call, invocation, outcome)
            finally:
                _late.discard(thread)

        thread = threading.Thread(target=end, name="ffhost-hooks", daemon=True)
        _late.add(thread)
        thread.start()


def _close(steps: Steps) -> None:
    try:
        steps.close()
    except BaseException:  # it has been reported already
        return


def wait_for_late_ones() -> None:
    """Wait, but not for long, for second halves that run on threads of their own."""
    give_up = time.monotonic() + _LATE_SECONDS
    for thread in tuple(_late):
        thread.join(max(0.0, give_up - time.monotonic()))
