"""What an app depends on: requirement files, projects and locks beside its sources.

They are copied and installed as they are; pip, uv or poetry resolve them in the image.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ffhost.config.diagnostics import ConfigProblem, ValueOrigin
from ffhost.deploy.app.pyproject import (
    LOCKS,
    DependencyLock,
    local_packages_in_lock,
    pyproject_requirement_files,
    pyproject_requirements,
    read_dependency_lock,
    requirements_only_uv_finds,
)
from ffhost.deploy.app.requirements import (
    FIREBASE,
    FRAMEWORK,
    RequirementEntry,
    RequirementFile,
    read_requirements,
    reason_to_leave_requirement_out,
    required_package_name,
    requirement_problem,
)

REQUIREMENTS = "requirements.txt"
OWN_REQUIREMENTS = "requirements-app.txt"
"""Name in the app of the project's first requirement file: ours has to have its name."""
PROJECT = "pyproject.toml"


@dataclass(slots=True)
class AppDependencies:
    """What was found.

    Args:
        files: what is copied, by path in the app
        lock: the one lock
        hashed: requirement files with hashes: pip installs each in a step of its own
        plain: other requirement files
        listed: requirements of projects without a lock, with the file that lists them
        names: every package that is named, normalized
        ours: requirements of ffhost itself
        framework: whether functions-framework is left out somewhere
        apart: what is installed last, without its dependencies
        notes: what the user should know
    """

    files: dict[str, bytes] = field(default_factory=dict)
    locks: list[DependencyLock] = field(default_factory=list)
    hashed: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    listed: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    ours: list[str] = field(default_factory=list)
    framework: bool = False
    apart: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[ConfigProblem] = field(default_factory=list)

    @property
    def lock(self) -> DependencyLock | None:
        """Return the lock that is installed first."""
        return self.locks[0] if self.locks else None


def find_app_dependencies(sources: Iterable[Path], base: Path) -> AppDependencies:
    """Read what is declared beside each of *sources* and in the folders above it, up to *base*."""
    reader = _Reader(base)
    folders = {folder for source in sources for folder in source.parents}
    for folder in sorted({base, *(each for each in folders if each.is_relative_to(base))}):
        reader.add_folder(folder)
    found = reader.found
    if len(found.locks) > 1:
        named = ", ".join(each.path for each in found.locks)
        origin = ValueOrigin(found.locks[0].path, Path(found.locks[0].path))
        message = f"an image installs one lock, and there are several: {named}"
        found.problems.append(
            ConfigProblem("", message, origin, "lock the functions as one project")
        )
    return found


