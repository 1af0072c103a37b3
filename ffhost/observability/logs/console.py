"""Entries for people at a terminal. Nothing here writes or knows where an entry goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ffhost.observability.logs.json_encoder import plain

# Useful for searching many entries, not for reading a few.
_UNSEEN = ("config_revision", "trace_id", "span_id", "exception_type", "exception_message")
_LINES = frozenset({"message", "exception", "stack"})
"""Fields that are shown on lines of their own."""


def wants_colours(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether *descriptor* is a terminal whose user has not set ``NO_COLOR``."""
    return is_terminal(descriptor) and not environ.get("NO_COLOR")


def is_terminal(descriptor: int) -> bool:
    """Whether *descriptor* is open and a terminal."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def console_renderer(colours: bool) -> Callable[[Mapping[str, Any]], bytes]:
    """Return a function that renders an entry, in the names of the default profile, as text."""
    from structlog.dev import ConsoleRenderer, plain_traceback

    renderer = ConsoleRenderer(
        colors=colours,
        event_key="message",
        timestamp_key="timestamp",
        exception_formatter=plain_traceback,
        sort_keys=False,
    )

    def render(entry: Mapping[str, Any]) -> bytes:
        seen: dict[str, Any] = plain({k: v for k, v in entry.items() if k not in _UNSEEN})
        seen["timestamp"] = _time_of_day(str(seen.get("timestamp", "")))
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
    if "outcome" in seen and "duration_seconds" in seen:  # the summary of a call
        method, path = seen.pop("method", ""), seen.pop("path", "")
        took = f"{float(seen.pop('duration_seconds')) * 1000:.1f} ms"
        return _visible(f"{method} {path} {seen.pop('status', '')} in {took}")
    return _visible(str(seen.get("message", "")))


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
