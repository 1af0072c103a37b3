"""What a process reports about the function that it has loaded."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ffhost.errors import LoadError
from ffhost.signatures.function_types import FunctionTypes


class IsolatedLoadReport(NamedTuple):
    """The report of one process."""

    signature: str
    request: str | None
    methods: list[str] | None
    seconds: float
    files: tuple[tuple[str, int, int], ...]
    """The user's files that were loaded, each with its time and size."""
    types: FunctionTypes | None = None

    def unchanged(self) -> bool:
        """Whether the loaded files are unchanged."""
        return all(_stamp(file) == (file, *at) for file, *at in self.files)


def isolated_load_report_of(head: Any) -> IsolatedLoadReport:
    """Make the report of the answer to a request to load.

    Raises:
        LoadError: the function cannot be loaded
    """
    if "message" in head:
        key, line = _key(head["key"]), head["line"]
        raise LoadError(head["message"], head["hint"], head["notes"], key=key, line=line)
    return IsolatedLoadReport(
        head["signature"],
        head["request"],
        head["methods"],
        head["seconds"],
        tuple(_stamp(file) for file in head["files"]),
        None if head["types"] is None else FunctionTypes(**head["types"]),
    )


def _stamp(file: str) -> tuple[str, int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return file, 0, 0
    return file, status.st_mtime_ns, status.st_size


def _key(key: str | list[str]) -> str | tuple[str, ...]:
    """Return the key of a `LoadError` that came as JSON."""
    return key if isinstance(key, str) else tuple(key)
