"""Conversion of a `LoadError` into a diagnostic with the place in the file."""

from __future__ import annotations

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.errors import LoadError


def problem_of(config: LoadedConfig, name: str, error: LoadError) -> Problem:
    """Return the diagnostic of *error*, which the function *name* or one of its hooks has."""
    at = error.key if isinstance(error.key, tuple) else ("functions", name, error.key)
    return Problem(".".join(at), error.message, config.locate(at), error.hint, error.notes)
