"""The place of a target: file or module, and attribute. Runs no user code."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ffhost._records import Record
from ffhost.config.diagnostics import nearest_known_word
from ffhost.errors import LoadError
from ffhost.loading.modules import module_base, module_home_of

_NAMES = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class TargetPlace(Record):
    """What a target refers to.

    Either ``file`` (absolute) or ``module`` (a dotted name) is given. ``shown`` is what the
    user calls it, ``attribute`` may be dotted, ``base`` is where relative names begin, and
    ``folder`` is where imports do: the base, ``src`` in it, or the parent of a file's package.
    """

    file: Path | None
    module: str | None
    attribute: str
    shown: str
    base: Path
    key: str
    folder: Path


def find_target_place(target: str, source: str | None, base: Path) -> TargetPlace:
    """Read ``file.py:attr``, ``package.module:attr``, or ``attr`` with a *source*.

    Raises:
        LoadError: the text has another form, or the file does not exist
    """
    return TargetPlaces(base).find(target, source)


class TargetPlaces:
    """The places of many targets below one folder; each file and module is looked for once.

    What was found is kept, so it is for the moment in which many targets are read.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._files: dict[tuple[str, str], tuple[Path, Path]] = {}
        self._folders: dict[str, Path] = {}

    def find(self, target: str, source: str | None) -> TargetPlace:
        """Return the place of a target, as `find_target_place` does.

        Raises:
            LoadError: the text has another form, or the file does not exist
        """
        where, colon, attribute = target.rpartition(":")
        if source is not None and colon:
            raise LoadError(
                f"{target!r} names {where!r}, but source names {source!r} as well",
                f"write only target: {target!r}, or target: {attribute!r} with the source",
            )
        if source is None and not colon:
            raise _nowhere(target)
        if not _NAMES.fullmatch(attribute):
            if colon and not attribute:
                raise LoadError(f"{target!r} does not name a function", f"write '{where}:NAME'")
            raise LoadError(f"{attribute!r} is not the name of a function")
        base = self._base
        if source is None and _NAMES.fullmatch(where) and not where.endswith(".py"):
            folder = self._folder_of(where)
            return TargetPlace(None, where, attribute, where, base, "target", folder)
        key = "target" if source is None else "source"
        shown = where if source is None else source
        file, folder = self._file(shown, key)
        return TargetPlace(file, None, attribute, shown, base, key, folder)

    def _folder_of(self, module: str) -> Path:
        folder = self._folders.get(module)
        if folder is None:
            folder = self._folders[module] = Path(module_base(module, self._base))
        return folder

    def _file(self, shown: str, key: str) -> tuple[Path, Path]:
        """Return the file and the folder in which its imports begin."""
        found = self._files.get((shown, key))
        if found is None:
            file = Path(os.path.abspath(self._base / shown))
            _check_file(file, shown, self._base, key)
            found = self._files[shown, key] = file, Path(module_home_of(file).folder)
        return found


def show_target_path(path: str | os.PathLike[str], base: Path) -> str:
    """Return *path* relative to *base* if it lies there."""
    text, start = os.path.abspath(path), os.path.join(os.path.abspath(base), "")
    return text.removeprefix(start)


def show_target_folder(base: Path) -> str:
    """Return the folder as seen from the current one, or absolutely if it is not below it."""
    text = show_target_path(base, Path.cwd())
    return text if text != str(Path.cwd()) else "the current folder"


def _nowhere(target: str) -> LoadError:
    if target.endswith(".py"):
        return LoadError(f"{target!r} does not name a function", f"write '{target}:NAME'")
    module, dot, name = target.rpartition(".")
    hint = f"write 'main.py:{target}', or give its file as source"
    if dot and _NAMES.fullmatch(target):
        hint = f"write '{module}:{name}', or give its file as source"
    return LoadError(f"{target!r} does not say where the function is", hint)


def _check_file(file: Path, shown: str, base: Path, key: str) -> None:
    hint: str | None
    if file.is_dir():
        example = os.path.join(shown, "main.py")
        raise LoadError(f"{shown!r} is a folder", f"name the file, such as {example!r}", key=key)
    if not file.exists():
        if _NAMES.fullmatch(shown) and not shown.endswith(".py"):
            hint = f"source takes a file; for a module write target: '{shown}:NAME'"
        else:
            near = _nearest_file(file)
            hint = None if near is None else f"did you mean {show_target_path(near, base)!r}?"
        raise LoadError(f"no file {shown!r} (looked in {show_target_folder(base)})", hint, key=key)
    if file.suffix != ".py":
        raise LoadError(f"{shown!r} is not a Python file", "its name has to end with .py", key=key)


def _nearest_file(file: Path) -> Path | None:
    """Find a file whose path differs from *file* in one misspelled part."""
    existing = next(parent for parent in file.parents if parent.is_dir())
    missing = file.relative_to(existing).parts
    found = nearest_known_word(
        missing[0], [name for name in os.listdir(existing) if name[:1] != "."]
    )
    if found is None:
        return None
    candidate = existing.joinpath(found, *missing[1:])
    return candidate if candidate.is_file() else None
