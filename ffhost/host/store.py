"""A typed store for objects that outlive a reload, keyed by kind and name.

A `Host` is a snapshot and never changed. State that continues when one
replaces another (the slots of a function) is kept here, and every host of the process uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar, cast

T = TypeVar("T")


class ReloadStore:
    """The objects that outlive a reload."""

    def __init__(self) -> None:
        self._kept: dict[tuple[type, str], object] = {}

    def keep(self, kind: type[T], name: str, make: Callable[[], T]) -> T:
        """Return the object of *kind* for *name*; *make* makes it the first time."""
        found = self._kept.get((kind, name))
        if found is None:
            found = self._kept[kind, name] = make()
        return cast("T", found)

    def forget_others(self, kind: type, names: Collection[str]) -> None:
        """Drop the objects of *kind* for all but *names*."""
        for key in [key for key in self._kept if key[0] is kind and key[1] not in names]:
            del self._kept[key]
