"""Loggers for the host's own entries. `observability.logs` decides how they are written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

Write = Callable[[str, int, str, dict[str, Any]], None]
"""Writes an entry: the name of its logger, its level, the event, and the fields."""


class HostEvents:
    """A logger of ffhost's own, which takes what structlog takes: an event's name, and fields.

    structlog itself is for user code, and imported by it: it is a twentieth of a start.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, event: str, **fields: Any) -> None:
        """Write an entry of level DEBUG."""
        _write(self.name, logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Write an entry of level INFO."""
        _write(self.name, logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Write an entry of level WARNING."""
        _write(self.name, logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Write an entry of level ERROR; ``exc_info`` may be an exception."""
        _write(self.name, logging.ERROR, event, fields)

    def critical(self, event: str, **fields: Any) -> None:
        """Write an entry of level CRITICAL; ``exc_info`` may be an exception."""
        _write(self.name, logging.CRITICAL, event, fields)


def _write_plainly(name: str, level: int, event: str, fields: dict[str, Any]) -> None:
    error = fields.pop("exc_info", None)
    logging.getLogger(name).log(level, "%s %s", event, fields, exc_info=error)


_write: Write = _write_plainly


def get_logger(name: str) -> HostEvents:
    """Return a logger for ffhost's own use."""
    return HostEvents(name)


def write_events_with(write: Write) -> None:
    """Write the entries of all loggers with *write* from now on."""
    global _write
    _write = write
