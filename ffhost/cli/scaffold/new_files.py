"""Files that commands write: all or none, and never over an existing file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ffhost.cli.exit_messages import CommandFailed


def write_new_files(files: Mapping[Path, str]) -> None:
    """Write *files*.

    Raises:
        CommandFailed: one exists already, so none is written; or a folder cannot be written to
    """
    existing = [path for path in files if path.exists()]
    if existing:
        names = ", ".join(show_written_path(path) for path in existing)
        verb = "exists" if len(existing) == 1 else "exist"
        raise CommandFailed(
            f"{names} {verb} already; nothing was written",
            "'ffhost new NAME' adds a function to a project, or name another folder",
        )
    for path, text in files.items():
        write_command_file(path, text)


def write_command_file(path: Path, text: str) -> None:
    """Write one file, with the folders that lead to it.

    Raises:
        CommandFailed: it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CommandFailed(f"{show_written_path(path)} cannot be written: {reason}") from error


def show_written_path(path: Path) -> str:
    """Return *path* relative to the current folder if it is below it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
