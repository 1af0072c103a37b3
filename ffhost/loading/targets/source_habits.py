"""Habits of source files that work alone, and not where functions share a process.

The working directory belongs to the process, so a file beside the source must be opened by a
path that begins at ``__file__``; and a module of a file with several functions is not called
``main``. Files are read, never run.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_OPENING = frozenset({"open", "io.open", "codecs.open"})
_PATHS = frozenset({"Path", "pathlib.Path"})
_READING = frozenset({"open", "read_text", "read_bytes"})
_NAME_TEST = r"""\b__name__\s*==\s*["']{name}["']|["']{name}["']\s*==\s*__name__\b"""


class RelativeFileInTargetSource(NamedTuple):
    """A file beside the source that is opened by a relative path: where, and which."""

    source: Path
    line: int
    path: str


def find_relative_files_in_target_source(source: Path) -> Iterator[RelativeFileInTargetSource]:
    """Find relative paths that *source* and modules beside it open, and that exist beside it.

    A path that means the same file from the current folder is left out.
    """
    for file, tree in _modules(source):
        for node in ast.walk(tree):
            path = _opened(node)
            if path is not None and _is_only_beside(source.parent, path):
                yield RelativeFileInTargetSource(file, getattr(node, "lineno", 0), path)


def line_that_tests_module_name(source: Path, name: str) -> int | None:
    """Return the line in which *source* asks whether ``__name__`` is *name*; None if it does not.

    functions-framework calls the module of ``main.py`` ``main``.
    """
    text = source.read_text(errors="replace")
    found = re.search(_NAME_TEST.format(name=re.escape(name)), text) if "__name__" in text else None
    return None if found is None else text.count("\n", 0, found.start()) + 1


def _modules(source: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Parse *source* and the modules of its folder that it imports, each once."""
    seen: set[Path] = set()
    waiting = [source]
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # importing it says so
        yield file, tree
        waiting += [source.parent / f"{name}.py" for name in _imported(tree)]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def _opened(node: ast.AST) -> str | None:
    """Return the literal path that *node* opens; None if it opens none."""
    if not isinstance(node, ast.Call):
        return None
    if ast.unparse(node.func) in _OPENING:
        return _literal(node.args)
    called = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(called, ast.Call) and node.func.attr in _READING:  # type: ignore[attr-defined]
        return _literal(called.args) if ast.unparse(called.func) in _PATHS else None
    return None


def _literal(arguments: list[ast.expr]) -> str | None:
    first = arguments[0] if arguments else None
    value = first.value if isinstance(first, ast.Constant) else None
    return value if isinstance(value, str) and value and not os.path.isabs(value) else None


def _is_only_beside(folder: Path, path: str) -> bool:
    try:
        beside = os.stat(folder / path)
    except (OSError, ValueError):
        return False
    try:
        return not os.path.samestat(beside, os.stat(path))
    except OSError:
        return True
