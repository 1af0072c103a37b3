"""A log entry as the console shows it. What is secret was masked for the log already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.observability.logs.log_json import plain_log_value

_KNOWN = frozenset(
    {"timestamp", "severity", "message", "logger", "function", "execution_id", "trace_id"}
    | {"span_id", "config_revision", "exception", "exception_type", "exception_message"}
)
LONGEST_TEXT = 32 * 1024
"""Most characters of one text of an entry."""


def console_entry_record(entry: Mapping[str, Any], mask: ConsoleMessageMask) -> dict[str, Any]:
    """Return an entry of a call, as `ffhost.observability.logs.entries` puts it together."""
    fields = {
        str(name): plain_log_value(value) for name, value in entry.items() if name not in _KNOWN
    }
    exception = entry.get("exception")
    return {
        "kind": "entry",
        "key": str(entry["execution_id"]),
        "function": entry.get("function"),
        "entry": {
            "time": entry["timestamp"],
            "level": str(entry["severity"]).lower(),
            "event": mask.text(str(entry["message"])[:LONGEST_TEXT]),
            "logger": entry["logger"],
            "fields": {name: _cut(value) for name, value in mask.fields(fields).items()},
            "exception": None if exception is None else mask.text(str(exception)[-LONGEST_TEXT:]),
        },
    }


def _cut(value: Any) -> Any:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
