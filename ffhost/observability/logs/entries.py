"""Conversion of events into entries: fields in, a line out.

`logging`, structlog, `print`, the hooks for uncaught exceptions and the host itself all call
this. Each entry runs through processors in structlog's sense.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ffhost.config.mask import HIDDEN, PLAIN, SecretMask
from ffhost.observability.logs import truncation
from ffhost.observability.logs.call_fields import log_fields_of_call, structlog_fields
from ffhost.observability.logs.exception_fields import exception_log_fields
from ffhost.observability.logs.log_json import log_value_as_json, log_value_as_text, plain_log_value
from ffhost.observability.logs.log_profiles import Shape, default_log_profile, log_field_names
from ffhost.observability.logs.output import LogOutput
from ffhost.observability.logs.printed_objects import read_printed_log_entry

DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

_SCALARS = frozenset({type(None), bool, int, float, datetime, date})
_OF_THE_CALL = ("function", "execution_id", "trace_id", "span_id")
_HOST_FIELDS = log_field_names(
    "timestamp", "logger", "config_revision", "trace_sampled", *_OF_THE_CALL
)

Processor = Callable[[Any, str, Any], Any]
Render = Callable[[Mapping[str, Any]], bytes]


class LogEvent:
    """An event to log, from its source.

    Args:
        level: a number of the standard library's ``logging``
        logger: the name of the logger as it is shown
        message: what happened; may hold newlines
        fields: what was bound or given with it, in any form
        error: the exception it is about
        when: seconds since the epoch; None: now
        stream: the standard stream that the text was written to, for what was printed
    """

    __slots__ = ("error", "fields", "level", "logger", "message", "stream", "when")

    def __init__(
        self,
        level: int,
        logger: str,
        message: str,
        fields: Mapping[str, Any] | None = None,
        error: BaseException | None = None,
        when: float | None = None,
        stream: str | None = None,
    ) -> None:
        self.level = level
        self.logger = logger
        self.message = message
        self.fields = fields if fields is not None else {}
        self.error = error
        self.when = time.time() if when is None else when
        self.stream = stream


def json_log_line(entry: Mapping[str, Any]) -> bytes:
    """Render a shaped entry as a line of JSON."""
    return log_value_as_json(entry) + b"\n"


class LogEntries:
    """Converts events into lines and writes each to its output.

    Args:
        out: where entries go
        errors: where entries of WARNING and above go; None: to *out* as well
        shape: the profile
        render: makes the line of a shaped entry
        max_entry_bytes: the longest that a line may be
        revision: of the configuration; empty: not shown
        plain_name: returns the name to show for a private module name
        mask: says which values are masked
    """

    def __init__(
        self,
        out: LogOutput,
        *,
        errors: LogOutput | None = None,
        shape: Shape = default_log_profile,
        render: Render = json_log_line,
        max_entry_bytes: int = 256 * 1024,
        revision: str = "",
        plain_name: Callable[[str], str] = str,
        mask: SecretMask = PLAIN,
    ) -> None:
        self.out = out
        self.errors = errors
        self.shape = shape
        self.render = render
        self.max_entry_bytes = max_entry_bytes
        self.revision = revision
        self.plain_name = plain_name
        self.mask = mask
        self.own_mask = mask.showing("signature")  # of a function, in the host's own entries
        self.hands_on = False
        self.processors: Sequence[Processor] = (self._collect, self._shape, self._render)

    @property
    def renders_json(self) -> bool:
        """Whether entries are JSON; console entries are not buffered."""
        return self.render is json_log_line

    def hand_on(self, take: Callable[[Mapping[str, Any]], None] | None) -> None:
        """Send the fields of every entry to *take* too, masked and not yet shaped."""

        def collect(logger: Any, method: str, event: LogEvent) -> dict[str, Any]:
            entry = self._collect(logger, method, event)
            take(entry)  # type: ignore[misc]
            return entry

        self.hands_on = take is not None
        first = self._collect if take is None else collect
        self.processors = (first, *self.processors[1:])

    def emit(self, event: LogEvent) -> None:
        """Write *event*; the parts that cannot be rendered are left out."""
        self.output_for(event).write(self.rendered(event))

    def rendered(self, event: LogEvent) -> bytes:
        """Return *event* as the line that `emit` writes."""
        try:
            entry: Any = event
            for process in self.processors:
                entry = process(None, "", entry)
            line: bytes = entry
        except Exception as failure:
            line = self._remains(event, failure)
        return line

    def printed(self, event: LogEvent) -> LogEvent:
        """Return what was printed as the entry that it describes, if it is one JSON object.

        What tells entries apart, the time, the logger, the function, its ids and the trace, stays
        the host's.
        """
        found = read_printed_log_entry(event.message)
        if found is None:
            return event
        level, message, given = found
        fields = {
            f"{name}_" if name in _HOST_FIELDS else name: value for name, value in given.items()
        }
        return LogEvent(level, event.logger, message, fields, when=event.when, stream=event.stream)

    def output_for(self, event: LogEvent) -> LogOutput:
        """Return the output for the event's severity."""
        if self.errors is not None and event.level >= WARNING:
            return self.errors
        return self.out

    def _collect(self, logger: Any, method: str, event: LogEvent) -> dict[str, Any]:
        """Put the fields of the entry together: the event's, the call's, what was bound."""
        call = log_fields_of_call()
        entry: dict[str, Any] = {
            "timestamp": log_timestamp(event.when),
            "severity": log_severity(event.level),
            "message": self.mask.text(event.message),
            "logger": event.logger,
        }
        for name in _OF_THE_CALL:
            value = call.get(name)
            if value is not None:
                entry[name] = value
        if self.revision:
            entry["config_revision"] = self.revision
        for name, value in call.items():
            if value is not None and name not in entry:
                entry[name] = value
        reserved = frozenset(entry)
        mask = self.own_mask if event.logger.startswith("ffhost") else self.mask
        for fields in (structlog_fields(), event.fields):
            for name, value in fields.items():
                if name not in reserved:
                    entry[name] = _masked(name, value, mask)
                elif not _same_text(value, entry[name]):
                    entry[f"{name}_"] = _masked(
                        name, value, mask
                    )  # our field is kept, the user's is renamed
        if event.error is not None:
            described = exception_log_fields(event.error, self.plain_name)
            entry.update((name, self.mask.text(text)) for name, text in described.items())
        return entry

    def _shape(self, logger: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
        return self.shape(entry)

    def _render(self, logger: Any, method: str, entry: dict[str, Any]) -> bytes:
        return self.fitted(entry)

    def fitted(self, entry: Mapping[str, Any]) -> bytes:
        """Render a shaped entry, cut to the longest that an entry may be."""
        return truncation.fit_log_entry(
            entry, self.render(entry), self.max_entry_bytes, self.render
        )

    def _remains(self, event: LogEvent, failure: Exception) -> bytes:
        return self.render(
            {
                "timestamp": log_timestamp(event.when),
                "severity": log_severity(event.level),
                "message": self.mask.text(event.message)[:1000],
                "logger": event.logger,
                "logging_error": f"{type(failure).__name__}: {log_value_as_text(failure)}"[:1000],
            }
        )


def _masked(name: Any, value: Any, mask: SecretMask) -> Any:
    """Return the value of a field, masked."""
    if mask.hides(str(name)):
        return None if value is None else HIDDEN
    if type(value) is str:
        return mask.text(value)
    return value if type(value) in _SCALARS else mask.value(plain_log_value(value))


def _same_text(one: Any, other: Any) -> bool:
    return type(one) is str and type(other) is str and one == other


def log_severity(level: int) -> str:
    """Return the name of *level*; one between two names gets the lower."""
    if level >= CRITICAL:
        return "CRITICAL"
    if level >= ERROR:
        return "ERROR"
    if level >= WARNING:
        return "WARNING"
    return "INFO" if level >= INFO else "DEBUG"


_second: tuple[int, str] = (0, "1970-01-01T00:00:00")
"""The second of the last entry, and how it is written."""


def log_timestamp(when: float) -> str:
    """Return *when* (seconds since the epoch) in UTC with microseconds."""
    global _second
    whole, text = _second
    rest = when - whole
    if not 0.0 <= rest < 1.0:
        whole = int(when)
        rest = when - whole
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return "%s.%06dZ" % (text, rest * 1_000_000)  # noqa: UP031 (a format string takes longer)
