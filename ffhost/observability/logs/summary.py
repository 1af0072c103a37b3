"""Summary entries: one per call, built without structlog for speed. Nothing here waits.

structlog and `logging` take tens of microseconds for an entry, which halves what a small
function can serve. The fields of a summary are known when its function is loaded, so it is
one dictionary and one call of orjson, and it is buffered so that one write sends many of them.
A test compares it with an entry that was made by structlog, in every profile.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import orjson

from ffhost.observability.logs.entries import INFO, WARNING, LogEntries, log_timestamp
from ffhost.observability.logs.log_json import log_text_on_one_line, log_value_as_json
from ffhost.observability.logs.log_profiles import default_log_profile

LOGGER = "ffhost.invocations"
MESSAGE = "invocation"

# A crash and a timeout have an entry of their own at ERROR, with the stack.
_AT_INFO = ("ok", "client_error", "duplicate", "cancelled")
_MAY_BE_UNKNOWN = (
    *("execution_id", "trace_id", "span_id", "config_revision"),
    *(
        "request_bytes",
        "response_bytes",
        "event_id",
        "event_type",
        "principal",
        "schedule",
        "caller",
    ),
)


class SummaryRecorder(Protocol):
    """Writes the summary of one call.

    Args:
        method: of the request
        path: of the request, without the query
        status: of the answer as it was sent; None if none was
        outcome: as in `ffhost.Outcome`
        duration_seconds: from the request's arrival to the answer's last byte
        request_bytes, response_bytes: of the bodies; None where unknown
        execution_id, trace_id, span_id: of the call; None where there is none
        event_id, event_type: of the event that the call was about
        principal: the name of the caller; None if it is not logged
        schedule: the times of the schedule that made the call
        caller: the function that made the call by name
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
        principal: str | None = None,
        schedule: str | None = None,
        caller: str | None = None,
    ) -> None:
        """Write the summary."""


def make_summary_recorder(
    function: str, signature: str, entries: LogEntries
) -> SummaryRecorder | None:
    """Return the writer of summaries of *function*, or None if the level disables them."""
    threshold = logging.getLogger(LOGGER).getEffectiveLevel()
    if threshold > WARNING:
        return None
    revision = entries.revision or None
    reshape = None if entries.shape is default_log_profile else entries.shape
    plainly = entries.renders_json
    longest = entries.max_entry_bytes
    warned = (entries.out if entries.errors is None else entries.errors, "WARNING")
    informed = None if threshold > INFO else (entries.out, "INFO")
    ways = dict.fromkeys(_AT_INFO, informed)

    def make(facts: tuple[Any, ...]) -> bytes:
        when, severity, execution_id, trace_id, span_id, called, event, by = facts
        method, path, status, outcome, seconds, request_bytes, response_bytes = called
        # All fields at once, then unknown ones are removed: growing a dictionary costs more.
        entry: dict[str, Any] = {
            "timestamp": log_timestamp(when),
            "severity": severity,
            "message": MESSAGE,
            "logger": LOGGER,
            "function": function,
            "execution_id": execution_id,
            "trace_id": trace_id,
            "span_id": span_id,
            "config_revision": revision,
            "signature": signature,
            "method": method,
            "path": path,
            "status": status,
            "outcome": outcome,
            "duration_seconds": round(seconds, 6),
            "request_bytes": request_bytes,
            "response_bytes": response_bytes,
            "event_id": event[0],
            "event_type": event[1],
            "principal": by[0],
            "schedule": by[1],
            "caller": by[2],
        }
        for name in _MAY_BE_UNKNOWN:
            if entry[name] is None:
                del entry[name]
        if reshape is not None:
            entry = reshape(entry)
        line = _line(entry) if plainly else entries.fitted(entry)
        return line if len(line) <= longest else entries.fitted(entry)

    write = None
    if plainly and reshape is None and longest >= _LONGEST:
        write = _template(function, signature, revision)

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
        principal: str | None = None,
        schedule: str | None = None,
        caller: str | None = None,
    ) -> None:
        way = ways.get(outcome, warned)
        if way is None:
            return
        out, severity = way
        if (
            write is not None
            and principal is schedule is caller is None
            and (event_id is event_type is None or _is_short_event(event_id, event_type))
            and status is not None
            and request_bytes is not None
            and response_bytes is not None
            and execution_id is not None
            and len(path) <= _LONGEST_TEXT
        ):
            place = _place(method, path)
            if place:
                out.hold(
                    write,
                    (
                        time.time(),
                        severity,
                        execution_id,
                        trace_id,
                        span_id,
                        place,
                        status,
                        outcome,
                        duration_seconds,
                        request_bytes,
                        response_bytes,
                        event_id,
                        event_type,
                    ),
                )
                return
        called = (method, path, status, outcome, duration_seconds, request_bytes, response_bytes)
        ids = (execution_id, trace_id, span_id)
        event, by = (event_id, event_type), (principal, schedule, caller)
        facts = (time.time(), severity, *ids, called, event, by)
        out.hold(make, facts)
        if not plainly:  # console entries are not buffered
            out.flush()

    return record


