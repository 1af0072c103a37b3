"""Imports of an app that nothing it installs covers. User code is read, never run."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ffhost.loading.modules import module_home_of

_OURS = frozenset({"ffhost", "functions_framework", "cloudevents", "google"})
"""Names that ffhost brings; of ``google`` the stand-in's, and too many packages share it."""

_OTHER_NAMES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "serial": "pyserial",
    "grpc": "grpcio",
    "fitz": "pymupdf",
}
"""Packages whose name does not resemble that of their module, where they are not installed."""


class Installed:
    """What packages bring; what is installed here is read when it is first asked for.

    Args:
        names: the packages that are installed, normalized
    """

    def __init__(self, names: set[str]) -> None:
        self._names = names

    @cached_property
    def _all(self) -> set[str]:
        return packages_installed_with(self._names)

    @cached_property
    def _providers(self) -> Mapping[str, list[str]]:
        return packages_distributions()

    def covers(self, top: str) -> bool:
        """Whether one of them brings the module *top*, as far as can be told."""
        found = {str(canonicalize_name(each)) for each in self._providers.get(top, [])}
        if found:
            return bool(found & self._all)
        form = re.sub(r"[-_.]+", "-", top).lower()
        alike = any(form in each or each in form for each in self._all)
        return alike or _OTHER_NAMES.get(top) in self._all


class UncoveredImport(NamedTuple):
    """An import of a module that is not there: its first name, and where it stands."""

    name: str
    file: Path
    line: int


def uncovered_imports(
    sources: Iterable[Path], files: Iterable[Path], beside: Iterable[Path], installed: Installed
) -> Iterator[UncoveredImport]:
    """Yield the imports of *sources*, and of what they import from the app, that nothing covers.

    Args:
        files: all files of the app
        beside: folders in which its modules are looked up
        installed: what is installed
    """
    app = set(files)
    folders = list(beside)
    pending = list(sources)
    seen, told = set(pending), set(_OURS)
    while pending:
        file = pending.pop()
        for name, level, line in _imports(file):
            top = name.partition(".")[0]
            home = Path(module_home_of(file).folder)
            around = [file.parents[level - 1]] if level else [home, file.parent, *folders]
            local = list(_local(name, around, app))
            pending += [each for each in local if each not in seen]
            seen.update(local)
            if level or local or top in told or top in sys.stdlib_module_names:
                continue
            if _is_there(top, around, app):
                continue
            told.add(top)
            if not installed.covers(top):
                yield UncoveredImport(top, file, line)


def packages_installed_with(names: Iterable[str]) -> set[str]:
    """Return *names* and what they need, as far as they are installed here."""
    covered: set[str] = set()
    pending = list(names)
    while pending:
        name = str(canonicalize_name(pending.pop()))
        if name in covered:
            continue
        covered.add(name)
        try:
            needed = list(map(Requirement, requires(name) or []))
        except (PackageNotFoundError, ValueError):
            continue
        pending += [each.name for each in needed if "extra ==" not in str(each.marker)]
    return covered


def _imports(file: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, level and line of what *file* imports in any case.

    Imports for types only are left out, and those in a ``try``: the code can do without them.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}" if node.module else alias.name
                yield (name, node.level, node.lineno)
        elif not isinstance(node, ast.Try) and not _is_for_types(node):
            pending += reversed(list(ast.iter_child_nodes(node)))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _local(name: str, folders: Iterable[Path], app: set[Path]) -> Iterator[Path]:
    """Yield the files of the app that importing *name* runs, from the first folder with any."""
    parts = name.split(".")
    for folder in folders:
        found = []
        for count in range(1, len(parts) + 1):
            path = folder.joinpath(*parts[:count])
            candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
            found += [each for each in candidates if each in app]
        if found:
            yield from found
            return


def _is_there(top: str, folders: Iterable[Path], app: set[Path]) -> bool:
    """Whether *top* is a folder of the app without ``__init__.py``."""
    return any((folder / top) in file.parents for folder in folders for file in app)
