"""What ``ffhost serve`` writes once it serves: a table on a terminal, one log entry otherwise.

Functions are loaded in the workers, addresses are known to the master. The first worker
that is ready describes what it serves, and the master writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.host.service import Service
from ffhost.invocation.function import Function
from ffhost.server import Listening

MOST_ROWS = 50
"""Most rows of the table on a terminal; the rest is counted."""


class Banner:
    """The announcement of one server: a table where logs are for people, else an entry."""

    def __init__(self, config: LoadedConfig) -> None:
        logging = config.settings.logging
        written = "format" in logging.written
        self._for_people = logging.format == "console" if written else sys.stdout.isatty()

    def announce(self, addresses: Sequence[Listening], table: dict[str, Any]) -> None:
        """Write what is served and where; called in the master."""
        if self._for_people:
            print(text(table, addresses), flush=True)
            return
        from ffhost.invocation.logger import get_logger

        get_logger("ffhost").info(
            "serving",
            addresses=[each.url for each in addresses],
            revision=table["revision"],
            functions=table["functions"],
        )


def describe(service: Service) -> dict[str, Any]:
    """Return the table of what *service* serves."""
    return {
        "revision": service.config.revision,
        "functions": [row(each) for each in service.host.functions.values()],
    }


def row(function: Function) -> dict[str, Any]:
    """Describe one function in one line."""
    methods = sorted(function.methods) if function.methods is not None else ["*"]
    shown: dict[str, Any] = {
        "name": function.name,
        "path": function.path,
        "methods": methods,
        "signature": function.signature,
        "target": function.target,
    }
    if function.unavailable is not None:
        shown["unavailable"] = str(function.unavailable)
    return shown


def text(table: dict[str, Any], addresses: Sequence[Listening]) -> str:
    """Write the table for people, with the address of every function."""
    base = next((each.url for each in addresses if each.kind == "public"), "")
    rows = [
        (
            each["name"],
            ",".join(each["methods"]),
            base + each["path"],
            each["signature"],
            each["target"] + (f"  ({each['unavailable']})" if "unavailable" in each else ""),
        )
        for each in table["functions"]
    ]
    shown = rows[:MOST_ROWS]
    widths = [max((len(line[column]) for line in shown), default=0) for column in range(4)]
    lines = [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]]
        )
        for line in shown
    ]
    if len(rows) > MOST_ROWS:
        lines.append(f"... and {len(rows) - MOST_ROWS} more")
    count = "1 function" if len(rows) == 1 else f"{len(rows)} functions"
    where = ", ".join(each.url + (" (admin)" if each.kind == "admin" else "") for each in addresses)
    return "\n".join([f"ffhost serves {count} on {where}, revision {table['revision']}", *lines])
