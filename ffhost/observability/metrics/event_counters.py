"""Counters of one process for the events that arrived at the address for events."""

from __future__ import annotations

import threading
from typing import Final, TypeAlias

TYPES_LIMIT: Final = 200
"""Most event types that are counted separately: senders could invent any number."""
OTHER: Final = "other"
"""Stands for all further types."""

Row: TypeAlias = list[str | int]
"""What was counted, the function or an empty text, the type, and how often."""


class EventCounters:
    """The numbers of one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._types: set[str] = set()
        self._numbers: dict[tuple[str, str, str], int] = {}

    def received(self, kind: str, *, matched: bool) -> None:
        """Count an event of the type *kind*, and whether any function wanted it."""
        self._add("matched" if matched else "unmatched", "", kind)

    def delivered(self, function: str, kind: str, *, taken: bool) -> None:
        """Count an event of the type *kind* that *function* was called with."""
        self._add("delivered" if taken else "failed", function, kind)

    def read(self) -> list[Row]:
        """Return all numbers."""
        with self._lock:
            return [[*key, number] for key, number in self._numbers.items()]

    def _add(self, what: str, function: str, kind: str) -> None:
        with self._lock:
            if kind not in self._types and len(self._types) >= TYPES_LIMIT:
                kind = OTHER
            self._types.add(kind)
            key = (what, function, kind)
            self._numbers[key] = self._numbers.get(key, 0) + 1


event_counts = EventCounters()
"""Those of this process; they outlive a reload."""
