"""The counters of one process, incremented when a call is answered. Nothing is shared."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from typing import Any

from ffhost.events.facts import event_time_of
from ffhost.invocation.call import Call
from ffhost.invocation.outcome import Outcome

OUTCOMES = (
    *("ok", "client_error", "crash", "timeout", "rejected"),
    *("unauthenticated", "forbidden", "duplicate", "cancelled"),
)
DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Upper bounds of the durations' buckets, in seconds."""
LAGS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
"""Upper bounds of the buckets of events' age, in seconds."""

_INDEX = {outcome: index for index, outcome in enumerate(OUTCOMES)}


class CallCounters:
    """The counters of one function under one signature."""

    def __init__(self, function: str, signature: str) -> None:
        self.function = function
        self.signature = signature
        self.outcomes = [0] * len(OUTCOMES)
        self.durations = [0] * (len(DURATIONS) + 1)
        self.duration_sum = 0.0
        self.lags = [0] * (len(LAGS) + 1)
        self.lag_sum = 0.0
        self._lock = threading.Lock()

    def observe(self, call: Call, outcome: Outcome) -> None:
        """Count a call."""
        seconds = outcome.duration_seconds
        bucket = bisect_left(DURATIONS, seconds)
        # Behind a WSGI server calls of one function are answered on several threads.
        with self._lock:
            self.outcomes[_INDEX[outcome.kind]] += 1
            self.durations[bucket] += 1
            self.duration_sum += seconds

    def observe_event(self, call: Call, outcome: Outcome) -> None:
        """Count a call that was about an event, and how old that was when the call came."""
        self.observe(call, outcome)
        happened = event_time_of(call.event)
        if happened is None:
            return
        taken = time.time() - outcome.duration_seconds
        seconds = max(0.0, taken - happened.timestamp())
        with self._lock:
            self.lags[bisect_left(LAGS, seconds)] += 1
            self.lag_sum += seconds

    def read(self) -> list[Any]:
        """Return a consistent copy of all numbers; an entry of a snapshot's ``counts``."""
        with self._lock:
            return [
                self.function,
                self.signature,
                list(self.outcomes),
                list(self.durations),
                self.duration_sum,
                list(self.lags),
                self.lag_sum,
            ]


_counts: dict[tuple[str, str], CallCounters] = {}
_lock = threading.Lock()


def call_counters_of(function: str, signature: str) -> CallCounters:
    """Return the numbers of a function; they outlive a reload."""
    with _lock:
        key = (function, signature)
        found = _counts.get(key)
        if found is None:
            found = _counts[key] = CallCounters(function, signature)
        return found


def read_call_counters() -> list[list[Any]]:
    """Return the numbers of every function that was called."""
    with _lock:
        known = tuple(_counts.values())
    return [each.read() for each in known if any(each.outcomes)]
