"""The loader of a function's module: it runs once in a process, completely or not at all.

Knows files and module names, but no targets.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType, TracebackType
from typing import TypeAlias

from ffhost.loading.modules.finder import FolderModuleFinder, recording_imported_modules
from ffhost.loading.modules.import_patches import apply_import_patches
from ffhost.loading.modules.installed_modules import find_installed, import_installed
from ffhost.loading.modules.package_imports import module_needs_its_package
from ffhost.loading.modules.package_roots import module_home_of
from ffhost.loading.modules.private_names import error_with_plain_module_names, private_package_name
from ffhost.loading.modules.scopes import ModuleScope

_lock = threading.Lock()
_finder = FolderModuleFinder()
_Variables: TypeAlias = tuple[tuple[str, str], ...]
_folders: dict[tuple[str, bool, _Variables], ModuleScope] = {}
"""Scopes by absolute path as given and by real path, by whether names stay plain, and by the
environment variables that they were loaded for."""
_installed = ModuleScope(None, None)
_seconds: dict[str, float] = {}
_begun: dict[str, float] = {}
"""When the import of a module began, in seconds since the epoch."""
_pass = threading.local()


def load_module(
    source: Path, *, plain: bool = False, env: Mapping[str, str] | None = None
) -> ModuleType:
    """Import the file *source* as a module of its folder, or return the imported module.

    The folder is a package with a unique name, and the file a module of it; see
    `plain_module_name`.
    For a file of a package it is the folder that the outermost package lies in.
    The path is not resolved: if a symbolic link changes later, the loaded folder stays the same.

    Args:
        plain: for a single target: the module keeps its name in ``sys.modules`` and its
            folder goes to the front of ``sys.path``, unless an installed module has the name
            or it imports from its own package
        env: environment variables of the function; a folder has a copy for each set of them

    Raises:
        Exception: what the import raises. Modules that failed are removed, and so are those
            that imported something from a failed module.
    """
    file = os.path.abspath(source)
    folder, last = os.path.split(file)
    name = os.path.splitext(last)[0].replace(".", "_")
    if plain and _is_free(name, folder) and not module_needs_its_package(file):
        scope = module_scope_of_folder(folder, plain=True, env=env)
        _finder.search_first(scope)
        return _load(scope, name, file)
    folder, name = module_home_of(file)
    scope = module_scope_of_folder(folder, env=env)
    is_package = os.path.basename(file) == "__init__.py" and name != "__init__"
    return _load(scope, f"{scope.root}.{name}", None if is_package else file)


def load_module_named(
    name: str, base: Path, *, plain: bool = False, env: Mapping[str, str] | None = None
) -> ModuleType:
    """Import the module *name* from the folder *base*, or else from what is installed.

    What is installed is shared by all functions, whatever their *env*.

    Raises:
        Exception: what the import raises, as for `load_module`.
    """
    scope = module_scope_of_folder(os.path.abspath(base), plain=plain, env=env)
    qualified = scope.qualify(name)
    if qualified != name or (plain and _lies_in(name, scope)):
        return _load(scope, qualified)
    if name not in sys.modules:
        with _lock:
            _installed.adopted.add(name.partition(".")[0])
            _install()
    return _load(_installed, name)


def module_scope_of_folder(
    folder: str, *, plain: bool = False, env: Mapping[str, str] | None = None
) -> ModuleScope:
    """Return the scope of *folder*, an absolute path; it is created at the first call."""
    variables = tuple(sorted(env.items())) if env else ()
    with _lock:
        scope = _folders.get((folder, plain, variables))
        if scope is None:
            real = os.path.realpath(folder), plain, variables
            scope = _folders.get(real)
            if scope is None:
                scope = _plain_scope(folder, env) if plain else _private_scope(folder, env)
            _folders[folder, plain, variables] = _folders[real] = scope
        _install()
    return scope


def known_module_scopes() -> list[ModuleScope]:
    """Return the scopes of all source folders of this process."""
    with _lock:
        return list({id(scope): scope for scope in _folders.values()}.values())


def restore_module_scope(
    folder: str, root: str | None, sources: Mapping[str, str], adopted: Iterable[str]
) -> None:
    """Make a scope of another process known in this one, unless it is.

    Args:
        folder: its path
        root: the name of its package; None if its modules keep their names
        sources: files whose module name is given, by that name
        adopted: the plain top-level names
    """
    with _lock:
        if root is None:
            scope = _plain_scope(folder, None)
        elif root in _finder.private:
            return
        else:
            scope = _named_scope(folder, root, None)
        scope.sources.update(sources)
        scope.adopted.update(adopted)
        # The name says which variables it was loaded for, and the next process needs that name.
        _folders[folder, root is None, (("", root or ""),)] = scope
        _install()


def module_import_seconds(module: ModuleType) -> float:
    """Return how many seconds the first import of *module* took.

    0 if it was imported by something else, such as a library.
    """
    return _seconds.get(module.__name__, 0.0)


def has_module_changed(module: ModuleType) -> bool:
    """Whether the file of *module* was written after its import began."""
    begun, file = _begun.get(module.__name__), getattr(module, "__file__", None)
    try:
        return begun is not None and file is not None and os.path.getmtime(file) > begun
    except OSError:
        return False


@contextmanager
def importing_at_most_once() -> Iterator[None]:
    """Import each module at most once inside the block: a second load raises the first error.

    For loading many functions in one thread: a broken module with a hundred functions would
    otherwise run a hundred times.
    """
    _pass.failures = {}
    try:
        yield
    finally:
        del _pass.failures


def _load(scope: ModuleScope, name: str, file: str | None = None) -> ModuleType:
    failures: dict[str, tuple[BaseException, TracebackType | None]]
    failures = getattr(_pass, "failures", {})
    if name in failures:
        error, traceback = failures[name]
        raise error.with_traceback(traceback)
    with scope.lock:
        if file is not None:
            scope.sources.setdefault(name, file)
        known = name in sys.modules
        started = time.perf_counter()
        begun = time.time()
        with recording_imported_modules() as created:
            try:
                module = import_installed(name)
            except BaseException as error:
                _discard_tainted(created)
                if isinstance(error, ImportError):
                    error_with_plain_module_names(error)
                failures[name] = error, error.__traceback__
                raise
        if not known:
            _seconds.setdefault(name, time.perf_counter() - started)
            _begun.setdefault(name, begun)
    return module


def _discard_tainted(created: list[ModuleType]) -> None:
    """Remove modules that refer to objects of a module whose import failed.

    Importlib removes the failed one itself. A module that was complete before stays, because
    other functions use it and it must not run twice. But one that imported from the failed
    module, in a cycle, would mix its objects with those of the next attempt.
    """
    alive = [each for each in created if sys.modules.get(each.__name__) is each]
    dead = {each.__name__ for each in created} - {each.__name__ for each in alive}
    tainted = True
    while tainted:
        tainted = False
        for module in list(alive):
            if _holds_of(module, dead):
                alive.remove(module)
                dead.add(module.__name__)
                _remove(module)
                tainted = True


def _holds_of(module: ModuleType, dead: set[str]) -> bool:
    if any(module.__name__.startswith(f"{name}.") for name in dead):
        return True
    return any(not dead.isdisjoint(_homes(value)) for value in list(vars(module).values()))


def _homes(value: object) -> tuple[str, ...]:
    """Return the names of the modules that *value* belongs to, without calling its code."""
    if isinstance(value, ModuleType):
        return (value.__name__,)
    if isinstance(value, FunctionType | type):
        return (str(value.__module__),)
    return (str(type(value).__module__),)


def _remove(module: ModuleType) -> None:
    sys.modules.pop(module.__name__, None)
    parent, _, child = module.__name__.rpartition(".")
    if parent in sys.modules and vars(sys.modules[parent]).get(child) is module:
        delattr(sys.modules[parent], child)


def _private_scope(folder: str, env: Mapping[str, str] | None) -> ModuleScope:
    # Secrets are a subclass of str. They must not be guessed from the name of a module.
    salt = "\0".join(
        f"{name}={value}" if type(value) is str else name
        for name, value in sorted((env or {}).items())
    )
    number = 0
    while (name := private_package_name(folder, salt=f"{salt}{number or ''}")) in sys.modules:
        number += 1
    return _named_scope(folder, name, env)


def _named_scope(folder: str, name: str, env: Mapping[str, str] | None) -> ModuleScope:
    scope = ModuleScope(folder, name, env)
    root = ModuleType(name, f"The source folder {folder}.")
    root.__path__ = [folder]
    root.__package__ = name
    root.__spec__ = ModuleSpec(name, None, is_package=True)
    root.__spec__.submodule_search_locations = root.__path__
    _finder.private[name] = scope
    sys.modules[name] = root
    return scope


def _plain_scope(folder: str, env: Mapping[str, str] | None) -> ModuleScope:
    scope = ModuleScope(folder, None, env)
    _finder.plain.append(scope)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    return scope


def _install() -> None:
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if _installed.adopted and _installed not in _finder.plain:
        _finder.plain.append(_installed)
    apply_import_patches()


def _is_free(name: str, folder: str) -> bool:
    """Whether *name* is free in ``sys.modules`` for a file of *folder*."""
    loaded = sys.modules.get(name)
    if loaded is None and name in sys.stdlib_module_names:
        return False
    if loaded is None:
        spec = find_installed(name)
        return spec is None or spec.origin is None or _lies_directly_in(folder, spec.origin)
    return _lies_directly_in(folder, getattr(loaded, "__file__", None) or "")


def _lies_directly_in(folder: str, file: str) -> bool:
    return os.path.realpath(os.path.dirname(os.path.abspath(file))) == os.path.realpath(folder)


def _lies_in(name: str, scope: ModuleScope) -> bool:
    spec = find_installed(name.partition(".")[0])
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return any(str(place).startswith(f"{scope.folder}{os.sep}") for place in places)
