"""The requirement files of functions: a host watches them, and what was made of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ffhost.config.settings import FunctionSettings, Settings
from ffhost.config.watcher import fingerprint_config_files

FOLDER = Path(".ffhost", "environments")
"""Where environments are, below the configuration's folder."""
MADE = "made.txt"
"""A file in `FOLDER` that lists the complete ones."""


def watched_requirement_files(settings: Settings, base: Path) -> list[Path]:
    """Return the files that functions name as ``requirements``, and those that these name."""
    functions = settings.functions.values()
    return list(
        dict.fromkeys(
            file for each in functions for file in requirement_files_in_settings(each, base)
        )
    )


def requirement_files_in_settings(function: FunctionSettings, base: Path) -> list[Path]:
    """Return the requirement files of one function, and those that these name."""
    found: dict[Path, None] = {}
    for name in function.requirements or ():
        _follow(base / name, found)
    return list(found)


def _follow(file: Path, found: dict[Path, None]) -> None:
    file = Path(os.path.normpath(file))
    if file in found:
        return
    found[file] = None
    for name in _named(file):
        _follow(file.parent / name, found)


def _named(file: Path) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return
    reference = r"^\s*(?:-r|-c|--requirement|--constraint)[ =]*(\S+)"
    for name in re.findall(reference, text, re.MULTILINE):
        if "://" not in name:
            yield name.strip("\"'")


def watched_requirements_state(settings: Settings, base: Path) -> tuple[list[Path], str]:
    """Return what to watch, and a digest of it; nothing if no function has ``requirements``."""
    files = watched_requirement_files(settings, base)
    if not files:
        return [], ""
    files.append(base / FOLDER / MADE)
    return files, fingerprint_config_files(files)
