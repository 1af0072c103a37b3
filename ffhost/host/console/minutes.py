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
    """The numbers of one worker.

    Calls are counted without a lock, since this is done for every call of a host: when two threads
    count at the same moment one count may be lost, which no plot shows.

    Args:
        now: seconds since the epoch
    """

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._past: Known = {}
        self._number = int(now // 60)
        self._present: dict[str, Minute] = {}

    def add(self, function: str, seconds: float, failed: bool) -> None:
        """Count a call that has just ended."""
        minute = self._present.get(function)
        if minute is None:
            minute = self._present.setdefault(function, [0, 0, []])
        calls = minute[0]
        minute[0] = calls + 1
        if failed:
            minute[1] += 1
        if calls < _SAMPLES:
            minute[2].append(seconds)
        elif not calls & 7:
            minute[2][calls // 8 % _SAMPLES] = seconds

    def turn(self, now: float) -> None:
        """Begin a new minute if it is time; called some times a second."""
        number = int(now // 60)
        with self._lock:
            if number == self._number:
                return
            present, self._present = self._present, {}
            for name, minute in present.items():
                self._past.setdefault(name, {})[self._number] = minute
            self._number = number
            for minutes in self._past.values():
                for old in [each for each in minutes if each <= number - MINUTES]:
                    del minutes[old]

    def read(self) -> Known:
        """Return a copy."""
        with self._lock:
            found = {name: {**minutes} for name, minutes in self._past.items()}
            for name, minute in self._present.copy().items():
                found.setdefault(name, {})[self._number] = minute
        return {
            name: {number: [each[0], each[1], list(each[2])] for number, each in minutes.items()}
            for name, minutes in found.items()
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
