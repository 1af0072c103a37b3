"""What ``ffhost serve`` writes when it begins, serves and serves changed code.

For people that is text, else one log entry. Functions are loaded in the workers, addresses are
known to the master. The first worker that is ready describes what it serves, and the master
writes it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ffhost import __version__
from ffhost.config import LoadedConfig
from ffhost.host.service import Service
from ffhost.invocation.function import Function
from ffhost.server import ListeningAddress

if TYPE_CHECKING:
    from ffhost.cli.code_watcher import CodeWatcher

MOST_ROWS = 50
"""Most rows of the table on a terminal; the rest is counted."""


class ServeBanner:
    """The announcements of one server, as an `ServerAnnouncer`.

    Args:
        watcher: of changed code; None if that is not served
    """

    def __init__(self, config: LoadedConfig, watcher: CodeWatcher | None = None) -> None:
        logging = config.settings.logging
        written = "format" in logging.written
        self._for_people = logging.format == "console" if written else sys.stdout.isatty()
        self._functions = len(config.settings.functions)
        self._has_console = config.settings.has_console
        self._watcher = watcher
        self._base = ""
        self._served: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Write that functions are being loaded, to people only."""
        if self._for_people:
            print(f"ffhost {__version__} · loading {_count(self._functions)}", flush=True)

    @staticmethod
    def describe(service: Service) -> dict[str, Any]:
        """Return what *service* serves, and the folders to watch for changed code."""
        serves: dict[str, Any] = {
            "revision": service.config.revision,
            "functions": [banner_row(each) for each in service.host.functions.values()],
        }
        if not service.watches:
            from ffhost.cli.code_watcher import folders_of_imported_code

            serves["folders"] = folders_of_imported_code()
        return serves

    def loading(self, place: str) -> None:
        """Write which line takes long to load, to people only."""
        if self._for_people:
            print(f"still loading: {place}", flush=True)

    def serving(self, addresses: Sequence[ListeningAddress], serves: dict[str, Any]) -> None:
        """Write what is served and where."""
        self._watch(serves)
        self._served = serves["functions"]
        self._base = _base(addresses)
        console = self._console(addresses)
        if self._for_people:
            print(banner_text(serves, addresses, console), flush=True)
            return
        _log().info(
            "serving",
            addresses=[each.url for each in addresses],
            revision=serves["revision"],
            functions=serves["functions"],
            **({} if console is None else {"console": console}),
        )

    def _console(self, addresses: Sequence[ListeningAddress]) -> str | None:
        """Return the address of the console; None if it is closed."""
        found = (each.local_url for each in addresses if each.kind == "admin")
        return next(found, None) if self._has_console else None

    def code_served(self, files: Sequence[str], seconds: float, serves: dict[str, Any]) -> None:
        """Write that changed code is served, and which functions are new."""
        self._watch(serves)
        before, self._served = self._served, serves["functions"]
        if not self._for_people:
            _log().info("code_reloaded", files=list(files), seconds=round(seconds, 3))
            return
        print(f"{_named(files)} changed: reloaded in {seconds:.1f} s", flush=True)
        fresh = [each for each in self._served if each not in before]
        for line in _lines(fresh, self._base):
            print(line, flush=True)

    def code_refused(self, files: Sequence[str]) -> None:
        """Write that changed code does not load, after the reason."""
        if self._for_people:
            print(f"{_named(files)} changed: not served, the code before it is", flush=True)
        else:
            _log().error("code_not_reloaded", files=list(files))

    def code_not_watched(self) -> None:
        """Write that changed code is not served from now on."""
        if self._for_people:
            print("code is no longer watched; start again to serve what you change", flush=True)
        else:
            _log().error("code_not_watched")

    def waiting(self, calls: int) -> None:
        """Write for how many calls the end waits, to people only."""
        if self._for_people:
            count = "1 call" if calls == 1 else f"{calls} calls"
            print(f"waiting for {count}; Ctrl-C again to quit", flush=True)

    def _watch(self, serves: dict[str, Any]) -> None:
        if self._watcher is not None:
            self._watcher.watch_also(serves["folders"])


def _log() -> Any:
    from ffhost.invocation.logger import get_logger

    return get_logger("ffhost")


def _named(files: Sequence[str]) -> str:
    """Return which files have changed, in a few words."""
    if not files:
        return "code"
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _count(functions: int) -> str:
    return "1 function" if functions == 1 else f"{functions} functions"


def banner_row(function: Function) -> dict[str, Any]:
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


def banner_text(
    table: dict[str, Any], addresses: Sequence[ListeningAddress], console: str | None = None
) -> str:
    """Write the table for people, with the address of every function."""
    where = ", ".join(
        each.local_url + (" (admin)" if each.kind == "admin" else "")
        for each in addresses
        if each.kind == "public" or console is None
    )
    count = _count(len(table["functions"]))
    network = banner_network_url(addresses)
    return "\n".join(
        [
            f"ffhost serves {count} on {where}, revision {table['revision']}",
            *([] if network is None else [f"on your network: {network}"]),
            *([] if console is None else [f"console: {console}"]),
            *_lines(table["functions"], _base(addresses)),
        ]
    )


def _base(addresses: Sequence[ListeningAddress]) -> str:
    return next((each.local_url for each in addresses if each.kind == "public"), "")


def _lines(functions: Sequence[dict[str, Any]], base: str) -> list[str]:
    """Return a line for each function, the columns below each other."""
    rows = [
        (
            each["name"],
            ",".join(each["methods"]),
            base + each["path"],
            each["signature"],
            each["target"] + (f"  ({each['unavailable']})" if "unavailable" in each else ""),
        )
        for each in functions
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
    return lines


def banner_network_url(addresses: Sequence[ListeningAddress]) -> str | None:
    """Return the public address for other machines; None if it is bound to this one only.

    No packet is sent: the system only says from which address it would send one.
    """
    public = next((each for each in addresses if each.kind == "public" and each.everywhere), None)
    if public is None:
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address for documentation
        except OSError:
            return None
        return f"http://{probe.getsockname()[0]}:{public.sockname[1]}"
