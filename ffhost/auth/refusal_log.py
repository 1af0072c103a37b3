"""Which refusals are logged: one a second for each reason, so that nobody can fill the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from ffhost.auth.refusals import CallerRefusal

Write: TypeAlias = Callable[[CallerRefusal, str, int], None]
"""Write one entry: the refusal, the function's name, and how many like it were left out."""

INTERVAL = 1.0
"""Seconds between two entries of the same reason."""


class AuthRefusalReports:
    """Lets through what is to be logged."""

    def __init__(self, write: Write, interval: float = INTERVAL) -> None:
        self._write = write
        self._interval = interval
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def report(self, refusal: CallerRefusal, function: str, now: float) -> None:
        """Log *refusal*, or count it for the next entry of its reason."""
        reason = refusal.reason
        with self._lock:
            if now < self._next.get(reason, now):
                self._left_out[reason] = self._left_out.get(reason, 0) + 1
                return
            self._next[reason] = now + self._interval
            left_out = self._left_out.pop(reason, 0)
        self._write(refusal, function, left_out)
