"""Patches of functions that import a module by its name, without knowing who calls them.

``importlib.import_module``, ``importlib.util.find_spec``, ``pickle`` and ``logging.config``
are shared by all code. Patched, they search the stack for the nearest frame of user code and
resolve the name as that source folder would; ``pkgutil.resolve_name``,
``unittest.mock.patch``, ``importlib.resources`` and pydantic's ``ImportString`` use
these. Without user code on the stack they are unchanged.

A module that a library is just importing never gets a folder's modules: it would keep them
and share them with the functions of other folders.
"""

from __future__ import annotations

import builtins
import functools
import io
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import resolve_name
from types import FrameType, ModuleType
from typing import Any

from ffhost._lazy import call_after_import
from ffhost._records import Record
from ffhost.loading.modules.installed_modules import find_installed, import_installed
from ffhost.loading.modules.scopes import SCOPE_KEY, ModuleScope

_TRANSPARENT = frozenset({"importlib", "pkgutil", "unittest", "pickle"})
"""Top-level names of modules that import on behalf of their callers."""

_opened: set[str] = set()
_lock = threading.Lock()


def apply_import_patches() -> None:
    """Patch the modules that are imported by now, and each of the others when it is imported."""
    with _lock:
        for name, change in _DOORS.items():
            if name not in _opened:
                _opened.add(name)
                call_after_import(name, functools.partial(_patch, name, change))


def _patch(name: str, change: Callable[[ModuleType], None]) -> None:
    change(sys.modules[name])


class ImportingCode(Record):
    """User code that imports something by its name.

    Args:
        scope: where the name is looked up
        direct: False if a library imports on its behalf
        code: the globals of the user code
    """

    scope: ModuleScope
    direct: bool
    code: dict[str, Any]


def importing_scope(frame: FrameType | None, name: str) -> ImportingCode | None:
    """Return for whom *name* is imported in *frame*; None if it is not for user code.

    What a library imports on its behalf is never a module of that library or of the standard
    library.
    """
    asker: str | None = None
    while frame is not None:
        scope = frame.f_builtins.get(SCOPE_KEY)
        if scope is not None:
            top = name.partition(".")[0]
            if asker is None:
                return ImportingCode(scope, True, frame.f_globals)
            if top == asker or top in sys.stdlib_module_names:
                return None
            return ImportingCode(scope, False, frame.f_globals)
        if asker is None and frame.f_globals is not globals():
            top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            asker = None if top in _TRANSPARENT else top
        if frame.f_code.co_name == "<module>":
            return None
        frame = frame.f_back
    return None


def _patch_importlib(module: ModuleType) -> None:
    @functools.wraps(import_installed)
    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name.startswith(".") and package:
            name = resolve_name(name, package)
        asking = importing_scope(sys._getframe(1), name)
        if asking is not None and not name.startswith("."):
            scope, direct, code = asking
            return scope.import_string(name, direct=direct, asker=code)
        return import_installed(name, package)

    module.__dict__["import_module"] = import_module


def _patch_importlib_util(module: ModuleType) -> None:
    @functools.wraps(find_installed)
    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        if name.startswith(".") and package:
            name = resolve_name(name, package)
        asking = importing_scope(sys._getframe(1), name)
        if asking is not None and not name.startswith("."):
            name = asking.scope.qualify(name, asking.code)
        return find_installed(name, package)

    module.__dict__["find_spec"] = find_spec


def _patch_logging_config(module: ModuleType) -> None:
    """Make `dictConfig` called by user code find that code's own formatters and handlers."""

    def import_top(name: str, *arguments: Any) -> ModuleType:
        asking = importing_scope(sys._getframe(1), name)
        if asking is None:
            return builtins.__import__(name, *arguments)
        return asking.scope.import_statement(name, asking.code)

    module.__dict__["__import__"] = import_top
    module.__dict__["BaseConfigurator"].importer = staticmethod(import_top)


def _patch_pickle(module: ModuleType) -> None:
    """Make ``pickle`` find classes by the plain names of their modules."""
    original: type[Any] = module.__dict__["Unpickler"]
    slow: type[Any] = module.__dict__["_Unpickler"]

    class Unpickler(original):  # type: ignore[misc]
        def find_class(self, module_name: str, name: str, /) -> Any:
            return _find_class(super().find_class, module_name, name)

    Unpickler.__module__, Unpickler.__qualname__ = "pickle", "Unpickler"
    find_slowly = slow.find_class

    def find_class(self: Any, module_name: str, name: str) -> Any:
        return _find_class(functools.partial(find_slowly, self), module_name, name)

    loads_fast, load_fast = module.__dict__["loads"], module.__dict__["load"]

    @functools.wraps(loads_fast)
    def loads(data: Any, /, **options: Any) -> Any:
        if importing_scope(sys._getframe(1), "") is None:
            return loads_fast(data, **options)
        return Unpickler(io.BytesIO(data), **options).load()

    @functools.wraps(load_fast)
    def load(file: Any, **options: Any) -> Any:
        if importing_scope(sys._getframe(1), "") is None:
            return load_fast(file, **options)
        return Unpickler(file, **options).load()

    slow.find_class = find_class
    module.__dict__.update(Unpickler=Unpickler, loads=loads, load=load)


def _find_class(find: Callable[[str, str], Any], module_name: str, name: str) -> Any:
    asking = importing_scope(sys._getframe(2), module_name)
    if asking is None:
        return find(module_name, name)
    scope, direct, code = asking
    qualified = scope.qualify(module_name, code)
    if qualified == module_name and direct:
        found = scope.provided(module_name)
        if found is not None:
            return functools.reduce(getattr, name.split("."), found)
    if qualified != module_name:
        scope.import_string(module_name, asker=code)
    return find(qualified, name)


def _patch_multiprocessing_spawn(module: ModuleType) -> None:
    """Make what `multiprocessing` starts find the modules of source folders."""
    original = module.__dict__["get_preparation_data"]

    @functools.wraps(original)
    def get_preparation_data(name: str) -> dict[str, Any]:
        from ffhost.loading.modules.spawned_modules import ModuleFolders

        return {**original(name), "ffhost": ModuleFolders()}

    module.__dict__["get_preparation_data"] = get_preparation_data


_DOORS: dict[str, Callable[[ModuleType], None]] = {
    "importlib": _patch_importlib,
    "importlib.util": _patch_importlib_util,
    "logging.config": _patch_logging_config,
    "multiprocessing.spawn": _patch_multiprocessing_spawn,
    "pickle": _patch_pickle,
}
