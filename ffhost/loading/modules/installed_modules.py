"""Installed packages, also those that a source folder contains a part of (namespace packages)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import FrozenImporter, ModuleSpec
from types import ModuleType
from typing import Any

find_installed = importlib.util.find_spec
import_installed = importlib.import_module
"""The original functions, which `import_patches` replaces later."""

_ABSENT = object()


class JoinedModulePackage(ModuleType):
    """A package with modules in two places: in the scope, and installed."""

    def __init__(self, name: str, own: ModuleType | None = None) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__dict__["__ffhost_own__"] = own

    def __getattr__(self, attribute: str) -> Any:
        own, installed = self.__dict__["__ffhost_own__"], sys.modules.get(self.__name__)
        for part in (own, installed):
            value = _ABSENT if part is None else getattr(part, attribute, _ABSENT)
            if value is not _ABSENT:
                return value
        raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")


def try_import_installed(name: str) -> None:
    """Import the package *name* if it is installed."""
    try:
        import_installed(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise


def is_interpreter_module(top: str) -> bool:
    """Whether *top* is found before anything on ``sys.path``, like ``sys`` and ``os``."""
    return top in sys.builtin_module_names or FrozenImporter.find_spec(top) is not None


def is_namespace_package(spec: ModuleSpec) -> bool:
    """Whether *spec* is a folder without ``__init__.py``."""
    return spec.submodule_search_locations is not None and spec.origin is None


def find_module_installed_elsewhere(top: str, folder: str) -> ModuleSpec | None:
    """Find *top* outside of *folder*, which itself may be on ``sys.path``."""
    try:
        spec = find_installed(top)
    except ValueError:  # a module in sys.modules without a spec
        return ModuleSpec(top, None)
    if spec is None or not is_namespace_package(spec):
        return spec
    parents = [os.path.dirname(place) for place in spec.submodule_search_locations or ()]
    return spec if any(not _same(parent, folder) for parent in parents) else None


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
