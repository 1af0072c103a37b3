"""Names and packages that are imported when they are first used. Imports nothing itself."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

_SELDOM = 20_000
"""After how many new objects garbage is looked for during imports; else 700 or 2000."""


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of *module*, which finds each name where *homes* says.

    Args:
        module: the ``__name__`` of the module that shows the names
        homes: name to the module that defines it

    Raises:
        AttributeError: (by what is returned) for a name that *homes* does not know
    """

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(sys.modules[module], name, value)
        return value

    return find


def postpone_import(package: str) -> None:
    """Make a module, or a package and the modules in it, importable without its code being run.

    That runs when a name of it is first asked for which is not a module that was imported.
    Nothing happens if it has been imported, or is not installed.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is not None:
        module = module_from_spec(spec)
        module.__class__ = _Postponed
        sys.modules[package] = module
        if spec.parent and spec.parent != package:
            setattr(sys.modules[spec.parent], package.rpartition(".")[2], module)


class _Postponed(ModuleType):
    """A module whose code has not run."""

    def __getattr__(self, name: str) -> Any:
        _run(self)
        return ModuleType.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # What is replaced must be there before; the import system itself sets the others.
        if not (name.startswith("__") or isinstance(value, ModuleType)):
            _run(self)
        ModuleType.__setattr__(self, name, value)


def _run(module: _Postponed) -> None:
    with _running:
        if module not in _begun:
            _begun.add(module)
            try:
                module.__loader__.exec_module(module)  # type: ignore[union-attr]
            except BaseException:
                _begun.discard(module)
                raise
            object.__setattr__(module, "__class__", ModuleType)


@contextmanager
def no_collections() -> Iterator[None]:
    """Look for no garbage in this block, nor later in what it leaves; for imports of libraries."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for garbage less often in this block: imports leave hardly any behind.

    Not never, for what user code does when it is imported may leave plenty. What it makes of
    the threshold itself stays.
    """
    before = gc.get_threshold()
    seldom = (_SELDOM, *before[1:])
    gc.set_threshold(*seldom)
    try:
        yield
    finally:
        if gc.get_threshold() == seldom:
            gc.set_threshold(*before)


def call_after_import(module: str, then: Callable[[], None]) -> None:
    """Call *then* when *module* has been imported: now, or right after its import.

    That is inside of the import, so who imports it finds what *then* has made of it.
    """
    if module in sys.modules:
        then()
    else:
        forget_import_call(module)
        sys.meta_path.insert(0, _ImportWatch(module, then))


def forget_import_call(module: str) -> None:
    """Call nothing any more when *module* is imported."""
    for each in [each for each in sys.meta_path if isinstance(each, _ImportWatch)]:
        if each.module == module:
            sys.meta_path.remove(each)


class _ImportWatch:
    """A finder of one module, which is loaded as ever, and of what is called then."""

    def __init__(self, module: str, then: Callable[[], None]) -> None:
        self.module = module
        self._then = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module where it is installed; None for all others."""
        spec = PathFinder.find_spec(fullname, path) if fullname == self.module else None
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if self in sys.meta_path and module.__name__ == self.module:
                    sys.meta_path.remove(self)
                    self._then()

            vars(spec.loader)["exec_module"] = exec_module
        return spec


_running = RLock()
_begun: set[ModuleType] = set()


class LateAttribute:
    """An attribute that is made at its first use; an assigned value takes its place."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, _owner: type | None = None) -> Any:
        if instance is None:
            return self
        made = instance.__dict__[self._name] = self._make(instance)
        return made
