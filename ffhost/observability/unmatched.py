"""Log entries and numbers of requests that no function was called for: 404 and 405.

Anybody can send any number of them, so entries are bounded: a few a second are written, and the
next one says how many were left out.
"""

from __future__ import annotations

import threading
import time

from ffhost.config import LoadedConfig
from ffhost.invocation.logger import get_logger
from ffhost.web.messages import Message

ENTRIES_A_SECOND = 10
"""Enough to see what is asked for, and less than 3 MB of entries an hour."""


class UnmatchedRequestCounters:
    """How often a status was answered; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}

    def add(self, status: int) -> None:
        """Count one answer."""
        with self._lock:
            self._numbers[str(status)] = self._numbers.get(str(status), 0) + 1

    def read(self) -> dict[str, int]:
        """Return all numbers, by status."""
        with self._lock:
            return dict(self._numbers)


unmatched_counts = UnmatchedRequestCounters()
"""Those of this process; they outlive a reload."""


class LogEntryLimit:
    """Lets a few entries through in each second, and counts the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._written = 0
        self._left_out = 0

    def admit(self, second: int) -> int | None:
        """Return how many entries were left out before this one; None to leave it out, too."""
        with self._lock:
            if second != self._second:
                self._second, self._written = second, 0
            if self._written >= ENTRIES_A_SECOND:
                self._left_out += 1
                return None
            self._written += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


class UnmatchedRequestLog:
    """Logs and counts the requests that match no function of one host."""

    def __init__(self, config: LoadedConfig) -> None:
        settings = config.settings
        self._logs = settings.logging.invocations
        self._counts = settings.admin.enabled and settings.metrics.enabled
        self._limit = LogEntryLimit()

    def report(self, message: Message, status: int, execution_id: str) -> None:
        """Report that *message* was answered with *status*, without a call."""
        if self._counts:
            unmatched_counts.add(status)
        if not self._logs:
            return
        left_out = self._limit.admit(int(time.monotonic()))
        if left_out is None:
            return
        get_logger("ffhost.requests").info(
            "unmatched",
            method=message.method,
            path=message.path,
            status=status,
            outcome="unmatched",
            execution_id=execution_id,
            **({"left_out": left_out} if left_out else {}),
        )
