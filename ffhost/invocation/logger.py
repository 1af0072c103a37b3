"""Loggers for the host's own entries. `observability.logs` decides how they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _plain(name: str, **fields: Any) -> Any:
    import structlog

    return structlog.get_logger(name, **fields)


_make: Callable[..., Any] = _plain


def get_logger(name: str, **fields: Any) -> Any:
    """Return a structlog logger for ffhost's own use, with *fields* bound."""
    return _make(name, **fields)


def make_call_loggers_with(make: Callable[..., Any]) -> None:
    """Use *make* for loggers from now on: it takes a name and the fields to bind."""
    global _make
    _make = make
