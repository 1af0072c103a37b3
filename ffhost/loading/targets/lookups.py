"""The look-up of many targets in one load: what is asked of a file or a module is asked once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType

from ffhost._records import Record
from ffhost.loading.modules import (
    ModuleScope,
    load_module,
    load_module_named,
    module_import_seconds,
    module_needs_its_package,
    module_scope_of_folder,
)
from ffhost.loading.targets.places import TargetPlace, TargetPlaces


class TargetModule:
    """A module in which targets are looked up, as one load sees it.

    Args:
        place: of a target in it
        plain: whether it keeps its plain name (single target without a file)
        env: environment variables of its functions; a folder has a copy for each set of them
    """

    def __init__(self, place: TargetPlace, *, plain: bool, env: Mapping[str, str] | None) -> None:
        self._place = place
        self._plain = plain
        self._env = env

    @cached_property
    def scope(self) -> ModuleScope:
        """Return the scope in which it is looked for."""
        file, folder, plain = self._place.file, self._place.folder, self._plain
        if plain and file is not None:
            plain = not module_needs_its_package(file)
            folder = file.parent if plain else folder
        return module_scope_of_folder(os.path.abspath(folder), plain=plain, env=self._env)

    @cached_property
    def imported(self) -> ModuleType:
        """Import it, or return the imported module.

        Raises:
            Exception: what the import raises
        """
        place = self._place
        if place.module is not None:
            return load_module_named(place.module, place.folder, plain=self._plain, env=self._env)
        assert place.file is not None
        return load_module(place.file, plain=self._plain, env=self._env)

    @cached_property
    def file(self) -> Path | None:
        """Return the file of the imported module; None if it has none."""
        file = getattr(self.imported, "__file__", None)
        return None if file is None else Path(file)

    @cached_property
    def import_seconds(self) -> float:
        """Return how long its first import took; 0 if it was imported by something else."""
        return module_import_seconds(self.imported)

    @cached_property
    def mentions_current_app(self) -> bool:
        """Whether the file that the target names mentions Flask's ``current_app``."""
        return b"current_app" in self._text

    @cached_property
    def line_that_tests_its_name(self) -> int | None:
        """Return the line in which it asks whether ``__name__`` is the name of its file."""
        file = self.file
        if file is None or b"__name__" not in (
            self._text if file == self._place.file else _text_of(file)
        ):
            return None
        from ffhost.loading.targets.source_habits import line_that_tests_module_name

        try:
            return line_that_tests_module_name(file, file.stem)
        except OSError:
            return None

    @cached_property
    def _text(self) -> bytes:
        return b"" if self._place.file is None else _text_of(self._place.file)


class FoundTarget(Record):
    """A target whose file or module was found; nothing is imported yet."""

    place: TargetPlace
    module: TargetModule


class TargetLookup:
    """The look-up of the targets of one load.

    What it has seen of files and modules it keeps, so it is for one load: the next one makes
    another, which sees what has changed since.

    Args:
        base: the folder that relative files begin at
        plain: whether modules keep their plain names (single target without a file)
    """

    def __init__(self, base: Path, *, plain: bool = False) -> None:
        self._places = TargetPlaces(base)
        self._plain = plain
        self._modules: dict[tuple[object, ...], TargetModule] = {}

    def find(
        self, target: str, source: str | None, env: Mapping[str, str] | None = None
    ) -> FoundTarget:
        """Find ``file.py:attr``, ``package.module:attr``, or ``attr`` with a *source*.

        Args:
            env: environment variables of the function

        Raises:
            LoadError: the text has another form, or the file does not exist
        """
        place = self._places.find(target, source)
        key = place.file, place.module, *sorted(env.items() if env else ())
        module = self._modules.get(key)
        if module is None:
            module = self._modules[key] = TargetModule(place, plain=self._plain, env=env)
        return FoundTarget(place, module)


def _text_of(file: Path) -> bytes:
    """Return what *file* contains; nothing if it cannot be read, which its import tells."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
