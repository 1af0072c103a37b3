"""The recent calls of all workers, with their log entries and spans: bounded and masked.

What is kept are lines of JSON in the form in which workers share them. Each line is one thing:
a call, a log entry or a span.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import orjson

CALLS = 500
"""Most calls that are kept."""
KEPT_BYTES = 8 * 1024 * 1024
"""Most bytes of calls, as many of log entries, and as many of spans; as lines of JSON."""
DETAILS_OF_A_CALL = 200
"""Most log entries, and as many spans, of one execution id."""
_EXECUTIONS = 2 * CALLS

Line = dict[str, Any]


class _Bounded:
    """Lines by key, the oldest first; keys are dropped when they are too many or too large."""

    def __init__(self, most: int, most_each: int, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._most_each, self._most_bytes = most, most_each, most_bytes
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        self.lines: OrderedDict[str, list[Line]] = OrderedDict()

    def add(self, key: str, line: Line, size: int) -> None:
        """Keep *line* under *key*."""
        found = self.lines.setdefault(key, [])
        if len(found) >= self._most_each:
            return
        found.append(line)
        self._sizes[key] = self._sizes.get(key, 0) + size
        self._bytes += size
        while len(self.lines) > self._most or self._bytes > self._most_bytes:
            old, _ = self.lines.popitem(last=False)
            self._bytes -= self._sizes.pop(old)


class ConsoleCallStore:
    """Calls by id, in the order in which they were learned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = _Bounded(CALLS, 1)
        self._entries = _Bounded(_EXECUTIONS, DETAILS_OF_A_CALL)
        self._spans = _Bounded(_EXECUTIONS, DETAILS_OF_A_CALL)
        self._number = 0
        self.dropped = 0
        """Calls of this worker that were too many to be kept."""

    def add(self, line: bytes) -> None:
        """Keep what a line says."""
        value: Line = orjson.loads(line)
        kind, size = value["kind"], len(line)
        with self._lock:
            if kind == "call":
                self._number += 1
                value["number"] = self._number
                self._calls.add(value["call"]["id"], value, size)
            else:
                kept = self._entries if kind == "entry" else self._spans
                kept.add(value["key"], value, size)

    @property
    def number(self) -> int:
        """Return the number of the last call that was learned."""
        return self._number

    def since(self, number: int) -> list[Line]:
        """Return the calls that were learned after the one with *number*, the oldest first."""
        with self._lock:
            found = []
            for lines in reversed(self._calls.lines.values()):
                if lines[0]["number"] <= number:
                    break
                found.append(lines[0])
        return found[::-1]

    def newest(self) -> Iterator[Line]:
        """Return all calls, those that ended last first."""
        with self._lock:
            found = [lines[0] for lines in self._calls.lines.values()]
        return iter(sorted(found, key=lambda each: -float(each["order"])))

    def find(self, identity: str) -> Line | None:
        """Return the call with the id, or the last one with that execution id; None for none."""
        with self._lock:
            found = self._calls.lines.get(identity)
        if found is not None:
            return found[0]
        return next((each for each in self.newest() if each["execution_id"] == identity), None)

    def entries(self, call: Line) -> list[Line]:
        """Return the log entries of a call."""
        name = call["call"]["function"]
        return [
            each["entry"]
            for each in self._of(self._entries, call["execution_id"])
            if each["function"] in (None, name)
        ]

    def spans(self, call: Line) -> list[Line]:
        """Return the spans of the trace of a call."""
        trace = call["trace_id"]
        return [] if trace is None else [each["span"] for each in self._of(self._spans, trace)]

    def family(self, call: Line) -> list[Line]:
        """Return the calls of the same execution id, the call itself among them."""
        return [each for each in self.newest() if each["execution_id"] == call["execution_id"]]

    def _of(self, kept: _Bounded, key: str) -> list[Line]:
        with self._lock:
            return list(kept.lines.get(key, ()))