class _Reader:
    """Reads files, each once, and follows those that they name."""

    def __init__(self, base: Path) -> None:
        self.found = AppDependencies()
        self._base = base
        self._read: dict[Path, RequirementFile | None] = {}

    def add_folder(self, folder: Path) -> None:
        """Read what *folder* declares: a lock before anything else, and files before projects."""
        project, requirements = folder / PROJECT, folder / REQUIREMENTS
        locks = [folder / name for name in LOCKS if (folder / name).is_file()]
        if locks and project.is_file():
            for lock in locks:
                self._add_lock(lock)
            self._copy(project)
            if requirements.is_file():
                note = f"not installed, because {locks[0].name} beside it is"
                self.found.notes.append(f"{self._shown(requirements)}: {note}")
        elif requirements.is_file():
            # beside a pyproject.toml it was usually made from it, and pins more
            self._add_requirements(requirements)
        elif project.is_file():
            self._add_project(project)

    def _add_lock(self, path: Path) -> None:
        content = self._toml(path)
        if content is None:
            return
        lock = read_dependency_lock(self._name(path), content)
        self.found.locks.append(lock)
        self.found.names |= lock.names
        self.found.framework |= lock.has_framework
        self._copy(path)
        for package in local_packages_in_lock(content):
            message = f"{package} is a folder here, and a path cannot be installed in the image"
            self._problem(path, message, _PUBLISH)

    def _add_project(self, path: Path) -> None:
        project = self._toml(path)
        if project is None:
            return
        for requirement in requirements_only_uv_finds(project):
            message = f"only uv knows where {requirement} comes from (tool.uv.sources)"
            self._problem(path, message, "run: uv lock")
        for requirement in pyproject_requirements(project):
            self._add_listed(requirement, path)
        files = pyproject_requirement_files(project)
        for name in files or ():
            self._add_requirements(path.parent / name)
        if files is not None and not files:
            note = "its dependencies are computed when it is built; list them in requirements.txt"
            self.found.notes.append(f"{self._name(path)}: {note}")

    def _add_listed(self, requirement: str, path: Path) -> None:
        reason, problem = (
            reason_to_leave_requirement_out(requirement),
            requirement_problem(requirement),
        )
        if required_package_name(requirement) == "ffhost":
            self.found.ours.append(requirement)
        if reason is not None:
            self._leave_out([requirement])
            self.found.notes.append(f"{self._name(path)}: left out {requirement}: {reason}")
        elif problem is not None:
            self._problem(path, f"{requirement}: {problem}", _PUBLISH)
        else:
            self.found.names.add(required_package_name(requirement) or "")
            self.found.listed.append((requirement, self._name(path)))

    def _add_requirements(self, path: Path) -> None:
        if path in self._read:
            return
        if self._follow(path):
            self.found.hashed.append(self._name(path))
        else:
            self.found.plain.append(self._name(path))

    def _follow(self, path: Path) -> bool:
        """Read *path* and the files that it names; return whether any of them has hashes."""
        path = Path(os.path.abspath(path))
        if path in self._read:
            known = self._read[path]
            return known is not None and known.hashed
        self._read[path] = None
        if not path.is_relative_to(self._base):
            self._problem(path, "lies outside the configuration's folder", None)
            return False
        text = self._text(path)
        if text is None:
            return False
        file = self._read[path] = read_requirements(text)
        self._tell(file, path)
        own = self._base / REQUIREMENTS
        renamed: dict[str, str] = {}
        for _, name in file.references:
            if "://" not in name:
                other = Path(os.path.abspath(path.parent / name))
                file.hashed |= self._follow(other)
                if other == own:
                    renamed[name] = str(Path(name).with_name(OWN_REQUIREMENTS))
        self.found.files[self._name(path)] = file.copy(renamed).encode()
        self.found.names |= file.names
        self.found.ours += file.ours
        self._leave_out([each.text for each, _ in file.left_out])
        if file.includes_itself and (path.parent / PROJECT).is_file():
            self._add_project(path.parent / PROJECT)
        return file.hashed

    def _leave_out(self, requirements: Iterable[str]) -> None:
        for each in requirements:
            name = required_package_name(each)
            self.found.framework |= name == FRAMEWORK
            if name == FIREBASE and each not in self.found.apart:
                self.found.apart.append(each)
                self.found.names.add(FIREBASE)

    def _tell(self, file: RequirementFile, path: Path) -> None:
        shown = self._shown(path)
        self.found.notes += [
            f"{shown}:{entry.first}: left out {entry.text}: {reason}"
            for entry, reason in file.left_out
        ]
        for entry, message in file.wrong:
            hint = _PUBLISH if "path" in message else None
            self.found.problems.append(
                ConfigProblem("", message, _origin(shown, file, entry), hint)
            )

    def _name(self, path: Path) -> str:
        """Return the path of a file in the app."""
        if path == self._base / REQUIREMENTS:
            return OWN_REQUIREMENTS
        return path.relative_to(self._base).as_posix()

    def _shown(self, path: Path) -> str:
        inner = path.is_relative_to(self._base)
        return path.relative_to(self._base).as_posix() if inner else str(path)

    def _copy(self, path: Path) -> None:
        self.found.files[self._name(path)] = path.read_bytes().removeprefix(b"\xef\xbb\xbf")

    def _toml(self, path: Path) -> dict[str, Any] | None:
        text = self._text(path)
        try:
            return None if text is None else tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            text = str(error)
            self._problem(path, f"not valid TOML: {text[:1].lower()}{text[1:]}", None)
            return None

    def _text(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            self._problem(path, "cannot be read", None)
            return None

    def _problem(self, path: Path, message: str, hint: str | None) -> None:
        shown = self._shown(path)
        self.found.problems.append(
            ConfigProblem("", message, ValueOrigin(shown, Path(shown)), hint)
        )


_PUBLISH = "publish the package, or put its modules beside the function"


def _origin(shown: str, file: RequirementFile, entry: RequirementEntry) -> ValueOrigin:
    return ValueOrigin(shown, Path(shown), entry.first, 1, file.lines[entry.first - 1])


def app_files_by_folder(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder of the app with the files in it, for Dockerfile's COPY."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, _, last = name.rpartition("/")
        folders.setdefault(folder, []).append(last)
    yield from sorted(folders.items())
