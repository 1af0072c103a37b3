"""functions-framework's own log formats, for functions that move here. Nothing here writes.

Both act in single-target mode without a file. Entries of ffhost itself have the fields of
the ``gcp`` profile; entries of user code have the original's format:

- ``LOG_EXECUTION_ID``: inside a call every print and record is a JSON object of ``message``,
  the label ``execution_id`` and the span of ``X-Cloud-Trace-Context``; text that is a JSON
  object itself gets these two added. Prints stay on their stream, records go to stderr and
  begin at WARNING. Outside calls text is passed on as it is.
- ``ENTRY_POINT`` (Python 3.7 on Cloud Functions): prints and records up to INFO are
  ``{"severity": "INFO", "message": ...}`` on stderr, all else the same with ``ERROR``.

Unlike in the original, ``print("a", "b")`` is one entry and not three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from ffhost.observability.logs.call_fields import log_fields_of_call
from ffhost.observability.logs.entries import INFO, WARNING, LogEntries, LogEvent
from ffhost.observability.logs.exception_fields import exception_log_fields
from ffhost.observability.logs.log_profiles import LABELS_FIELD, SPAN_FIELD
from ffhost.observability.logs.output import LogOutput

_TRUTHY = frozenset({"y", "yes", "t", "true", "on", "1"})
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_HOST_LOGGERS = ("ffhost", "gunicorn", "uvicorn")


class FrameworkLogFormats:
    """Which of the two formats are on; both may be."""

    __slots__ = ("entry_point", "execution_id")

    def __init__(self, *, execution_id: bool = False, entry_point: bool = False) -> None:
        self.execution_id = execution_id
        self.entry_point = entry_point

    def __bool__(self) -> bool:
        return self.execution_id or self.entry_point

    @property
    def level(self) -> str:
        """Return the level that the original sets on the root logger."""
        return "info" if self.entry_point else "warning"


def framework_log_formats(environ: Mapping[str, str]) -> FrameworkLogFormats:
    """Return the formats that the environment selects."""
    return FrameworkLogFormats(
        execution_id=environ.get("LOG_EXECUTION_ID") in _TRUTHY,
        entry_point=bool(environ.get("ENTRY_POINT")),
    )


class FrameworkLogEntries(LogEntries):
    """Entries in functions-framework's formats, always JSON; the rest as in `LogEntries`."""

    def __init__(
        self, legacy: FrameworkLogFormats, out: LogOutput, err: LogOutput, **options: Any
    ) -> None:
        super().__init__(out, **options)
        self.legacy = legacy
        self.err = err

    def rendered(self, event: LogEvent) -> bytes:
        """Return *event* as the original would have written it."""
        if _is_of_the_host(event.logger):
            return super().rendered(event)
        if self.hands_on:
            with suppress(Exception):  # a value of user code that cannot be read
                self.processors[0](None, "", event)
        text = event.message
        if event.error is not None:
            text = f"{text}\n{exception_log_fields(event.error, self.plain_name)['exception']}"
        text = self.mask.text(text)
        call = log_fields_of_call()
        if not (self.legacy.entry_point or call):
            return f"{text}\n".encode("utf-8", "backslashreplace")
        entry = _object(text) if self.legacy.execution_id else None
        entry = {"message": text} if entry is None else self.mask.value(entry)
        if self.legacy.entry_point:
            loud = event.level >= WARNING if event.stream is None else event.level > INFO
            entry = {"severity": "ERROR" if loud else "INFO", **entry}
        if self.legacy.execution_id:
            _add_call(entry, call)
        return self.fitted(entry)

    def printed(self, event: LogEvent) -> LogEvent:
        """Return *event*: the original reads printed objects in its own way."""
        return event

    def output_for(self, event: LogEvent) -> LogOutput:
        """Return the output that the original would have written to."""
        if _is_of_the_host(event.logger):
            return super().output_for(event)
        to_stdout = event.stream == "stdout" and not self.legacy.entry_point
        return self.out if to_stdout else self.err


def _is_of_the_host(logger: str) -> bool:
    return logger.partition(".")[0] in _HOST_LOGGERS


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if type(value) is dict else None


def _add_call(entry: dict[str, Any], call: Mapping[str, Any]) -> None:
    execution_id, span_id = call.get("execution_id"), call.get("span_id")
    if execution_id:
        labels = entry.get(LABELS_FIELD)
        known = labels if type(labels) is dict else {}
        entry[LABELS_FIELD] = {**known, "execution_id": execution_id}
    if span_id:
        # The header has the span as a decimal number, and so had the original's entries.
        hexadecimal = _SPAN_ID.fullmatch(str(span_id))
        entry[SPAN_FIELD] = str(int(span_id, 16)) if hexadecimal else span_id
