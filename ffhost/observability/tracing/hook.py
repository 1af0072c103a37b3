"""A trace hook at run time, and the handling of its failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ffhost._records import Record
from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.invocation.outcome import Outcome

Steps: TypeAlias = Generator[Any, Outcome, Any]
"""A hook of one call: it waits at its ``yield`` until the outcome is known."""

Run: TypeAlias = Callable[[Call], Any]
"""Calls the function: returns its reply, or a coroutine of it."""

REPORT_SECONDS = 60.0
"""How often a hook that fails is logged, at most."""


class TraceHookPlace(Record):
    """Where a hook is declared: the folder of the configuration, and what the host says of it.

    ``host_options`` are those of the host's hook where a function changes them, else None.
    """

    base: Path
    host_options: Mapping[str, Any] | None


class TraceHookPair(Record):
    """A hook of the host's own whose second half runs in any thread and any context.

    The result of `begin`, which is never None, is passed to `end`. For the innermost hook a call
    pays for nothing more, which is a third of the cost of a generator.
    """

    begin: Callable[[Call], Any]
    end: Callable[[Any, Call, Outcome], None]

    def steps(self, call: Call) -> Steps:
        """Run as a generator, for the place between other hooks."""
        state = self.begin(call)
        outcome = yield
        self.end(state, call, outcome)


class TraceHook:
    """A hook with its options.

    Args:
        name: as in the configuration
        begin: the generator function over the call, or None for a hook that only wraps
        pair: the same as two functions; given instead of *begin*
        wrap: makes a run of a function's own, given whether that is a coroutine function; for
            built-in hooks that must be in the thread of the call to its very end
        take_effect: called when the configuration that declares the hook is in force
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[Call], Steps] | None = None,
        *,
        pair: TraceHookPair | None = None,
        wrap: Callable[[Run, bool, TraceHook], Run] | None = None,
        take_effect: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.begin = begin if pair is None else pair.steps
        self.pair = pair
        self.wrap = wrap
        self.take_effect = take_effect
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._unreported = 0

    def failed(self, call: Call, error: BaseException) -> None:
        """Log that the hook failed, unless that was done within the last minute."""
        with self._lock:
            now = time.monotonic()
            if now < self._silent_until:
                self._unreported += 1
                return
            self._silent_until = now + REPORT_SECONDS
            unreported, self._unreported = self._unreported, 0
        fields = {"failures_not_logged": unreported} if unreported else {}
        get_logger("ffhost").error(
            "trace_hook_failed",
            hook=self.name,
            function=call.function.name,
            execution_id=call.execution_id,
            exc_info=error,
            **fields,
        )
