"""The log entries of an isolated function's call, on their way from its process to the console.

The process writes them to the log by itself. A copy goes to the host in the answer of the call, so
that the worker that made the call can show them. Of a process that ends during a call they are in
the log only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ffhost.host.console.call_store import DETAILS_OF_A_CALL
from ffhost.host.console.entry_record import LONGEST_TEXT
from ffhost.observability.logs.log_json import log_value_as_json

_MOST_BYTES = 256 * 1024
"""Most bytes of the entries of one call."""


class ProcessEntries:
    """The entries of the call that runs in this process, the first ones if there are many."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bytes = 0

    def take(self, fields: Mapping[str, Any]) -> None:
        """Keep an entry, if it belongs to a call."""
        if "execution_id" not in fields or len(self._lines) == DETAILS_OF_A_CALL:
            return
        line = log_value_as_json({str(name): _cut(value) for name, value in fields.items()})
        self._bytes += len(line)
        if self._bytes <= _MOST_BYTES:
            self._lines.append(line.decode())

    def take_all(self) -> list[str]:
        """Return what was kept since the last time, each as JSON."""
        lines, self._lines, self._bytes = self._lines, [], 0
        return lines


def _cut(value: Any) -> Any:
    return value[-LONGEST_TEXT:] if isinstance(value, str) else value


def read_process_entry(line: Any, function: str, execution_id: str) -> dict[str, Any]:
    """Return an entry that a process has sent; it belongs to the call that the host has made.

    Raises:
        ValueError: it is not an entry
    """
    entry = orjson.loads(line)
    if not isinstance(entry, dict):
        raise ValueError("a process has sent what is not a log entry")
    return {**entry, "function": function, "execution_id": execution_id}
