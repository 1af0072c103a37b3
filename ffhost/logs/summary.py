"""One entry per call, made by hand. Nothing here waits, and nothing here knows Falcon.

structlog and `logging` take tens of microseconds for an entry, which halves what a small
function can serve. The fields of a summary are known when its function is loaded, so it is
one dictionary and one call of orjson, and it is held back so that many go out in one write.
A test holds it equal to what the long way gives, in every profile.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

import orjson

from ffhost.logs.entries import INFO, WARNING, Entries, rfc3339
from ffhost.logs.profiles import default
from ffhost.logs.values import on_one_line, to_json

LOGGER = "ffhost.invocations"
MESSAGE = "invocation"

# A crash and a timeout have an entry of their own at ERROR, with the stack.
_LEVELS = {"ok": INFO, "client_error": INFO}


class Recorder(Protocol):
    """Writes the summary of one call.

    Args:
        method: of the request
        path: of the request, without the query
        status: of the answer as it was sent; None if none was
        outcome: ``ok``, ``client_error``, ``crash``, ``timeout`` or ``rejected``
        duration_seconds: from the request's arrival to the answer's last byte
        request_bytes, response_bytes: of the bodies; None where unknown
        execution_id, trace_id, span_id: of the call; None where there is none
        event_id, event_type: of the event that the call was about
    """

    def __call__(
        self,
        method: str,
        path: str,
        status: int | None,
        outcome: str,
        duration_seconds: float,
        request_bytes: int | None = None,
        response_bytes: int | None = None,
        execution_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        event_id: str | None = None,
        event_type: str | None = None,
    ) -> None:
        """Write the summary."""


def recorder(function: str, signature: str, entries: Entries) -> Recorder | None:
    """Give what writes the summaries of *function*, or None if no level lets them through."""
    threshold = logging.getLogger(LOGGER).getEffectiveLevel()
    if threshold > WARNING:
        return None
    revision = entries.revision
    reshape = None if entries.shape is default else entries.shape
    plainly = entries.renders_json
    longest = entries.max_entry_bytes
    hold = entries.out.hold if plainly else entries.out.write
    hold_warning = hold
    if entries.errors is not None:
        hold_warning = entries.errors.hold if plainly else entries.errors.write

    def record(
        method: str,
        path: str,
        status: int | None,
        outcome: str,
        duration_seconds: float,
        request_bytes: int | None = None,
        response_bytes: int | None = None,
        execution_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        event_id: str | None = None,
        event_type: str | None = None,
    ) -> None:
        level = _LEVELS.get(outcome, WARNING)
        if level < threshold:
            return
        entry: dict[str, Any] = {
            "timestamp": rfc3339(time.time()),
            "severity": "INFO" if level == INFO else "WARNING",
            "message": MESSAGE,
            "logger": LOGGER,
            "function": function,
        }
        if execution_id is not None:
            entry["execution_id"] = execution_id
        if trace_id is not None:
            entry["trace_id"] = trace_id
        if span_id is not None:
            entry["span_id"] = span_id
        if revision:
            entry["config_revision"] = revision
        entry["signature"] = signature
        entry["method"] = method
        entry["path"] = path
        entry["status"] = status
        entry["outcome"] = outcome
        entry["duration_seconds"] = round(duration_seconds, 6)
        if request_bytes is not None:
            entry["request_bytes"] = request_bytes
        if response_bytes is not None:
            entry["response_bytes"] = response_bytes
        if event_id is not None:
            entry["event_id"] = event_id
        if event_type is not None:
            entry["event_type"] = event_type
        if reshape is not None:
            entry = reshape(entry)
        line = _line(entry) if plainly else entries.fitted(entry)
        if len(line) > longest:
            line = entries.fitted(entry)
        if level == INFO:
            hold(line)
        else:
            hold_warning(line)

    return record


def _line(entry: dict[str, Any]) -> bytes:
    try:
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        return line if line.isascii() else on_one_line(line)
    except orjson.JSONEncodeError:  # a path that is not UTF-8
        return to_json(entry) + b"\n"
