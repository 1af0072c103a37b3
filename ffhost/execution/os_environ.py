"""``os.environ`` with the variables of the function that reads it.

The class of the mapping behind ``os.environ`` is exchanged, so that names that were imported
earlier (``from os import environ``) find the same. A declared variable is read and written in
the function's `FunctionVariables`; every other variable is the process's, because libraries in C
need it there.

Not reached: ``os.environb``, ``os.exec*``, ``os.spawn*``, C's getenv and with it the time zone,
``multiprocessing`` by spawn or forkserver, and whatever an installed package has kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import CodeType, FrameType

from ffhost.invocation.logger import get_logger
from ffhost.invocation.variables import FunctionVariables, active_function_variables
from ffhost.loading.modules import SCOPE_KEY

_MAPPINGS = frozenset({"os", "_collections_abc", "collections.abc", __name__})
"""Modules whose frames stand between a reader and the mapping."""
_seen_readers: set[tuple[CodeType, str]] = set()


def install_function_environ() -> None:
    """Replace the class of ``os.environ``; may be called again."""
    if type(os.environ) is os._Environ:
        os.environ.__class__ = FunctionEnviron


class FunctionEnviron(os._Environ[str]):
    """The process's variables, below those of the function that the running code belongs to."""

    def __getitem__(self, name: str) -> str:
        environment = active_function_variables()
        if environment is None or name not in environment:
            return super().__getitem__(name)
        if name in environment.disputed:
            _warn_of_package(name)
        value = environment[name]
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str) -> None:
        environment = active_function_variables()
        if environment is None or name not in environment:
            super().__setitem__(name, value)
            return
        self.encodevalue(value)  # raises for what is not text
        environment[name] = value

    def __delitem__(self, name: str) -> None:
        environment = active_function_variables()
        if environment is None or name not in environment:
            super().__delitem__(name)
            return
        if environment[name] is None:
            raise KeyError(name)
        environment[name] = None

    def __iter__(self) -> Iterator[str]:
        environment = active_function_variables()
        if environment is None:
            return super().__iter__()
        return iter(_names(environment, super().__iter__()))

    def __len__(self) -> int:
        environment = active_function_variables()
        return super().__len__() if environment is None else len(list(iter(self)))

    def __repr__(self) -> str:
        return f"environ({dict(self)!r})"


def _names(environment: FunctionVariables, of_process: Iterator[str]) -> list[str]:
    return [*(name for name in of_process if name not in environment), *environment.names()]


def _warn_of_package(name: str) -> None:
    """Warn if an installed package reads *name* while it is imported.

    It is imported once for all functions and keeps what the first of them had.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _MAPPINGS:
        frame = frame.f_back
    if frame is None or (frame.f_code, name) in _seen_readers:
        return
    _seen_readers.add((frame.f_code, name))
    while frame is not None and SCOPE_KEY not in frame.f_builtins:
        if frame.f_code.co_name == "<module>":
            package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            get_logger("ffhost").warning(
                "variable_kept_by_package",
                package=package,
                variable=name,
                hint="packages are shared by all functions: this one keeps the value for all of "
                "them; give the function isolation: process",
            )
            return
        frame = frame.f_back
