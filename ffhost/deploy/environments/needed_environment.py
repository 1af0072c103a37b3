"""Which environment a function needs: what is installed in it, and its name. Nothing is installed.

The name depends on all that the content depends on, so an environment is never changed: another
requirement means another environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

from ffhost import __version__
from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem, ValueOrigin
from ffhost.config.watched_requirements import FOLDER
from ffhost.deploy.app.extras import extras_imported_by_app
from ffhost.deploy.app.requirements import (
    FRAMEWORK,
    RequirementEntry,
    RequirementFile,
    read_requirements,
    required_package_name,
)
from ffhost.deploy.environments.version_conflicts import requirements_contradict
from ffhost.errors import ConfigError, LoadError
from ffhost.loading.targets import find_target_place


@dataclass(frozen=True)
class NeededEnvironment:
    """An environment that functions need.

    Args:
        place: its folder
        files: the requirement files, relative to the configuration's folder
        texts: what is installed: each file that is read, as it is given to the installer, by name
        given: the names of those that the installer is told; the others are named by these
        hashed: whether any requirement has hashes
        extras: the extras of ffhost that its function needs
        ours: what ffhost itself needs
    """

    place: Path
    files: tuple[str, ...]
    texts: dict[str, str]
    given: tuple[str, ...]
    hashed: bool
    extras: tuple[str, ...]
    ours: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Return the path of its Python."""
        return self.place / "bin" / "python"

    @property
    def record(self) -> Path:
        """Return the file that is written when it is complete."""
        return self.place / "ffhost.json"

    def state(self) -> str | None:
        """Return why it cannot be used; None if it can."""
        named = ", ".join(self.files)
        if not self.record.is_file():
            other = self._other_python()
            made = f"; there is one for Python {other}" if other else ""
            return f"the environment of {named} for Python {_python()} has not been made{made}"
        if not self.python.exists():
            return f"the Python that the environment of {named} was made with is gone"
        return None

    def _other_python(self) -> str | None:
        digest = self.place.name.rpartition("-")[2]
        for record in self.place.parent.glob(f"py*-{digest}/{self.record.name}"):
            return record.parent.name.removeprefix("py").partition("-")[0]
        return None

    def variables(self) -> dict[str, str]:
        """Return the variables that programs started in it find."""
        path = os.environ.get("PATH", os.defpath)
        return {"VIRTUAL_ENV": str(self.place), "PATH": f"{self.place / 'bin'}{os.pathsep}{path}"}


def environment_needed_by(config: LoadedConfig, name: str) -> NeededEnvironment | None:
    """Return the environment that the function *name* needs; None if it has no ``requirements``.

    Raises:
        ConfigError: its files cannot be read, or cannot be installed beside ffhost
    """
    settings = config.settings.functions[name]
    if settings.requirements is None:
        return None
    extras: set[str] = {settings.request or config.settings.defaults.request}
    extras &= {"flask", "starlette"}
    try:
        source = find_target_place(settings.target, settings.source, config.base).file
    except LoadError:
        source = None  # reported when it is loaded
    if source is not None:
        extras |= extras_imported_by_app(source)
    origin = config.locate(("functions", name, "requirements"))
    return environment_for_requirements(
        config.base, settings.requirements, extras, f"functions.{name}.requirements", origin
    )


def environment_for_requirements(
    base: Path,
    files: Sequence[str],
    extras: Iterable[str],
    path: str = "requirements",
    origin: ValueOrigin | None = None,
) -> NeededEnvironment:
    """Return the environment that requirement *files* below *base* ask for.

    Args:
        path: what names the files, for problems
        origin: where they are named

    Raises:
        ConfigError: they cannot be read, or cannot be installed beside ffhost
    """
    reader = _Reader(base, path, origin)
    given = tuple(dict.fromkeys(reader.add(base / file) for file in files))
    # functions-framework would have brought Flask
    extras = tuple(sorted({*extras, "flask"} if reader.has_framework else extras))
    ours = tuple(_text(each) for each in _ours(extras))
    reader.compare(ours)
    if reader.problems:
        raise ConfigError(reader.problems)
    text = json.dumps([reader.entries, ours, __version__, sys.platform, platform.machine()])
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    place = Path(os.path.abspath(base)) / FOLDER / f"py{_python()}-{digest}"
    return NeededEnvironment(place, tuple(files), reader.texts, given, reader.hashed, extras, ours)


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _ours(extras: Iterable[str]) -> Iterator[Requirement]:
    """Yield what ffhost needs with *extras*, without markers."""
    environments = [{"extra": extra} for extra in ("", *sorted(extras))]
    for each in map(Requirement, requires("ffhost") or []):
        if each.marker is None or any(map(each.marker.evaluate, environments)):
            each.marker = None
            yield each


def _text(requirement: Requirement) -> str:
    """Return *requirement* as every version of packaging writes it."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{','.join(sorted(map(str, requirement.specifier)))}"


class _Reader:
    """Reads requirement files and those that they name."""

    def __init__(self, base: Path, path: str, origin: ValueOrigin | None) -> None:
        self._base = base
        self._path = path
        self._origin = origin
        self._listed: list[tuple[str, ValueOrigin]] = []
        self._names: dict[Path, str] = {}
        self.problems: list[ConfigProblem] = []
        self.texts: dict[str, str] = {}
        self.entries: list[list[str]] = []
        self.hashed = False
        self.has_framework = False

    def add(self, file: Path) -> str:
        """Read *file*, once, and return its name in `texts`."""
        file = Path(os.path.abspath(file))
        if file in self._names:
            return self._names[file]
        name = self._names[file] = f"{len(self._names)}.txt"
        shown = os.path.relpath(file, self._base)
        self.texts[name] = ""
        try:
            read = read_requirements(file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            message = f"{shown}: {reason.lower()}"
            self.problems.append(ConfigProblem(self._path, message, self._origin))
            return name
        self.hashed = self.hashed or read.hashed
        self._judge(read, shown)
        renamed = {
            other: self.add(file.parent / other)
            for _, other in read.references
            if "://" not in other
        }
        self.texts[name] = read.copy(renamed)
        left_out = {entry for entry, _ in read.left_out}
        self.entries.append([each.text for each in read.entries if each not in left_out])
        return name

    def _judge(self, read: RequirementFile, shown: str) -> None:
        for entry in read.entries:
            self._listed.append((entry.text, _origin(shown, read, entry)))
        for entry, reason in read.left_out:
            if required_package_name(entry.text) == FRAMEWORK:
                self.has_framework = True
            else:
                message = f"{entry.text} cannot be installed: {reason}"
                origin = _origin(shown, read, entry)
                self.problems.append(ConfigProblem("", message, origin, "remove the line"))
        for entry, reason in read.wrong:
            message = reason.replace("the image", "an environment")
            self.problems.append(ConfigProblem("", message, _origin(shown, read, entry)))

    def compare(self, ours: Iterable[str]) -> None:
        """Report what contradicts a requirement of ffhost."""
        needed = {required_package_name(each): each for each in ours}
        for text, origin in self._listed:
            theirs = needed.get(required_package_name(text.partition(" --")[0]))
            if theirs is not None and requirements_contradict(text, theirs):
                message = f"{text} contradicts {theirs}, which ffhost needs"
                hint = "remove the line, or write a range that contains ffhost's"
                if not any(each.origin == origin for each in self.problems):
                    self.problems.append(ConfigProblem("", message, origin, hint))


def _origin(shown: str, file: RequirementFile, entry: RequirementEntry) -> ValueOrigin:
    return ValueOrigin(shown, Path(shown), entry.first, 1, file.lines[entry.first - 1])