def _template(
    function: str, signature: str, revision: str | None
) -> Callable[[tuple[Any, ...]], bytes]:
    """Return what writes the entries of ordinary calls of *function*.

    They differ in a few values only. To write these into a text takes half the time of a
    dictionary and its encoding.
    """
    head = f'"message":"{MESSAGE}","logger":"{LOGGER}","function":{_quoted(function)}'
    heads = {
        severity: f'","severity":"{severity}",{head},"execution_id":"'
        for severity in ("INFO", "WARNING")
    }
    kind = "" if revision is None else f'"config_revision":{_quoted(revision)},'
    kind += f'"signature":{_quoted(signature)},'

    def write(facts: tuple[Any, ...]) -> bytes:
        (
            when,
            severity,
            execution_id,
            trace_id,
            span_id,
            place,
            status,
            outcome,
            seconds,
            request_bytes,
            response_bytes,
            event_id,
            event_type,
        ) = facts
        # Ids are made or checked by `ffhost.invocation.ids`: none needs an escape.
        trace = "" if trace_id is None else f'"trace_id":"{trace_id}",'
        if span_id is not None:
            trace += f'"span_id":"{span_id}",'
        event = ""
        if event_id is not None:
            event = f',"event_id":{_quoted(event_id)},"event_type":{_quoted(event_type)}'
        return (
            f'{{"timestamp":"{log_timestamp(when)}{heads[severity]}{execution_id}",{trace}{kind}'
            f'{place},"status":{status},"outcome":"{outcome}","duration_seconds":{seconds:.6f},'
            f'"request_bytes":{request_bytes},"response_bytes":{response_bytes}{event}}}\n'
        ).encode()

    return write


_LONGEST = 4096
"""No entry of a template is longer: names, ids, paths and numbers are bounded."""
_LONGEST_TEXT = 256
"""How long the path may be, and id and type of an event together."""
_LONGEST_METHOD = 32


def _is_short_event(event_id: Any, event_type: Any) -> bool:
    return (
        event_id.__class__ is event_type.__class__ is str
        and len(event_id) + len(event_type) <= _LONGEST_TEXT
        and event_id.isascii()
        and event_type.isascii()
    )


@lru_cache(1024)
def _place(method: str, path: str) -> str:
    """Return method and path as JSON; nothing if they need more than ASCII."""
    if len(method) > _LONGEST_METHOD or not (method + path).isascii():
        return ""
    return f'"method":{_quoted(method)},"path":{_quoted(path)}'


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _line(entry: dict[str, Any]) -> bytes:
    try:
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        return line if line.isascii() else log_text_on_one_line(line)
    except orjson.JSONEncodeError:  # a path that is not UTF-8
        return log_value_as_json(entry) + b"\n"
