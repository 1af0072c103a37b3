"""An import hook (``sys.meta_path``) for the modules of source folders.

It finds modules and creates them inside their scope. There are three kinds of scope: private
folders, whose modules are named below a package of their own; plain folders, whose modules keep
their names (a single target without a file); and installed packages that hold a function.
Everything else is left to the other finders.

Only ``create_module`` of the ordinary loader is replaced: byte-code caches, ``linecache``,
``inspect``, resources and tracebacks with real paths are importlib's own.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader, SourcelessFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

from ffhost.loading.modules.private_names import PREFIX
from ffhost.loading.modules.scopes import ModuleScope

_creation = threading.local()
_SETTLED_SECONDS = 2.0
"""A byte-code cache tells versions of a source apart by their size and the second in which they
were written: a source must be this old before what it was compiled to is kept."""


class ScopedSourceLoader(SourceFileLoader):
    """Load a source file with the builtins of its scope."""

    def __init__(self, name: str, path: str, scope: ModuleScope) -> None:
        super().__init__(name, path)
        self.scope = scope

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module with the builtins of its scope as ``__builtins__``."""
        return _create(spec, self.scope)

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write the byte-code cache, unless the source has only just been saved.

        An edit within the same second would be taken for what was compiled before it.
        """
        if time.time() - self.path_stats(self.path)["mtime"] >= _SETTLED_SECONDS:
            super().set_data(path, data, _mode=_mode)


class ScopedBytecodeLoader(SourcelessFileLoader):
    """Load a ``.pyc`` file that stands alone with the builtins of its scope."""

    def __init__(self, name: str, path: str, scope: ModuleScope) -> None:
        super().__init__(name, path)
        self.scope = scope

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module with the builtins of its scope as ``__builtins__``."""
        return _create(spec, self.scope)


def _create(spec: ModuleSpec, scope: ModuleScope) -> ModuleType:
    module = ModuleType(spec.name)
    module.__dict__["__builtins__"] = scope.builtins
    for created in getattr(_creation, "records", ()):
        created.append(module)
    return module


@contextmanager
def recording_imported_modules() -> Iterator[list[ModuleType]]:
    """Collect the user modules whose import this thread begins inside the block."""
    records: list[list[ModuleType]] = _creation.__dict__.setdefault("records", [])
    created: list[ModuleType] = []
    records.append(created)
    try:
        yield created
    finally:
        records.remove(created)


class FolderModuleFinder:
    """The finder of all scopes."""

    def __init__(self) -> None:
        self.private: dict[str, ModuleScope] = {}
        """Scopes by the name of their root package."""
        self.plain: list[ModuleScope] = []
        """Scopes whose modules keep their names, in the order in which they are searched."""

    def search_first(self, scope: ModuleScope) -> None:
        """Search the plain *scope* before others, which may have a module of the same name."""
        if self.plain[0] is not scope:
            self.plain.remove(scope)
            self.plain.insert(0, scope)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find *fullname* if it belongs to a scope; else None."""
        if fullname.startswith(PREFIX):
            scope = self.private.get(fullname.partition(".")[0])
            return None if scope is None else _scoped(_own_spec(fullname, path, scope), scope)
        for scope in self.plain:
            spec = _plain_spec(fullname, path, scope)
            if spec is not None:
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Drop cached folder listings; called by ``importlib.invalidate_caches``."""
        for scope in self.private.values():
            scope.forget()


def _own_spec(fullname: str, path: Iterable[str] | None, scope: ModuleScope) -> ModuleSpec | None:
    if fullname in scope.sources:
        return spec_from_file_location(fullname, scope.sources[fullname])
    return PathFinder.find_spec(fullname, list(path or ()))


def _plain_spec(fullname: str, path: Sequence[str] | None, scope: ModuleScope) -> ModuleSpec | None:
    if fullname in scope.sources:
        # As in functions-framework the module is a package as well, so that
        # `from .helpers import x` works in it.
        spec = spec_from_file_location(
            fullname, scope.sources[fullname], submodule_search_locations=[str(scope.folder)]
        )
        return _scoped(spec, scope)
    top = fullname.partition(".")[0]
    if top in scope.adopted:
        return _scoped(PathFinder.find_spec(fullname, path), scope)
    if path is not None or scope.folder is None:
        return None
    if top in sys.stdlib_module_names:
        # The folder is on sys.path for libraries too: a calendar.py of the user's must not
        # be what they get.
        return PathFinder.find_spec(fullname, [p for p in sys.path if p != scope.folder])
    spec = PathFinder.find_spec(fullname, [scope.folder])
    if spec is None or spec.origin is None:
        return None
    scope.adopted.add(top)
    return _scoped(spec, scope)


def _scoped(spec: ModuleSpec | None, scope: ModuleScope) -> ModuleSpec | None:
    """Replace the ordinary loader with ours; extension modules keep theirs."""
    if spec is not None:
        loader = spec.loader
        if type(loader) is SourceFileLoader:
            spec.loader = ScopedSourceLoader(loader.name, os.fspath(loader.path), scope)
        elif type(loader) is SourcelessFileLoader:
            spec.loader = ScopedBytecodeLoader(loader.name, os.fspath(loader.path), scope)
    return spec
