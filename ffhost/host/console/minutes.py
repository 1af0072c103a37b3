"""How often and how fast each function was called in the last minutes."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

MINUTES = 15
_SAMPLES = 200
"""Most durations of one minute that are kept; of further calls each eighth replaces one."""

Minute = list[Any]
"""Calls, errors, and durations in seconds."""
Known = dict[str, dict[int, Minute]]
"""By function and minute since the epoch."""


class ConsoleMinutes:
    """The numbers of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Known = {}

    def add(self, function: str, ended: float, seconds: float, failed: bool) -> None:
        """Count a call that ended at *ended*, in seconds since the epoch."""
        number = int(ended // 60)
        with self._lock:
            minutes = self._known.setdefault(function, {})
            minute = minutes.get(number)
            if minute is None:
                minute = minutes[number] = [0, 0, []]
                for old in [each for each in minutes if each <= number - MINUTES]:
                    del minutes[old]
            calls = minute[0]
            minute[0] = calls + 1
            minute[1] += failed
            if calls < _SAMPLES:
                minute[2].append(seconds)
            elif not calls & 7:
                minute[2][calls // 8 % _SAMPLES] = seconds

    def read(self) -> Known:
        """Return a copy."""
        with self._lock:
            return {
                name: {number: [each[0], each[1], list(each[2])] for number, each in known.items()}
                for name, known in self._known.items()
            }


def console_minutes_report(workers: Iterable[Known], function: str, now: float) -> dict[str, Any]:
    """Return the last minutes of *function* over all *workers*, the oldest first."""
    last = int(now // 60)
    known = [each[function] for each in workers if function in each]
    rows = [_row([each[n] for each in known if n in each]) for n in _numbers(last)]
    first = next((index for index, row in enumerate(rows) if row is not None), len(rows))
    return {"minutes": rows[first:]}


def _numbers(last: int) -> range:
    return range(last - MINUTES + 1, last + 1)


def _row(minutes: list[Minute]) -> dict[str, Any] | None:
    if not minutes:
        return None
    samples = sorted(each for minute in minutes for each in minute[2])
    return {
        "p50_ms": round(1000 * samples[len(samples) // 2], 3),
        "p99_ms": round(1000 * samples[min(len(samples) - 1, len(samples) * 99 // 100)], 3),
        "calls": sum(minute[0] for minute in minutes),
        "errors": sum(minute[1] for minute in minutes),
    }
