"""The functions of a user's module that decorators mark: error handlers and hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

from ffhost.loading import decorators

ErrorHandler: TypeAlias = tuple[tuple[type[Exception], ...], Callable[[Any], Any]]
"""The exceptions that a handler handles, and the handler."""


def find_marked_error_handlers(module: ModuleType | None) -> list[ErrorHandler]:
    """Find the functions of *module* that handle exceptions."""
    return [
        (each.__dict__[decorators.HANDLES], each)
        for each in _marked_functions(module)
        if decorators.HANDLES in each.__dict__
    ]


def find_marked_lifecycle_hooks(module: ModuleType | None, when: str) -> list[Callable[[], Any]]:
    """Find the functions of *module* marked for *when*: ``startup`` or ``shutdown``."""
    return [
        each
        for each in _marked_functions(module)
        if each.__dict__.get(decorators.LIFECYCLE) == when
    ]


@lru_cache(maxsize=256)
def _marked_functions(module: ModuleType | None) -> Sequence[FunctionType]:
    # Only plain functions have marks: a proxy object might answer for any attribute.
    values = () if module is None else tuple(vars(module).values())
    return [value for value in values if type(value) is FunctionType and value.__dict__]
