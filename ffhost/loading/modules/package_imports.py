"""Imports of a source file from the package that it lies in. Reads files, and imports nothing."""

from __future__ import annotations

import ast
import os

from ffhost.loading.modules.installed_modules import find_module_installed_elsewhere
from ffhost.loading.modules.package_roots import module_home_of


def module_needs_its_package(file: str | os.PathLike[str]) -> bool:
    """Whether *file*, an absolute path, imports from its own package.

    That is a relative import, or the name of the package if nothing installed has it. Such a
    file cannot be run as functions-framework runs one, with the imports of its own folder only.
    """
    home = module_home_of(file)
    if home.folder == os.path.dirname(file):
        return False
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):  # the import says what is wrong
        return False
    found, package = _imported(tree), home.name.partition(".")[0]
    return "" in found or (
        package in found and find_module_installed_elsewhere(package, home.folder) is None
    )


def _imported(tree: ast.AST) -> list[str]:
    """Return the top-level names that *tree* imports; empty for a relative import."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names.append("" if node.level else node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name.partition(".")[0] for name in names]
