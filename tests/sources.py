"""Our source files as syntax trees: each is parsed once, however many tests look at it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(file: Path) -> ast.Module:
    """Return the tree of *file*."""
    return ast.parse(file.read_text())


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """Return all that the tree of *file* consists of."""
    return tuple(ast.walk(parsed(file)))
