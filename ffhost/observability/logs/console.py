"""Entries for people at a terminal. Nothing here writes or knows where an entry goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ffhost.observability.logs.log_json import plain_log_value

# Useful for searching many entries, not for reading a few.
_UNSEEN = ("config_revision", "trace_id", "span_id", "exception_type", "exception_message")
_FINE = frozenset({"ok", "client_error", "unmatched"})
"""Outcomes of calls in which the function did what it should."""
_TOOK = "duration_seconds"
_LINES = frozenset({"message", "exception", "stack"})
"""Fields that are shown on lines of their own."""


def console_log_renderer(
    colours: bool, *, terse: bool = False
) -> Callable[[Mapping[str, Any]], bytes]:
    """Return a function that renders an entry, in the names of the default profile, as text.

    Args:
        terse: show no more of a call than its line, unless it went wrong
    """
    from structlog.dev import ConsoleRenderer, plain_traceback

    renderer = ConsoleRenderer(
        colors=colours,
        event_key="message",
        timestamp_key="timestamp",
        exception_formatter=plain_traceback,
        sort_keys=False,
    )

    def render(entry: Mapping[str, Any]) -> bytes:
        seen: dict[str, Any] = plain_log_value({k: v for k, v in entry.items() if k not in _UNSEEN})
        seen["timestamp"] = _time_of_day(str(seen.get("timestamp", "")))
        if terse and seen.get("outcome") in _FINE:
            return f"{seen['timestamp']} {_summary(seen)}\n".encode("utf-8", "backslashreplace")
        seen["level"] = str(seen.pop("severity", "info")).lower()
        seen["message"] = _message(seen)
        for key in ("exception", "stack"):
            if key in seen:
                seen[key] = _visible(str(seen[key]))
        below = _below(seen)
        text = renderer(None, seen["level"], seen)
        return f"{text}\n{below}".encode("utf-8", "backslashreplace")

    return render


def _below(seen: dict[str, Any]) -> str:
    """Remove multi-line values from *seen*, and return them indented, for below the entry."""
    blocks = []
    for key in [key for key, value in seen.items() if key not in _LINES and _is_long(value)]:
        lines = _visible(seen.pop(key)).rstrip("\n").replace("\n", "\n    ")
        blocks.append(f"  {_visible(key)}:\n    {lines}\n")
    return "".join(blocks)


def _is_long(value: object) -> bool:
    return isinstance(value, str) and "\n" in value


def _message(seen: dict[str, Any]) -> str:
    if "outcome" in seen and "status" in seen:
        return _summary(seen)
    return _visible(str(seen.get("message", "")))


def _summary(seen: dict[str, Any]) -> str:
    """Return the summary of a call in one line, and remove from *seen* what it says."""
    method, path, status = (str(seen.pop(name, "")) for name in ("method", "path", "status"))
    took = f"  {float(seen.pop(_TOOK)) * 1000:.1f} ms" if _TOOK in seen else ""
    return _visible(f"{method:<4} {path}  {status}{took}")


def _visible(text: str) -> str:
    """Show control characters, with which a message could move the cursor, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode()
        for one in text
    )


def _time_of_day(timestamp: str) -> str:
    try:
        moment = datetime.fromisoformat(timestamp).astimezone()
    except ValueError:
        return timestamp
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
