"""The handler through which `logging` and structlog become entries. Nothing here renders.

A structlog logger passes its event through the logger of the same name in `logging`, so
that one set of levels holds for both and other handlers see both.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from ffhost.observability.logs.entries import LogEntries, LogEvent
from ffhost.observability.logs.log_json import log_value_as_text, log_value_repr, plain_log_value

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_EVENT = "_ffhost_event"
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    _EVENT,
}


class LogEntryHandler(logging.Handler):
    """Converts every record into an entry; the only handler that ffhost installs.

    It takes no lock of its own: the output keeps lines whole, and a record that is
    made while another is rendered must not wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: LogEntries | None = None

    def createLock(self) -> None:
        """Skip the lock that `logging` holds around `emit`."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit *record* if the filters let it pass; from Python 3.13 on `logging` needs a lock."""
        kept: object = self.filter(record)
        if isinstance(kept, logging.LogRecord):  # from Python 3.12 on, filters may replace it
            record = kept
        if kept:
            self.emit(record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* as an entry."""
        entries = self.entries
        if entries is not None:
            entries.emit(log_event_of(record, entries))

    def flush(self) -> None:
        """Write buffered entries."""
        if self.entries is not None:
            self.entries.out.flush()


def log_event_of(record: logging.LogRecord, entries: LogEntries) -> LogEvent:
    """Return *record* as an event."""
    attributes = record.__dict__
    fields: dict[str, Any]
    message: str
    if _EVENT in attributes:
        fields = dict(attributes[_EVENT])
        message = _message(record, fields)
    elif isinstance(record.msg, dict) and "_logger" in attributes:
        # structlog configured by user code to end in ProcessorFormatter.wrap_for_formatter
        fields = dict(record.msg)
        message = log_value_as_text(fields.pop("event", ""))
        for known in ("level", "logger", "timestamp"):
            fields.pop(known, None)
    else:
        fields = {key: value for key, value in attributes.items() if key not in _STANDARD}
        message = _message(record, fields)
    if record.stack_info:
        fields["stack"] = record.stack_info
    error = _error(record.exc_info) or _error(fields.pop("exc_info", None))
    if error is None and record.exc_text:  # formatted where the record came from
        fields["exception"] = record.exc_text
    return LogEvent(
        level=record.levelno,
        logger=entries.plain_name(str(record.name)),
        message=message,
        fields=fields,
        error=error,
        when=record.created,
    )


def _message(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    try:
        return str.__str__(record.getMessage())
    except (Exception, SystemExit) as failure:
        # The arguments do not fit the text, or one of them cannot be shown.
        if record.args:
            fields["args"] = plain_log_value(record.args)
        fields["logging_error"] = f"{type(failure).__name__}: {log_value_as_text(failure)}"
        return log_value_as_text(record.msg)


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3:
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def hand_over_to_logging(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> Any:
    """Return the arguments for the `logging` logger; the last of structlog's processors."""
    event = event_dict.pop("event", "")
    arguments = event_dict.pop("positional_args", ())
    keywords: dict[str, Any] = {"extra": {_EVENT: event_dict}}
    for name in ("exc_info", "stack_info"):
        if name in event_dict:
            keywords[name] = event_dict.pop(name)
    if isinstance(event_dict.get("stacklevel"), int):  # or else `logging` fails
        keywords["stacklevel"] = event_dict.pop("stacklevel")
    error = keywords.get("exc_info")
    if not (error is None or isinstance(error, bool | BaseException | tuple)):
        keywords["exc_info"] = bool(error)
    message = event if isinstance(event, str) else _Unformatted(event)
    return (message, *arguments), keywords


class _Unformatted:
    """An event that is not text: shown when it is written, by whoever writes it."""

    def __init__(self, event: Any) -> None:
        self._event = event

    def __str__(self) -> str:
        return log_value_as_text(self._event)

    def __repr__(self) -> str:
        return log_value_repr(self._event)


def log_entry_logger_factory(*arguments: Any) -> logging.Logger:
    """Return the `logging` logger for ``structlog.get_logger(name)``; without: the caller's module.

    structlog's own factory also replaces the logger class of the whole process.
    """
    if arguments:
        return logging.getLogger(log_value_as_text(arguments[0]))
    depth = 1
    while True:
        try:
            name = sys._getframe(depth).f_globals.get("__name__") or "?"
        except ValueError:
            return logging.getLogger("?")
        if name != "structlog" and not name.startswith("structlog."):
            return logging.getLogger(name)
        depth += 1
