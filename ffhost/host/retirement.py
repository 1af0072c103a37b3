"""Shut-down hooks of functions that a reload has removed: run after their last call."""

from __future__ import annotations

import threading
import time
import weakref
from itertools import chain

from ffhost.host.lifecycle import Hook, HostLifecycle, served_lifecycle_hooks
from ffhost.host.snapshot import Host
from ffhost.invocation.function import Function

LOOK_SECONDS = 0.1
"""How often a thread looks whether the last call has ended."""
QUIET_LOOKS = 2
"""How many looks in a row must find no call: a request may be on its way to be counted."""


class RetiredFunctions:
    """Functions that were removed and wait for the end of their last call.

    Args:
        lifecycle: the hooks of the process that have run
        lock: held by whoever starts, reloads or stops the service
    """

    def __init__(self, lifecycle: HostLifecycle, lock: threading.RLock) -> None:
        self._lifecycle = lifecycle
        self._lock = lock
        self._waiting: list[list[Hook]] = []
        self._earlier: weakref.WeakSet[Host] = weakref.WeakSet()
        """Hosts that were replaced; what they still answer keeps them alive."""

    def retire(self, previous: Host, host: Host) -> None:
        """Run the shut-down hooks that *host* no longer needs, after the last call.

        A request whose body still arrives has no slot, and what runs on a host may call all of its
        functions by name: as long as earlier hosts answer anything, nothing of them ends.
        """
        self._earlier.add(previous)
        self._lifecycle.forget(_dropped(previous, host, "startup"))
        hooks = _dropped(previous, host, "shutdown")
        if not hooks:
            return
        wanted = set(hooks)
        left = [
            function
            for function in previous.functions.values()
            if not wanted.isdisjoint(served_lifecycle_hooks([function], "shutdown"))
        ]
        hooks.reverse()
        self._waiting.append(hooks)
        threading.Thread(
            target=self._stop_when_idle,
            args=(left, hooks, host, list(self._earlier)),
            name="ffhost-retire",
            daemon=True,
        ).start()

    def take_all(self) -> list[Hook]:
        """Return the hooks that still wait, for the caller to run."""
        waiting, self._waiting = self._waiting, []
        return list(chain.from_iterable(waiting))

    def _stop_when_idle(
        self, functions: list[Function], hooks: list[Hook], host: Host, earlier: list[Host]
    ) -> None:
        quiet = 0
        while quiet < QUIET_LOOKS or not _close(functions):
            time.sleep(LOOK_SECONDS)
            is_used = any(each.is_answering for each in earlier)
            is_used = is_used or any(_is_busy(each, host) for each in functions)
            quiet = 0 if is_used else quiet + 1
        with self._lock:
            if hooks not in self._waiting:
                return
            self._waiting.remove(hooks)
        self._lifecycle.stop(hooks)


def _dropped(previous: Host, host: Host, when: str) -> list[Hook]:
    """Return the hooks for *when* that *previous* has and *host* has not."""
    kept = set(served_lifecycle_hooks(host.functions.values(), when))
    return [
        hook
        for hook in served_lifecycle_hooks(previous.functions.values(), when)
        if hook not in kept
    ]


def _close(functions: list[Function]) -> bool:
    """Close their processes; False if a call has begun in one since the last look."""
    return all(each.processes is None or each.processes.close_if_idle() for each in functions)


def _is_busy(function: Function, host: Host) -> bool:
    """Whether calls of *function*, which *host* no longer serves as it was, still run.

    Its slots count the calls of a function that took its place. Processes and applications
    count their own; calls that come late go to the processes that took their place.
    """
    if function.name in host.functions:
        if function.processes is not None:
            return function.processes.busy > 0
        if function.lifespan is not None:
            return bool(function.lifespan.calls or function.slots.waiting)
    return bool(function.slots.running or function.slots.waiting)
