"""The functions-framework projects in a folder and below it, found by the names of their files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_SKIPPED = frozenset({"tests", "test", "venv", "env", "node_modules", "site-packages", "build"})
_DEEPEST = 6
_DECLARING = ("requirements.txt", "pyproject.toml", "Procfile", "Dockerfile", "project.toml")
_NAMES_IT = re.compile(r"functions[-_]framework")


def find_projects_to_migrate(folder: Path) -> list[Path]:
    """Return the folders below *folder* that name functions-framework and hold Python files."""
    return sorted(each for each in _folders(folder) if _is_project(each))


def _folders(top: Path) -> Iterator[Path]:
    for name, inner, _ in os.walk(top):
        here = Path(name)
        depth = len(here.relative_to(top).parts)
        inner[:] = [each for each in inner if _is_wanted(here / each)] if depth < _DEEPEST else []
        if depth:
            yield here


def _is_wanted(folder: Path) -> bool:
    if folder.name.startswith((".", "__")) or folder.name in _SKIPPED:
        return False
    return not (folder / "pyvenv.cfg").exists()


def _is_project(folder: Path) -> bool:
    sources = [*folder.glob("*.py")]
    files = [*sources, *(folder / name for name in _DECLARING)]
    return bool(sources) and any(_NAMES_IT.search(_text(file)) for file in files)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
