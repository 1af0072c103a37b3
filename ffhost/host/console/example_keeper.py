"""Keeping a call as an example in the file of its function, while developing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ffhost.errors import BadRequest, Conflict
from ffhost.host.console.example_entry import console_example_as_yaml, example_of_console_call
from ffhost.host.console.example_file import with_console_example
from ffhost.host.service import Service


class ConsoleExampleKeeper:
    """Writes examples into the files of a configuration."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def is_open(self) -> bool:
        """Whether examples can be kept: while developing, in files that can be written."""
        config = self._service.config
        if not (config.settings.server.debug and config.has_file):
            return False
        return any(_is_writable(self._file(name)) for name in config.settings.functions)

    def keep(self, record: dict[str, Any], name: Any) -> dict[str, Any]:
        """Write a call as an example called *name*; return where it is, and its text.

        Raises:
            RequestError: the example cannot be written
        """
        if not isinstance(name, str) or not name.strip():
            raise BadRequest("an example needs a name")
        function = record["call"]["function"]
        settings = self._service.config.settings
        if not settings.server.debug:
            raise Conflict("examples are kept while developing: with --debug or ffhost dev")
        if function not in settings.functions:
            raise Conflict(f"there is no function {function!r} any more")
        declared = settings.functions[function]
        if any(each.name == name for each in declared.examples):
            raise Conflict(f"{function} has an example {name!r} already")
        item = console_example_as_yaml(example_of_console_call(record, name, declared.path))
        file = self._file(function)
        if file is None or not _is_writable(file):
            raise Conflict("the file of the function cannot be written")
        text, line = with_console_example(file.read_text("utf-8-sig"), function, item)
        _replace(file, text)
        return {"file": str(file), "line": line, "yaml": item}

    def _file(self, function: str) -> Path | None:
        named = self._service.config.locate(("functions", function)).file
        return None if named is None else self._service.sources().cwd / named


def _is_writable(file: Path | None) -> bool:
    return file is not None and os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _replace(file: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it; a link stays one."""
    target = file.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.chmod(target.stat().st_mode & 0o777)
    unfinished.replace(target)
