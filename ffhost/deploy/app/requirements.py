"""Requirement files: read, united, and checked against each other.

All functions of a host share one environment, so their files become one. Nothing here knows
configurations; only pip knows whether a version exists.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import requires as requirements_of
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ffhost.config.diagnostics import Origin, Problem
from ffhost.deploy.app.pyproject import dependencies

OURS = "ffhost"
DROPPED = frozenset({"functions-framework"})
"""What ffhost replaces. It needs an older cloudevents and cannot be installed beside ffhost."""

_HASH = re.compile(r"\s--hash[= ]\S+")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDED = re.compile(r"(?:-r|--requirement)(?:\s*=\s*|\s*)(\S.*)")
_CONSTRAINED = re.compile(r"(?:-c|--constraint)(?:\s*=\s*|\s*)(\S.*)")
_SOLE = re.compile(r"(?:-i|--index-url)(?:\s*=\s*|\s+)(\S+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One requirement and its place in a file."""

    requirement: Requirement
    origin: Origin

    @property
    def name(self) -> str:
        """Return the normalized name (PEP 503)."""
        return str(canonicalize_name(self.requirement.name))

    @property
    def marker(self) -> str:
        """Return the environment marker as text; empty if there is none."""
        return str(self.requirement.marker or "")


@dataclass(slots=True)
class Read:
    """The contents of requirement files.

    Args:
        wanted: packages in the order of the files
        constraints: versions of packages that other packages may need
        options: options of pip such as ``--extra-index-url``
        dropped: packages that ffhost replaces
        unhashed: files that had hashes, which united files cannot keep
    """

    wanted: list[Wanted] = field(default_factory=list)
    constraints: list[Wanted] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    dropped: list[Wanted] = field(default_factory=list)
    unhashed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    def add(self, path: Path, base: Path, *, constraints: bool = False) -> None:
        """Read the file at *path* and those that it names, each once."""
        if path.resolve() in self._seen:
            return
        self._seen.add(path.resolve())
        shown = _shown(path, base)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            self.problems.append(Problem("", "cannot be read", Origin(shown, Path(shown))))
            return
        for number, raw, line in _lines(text):
            origin = Origin(shown, Path(shown), number, 1, raw)
            self._add_line(line, origin, path, base, constraints)

    def add_project(self, path: Path, base: Path) -> None:
        """Read what the ``pyproject.toml`` at *path* declares."""
        shown = _shown(path, base)
        try:
            project = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            self.problems.append(Problem("", "cannot be read", Origin(shown, Path(shown))))
            return
        for line in dependencies(project):
            self._add_line(line, Origin(shown, Path(shown)), path, base, False)

    def _add_line(
        self, line: str, origin: Origin, path: Path, base: Path, constraints: bool
    ) -> None:
        bare = _HASH.sub("", line)
        if bare != line and origin.label not in self.unhashed:
            self.unhashed.append(origin.label)
        for pattern, as_constraints in ((_INCLUDED, constraints), (_CONSTRAINED, True)):
            named = pattern.fullmatch(bare)
            if named:
                self.add(path.parent / named[1].strip("\"'"), base, constraints=as_constraints)
                return
        if bare.startswith("-") and not bare.startswith(("-e", "--editable")):
            self._add_option(bare, origin)
            return
        try:
            wanted = Wanted(Requirement(bare), origin)
        except InvalidRequirement:
            self.problems.append(_unreadable(bare, origin))
            return
        if wanted.name in DROPPED:
            self.dropped.append(wanted)
        else:
            (self.constraints if constraints else self.wanted).append(wanted)

    def _add_option(self, option: str, origin: Origin) -> None:
        if option in self.options or option == "--require-hashes":
            return
        mine, others = _SOLE.fullmatch(option), [each for each in self.options if _SOLE.match(each)]
        if mine and others:
            message = "another file names another index, and pip takes one"
            hint = "name one of them with --extra-index-url"
            self.problems.append(Problem("", message, origin, hint))
        self.options.append(option)


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield number, first line and whole text of each entry: lines joined, comments removed."""
    pending, start, first = "", 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        if not pending:
            start, first = number, raw
        line = raw if raw.lstrip().startswith("#") else pending + raw
        if line.endswith("\\"):
            pending = line[:-1] + " "
            continue
        pending = ""
        line = _COMMENT.sub("", line).strip()
        if line:
            yield start, first, line


def _unreadable(line: str, origin: Origin) -> Problem:
    if line.startswith(("-e", ".", "/", "file:")) or line.endswith((".whl", ".tar.gz")):
        return Problem(
            "",
            "a path cannot be installed in the image",
            origin,
            "publish the package, or put its modules beside the function",
        )
    return Problem("", f"expected a requirement such as 'requests>=2.31', got {line!r}", origin)


def _shown(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def ours(extras: Iterable[str], version: str) -> Wanted:
    """Return the requirement of this version of ffhost."""
    names = ",".join(sorted(extras))
    text = f"{OURS}[{names}]=={version}" if names else f"{OURS}=={version}"
    return Wanted(Requirement(text), Origin("ffhost build"))


def needed_by_us(extras: Iterable[str]) -> list[Wanted]:
    """Return what the installed ffhost needs."""
    try:
        declared = requirements_of(OURS) or []
    except PackageNotFoundError:
        return []
    environments = [{"extra": extra} for extra in (*extras, "")]
    wanted = []
    for requirement in map(Requirement, declared):
        marker = requirement.marker
        if marker is None or any(marker.evaluate(each) for each in environments):
            requirement.marker = None
            wanted.append(Wanted(requirement, Origin("ffhost")))
    return wanted


def conflicts(wanted: Sequence[Wanted], beneath: Sequence[Wanted]) -> Iterator[Problem]:
    """Return a problem for each pair that cannot be installed together.

    Args:
        wanted: the requirements of the files
        beneath: the requirements of ffhost
    """
    for index, mine in enumerate(wanted):
        for other in (*wanted[:index], *beneath):
            if mine.name == other.name and _meet(mine, other) and _contradict(mine, other):
                yield _conflict(mine, other)
                break


def _meet(mine: Wanted, other: Wanted) -> bool:
    """Whether one environment can match both markers."""
    return mine.marker == other.marker or not (mine.marker and other.marker)


def _contradict(mine: Wanted, other: Wanted) -> bool:
    first, second = mine.requirement, other.requirement
    if first.url or second.url:
        return bool(first.url and second.url and first.url != second.url)
    return _empty(first.specifier & second.specifier)


def _empty(specifiers: SpecifierSet) -> bool:
    """Whether no version satisfies *specifiers*.

    The versions in *specifiers* and those next to them are tried: a range that contains a version
    contains one of these.
    """
    named = [each.version.removesuffix(".*") for each in specifiers if each.operator != "==="]
    if not named or any(each.operator == "===" for each in specifiers):
        return False
    candidates = [each for text in named for each in _around(Version(text))]
    candidates.append(Version("0"))
    return not any(specifiers.contains(each, prereleases=True) for each in candidates)


def _around(version: Version) -> list[Version]:
    """Return *version*, the smallest version before it, the next after it, and one between."""
    release = ".".join(map(str, version.release))
    *head, last = version.release
    following = ".".join(map(str, (*head, last + 1)))
    return [version, *map(Version, (f"{release}.dev0", following, f"{release}.0.1"))]


def _conflict(mine: Wanted, other: Wanted) -> Problem:
    theirs = f"{other.requirement} of {other.origin.short}"
    hint = "write a version that both accept, or serve the functions in two hosts"
    if other.origin.label == OURS:
        theirs = f"{other.requirement}, which ffhost needs"
        hint = "remove the line, or write a range that contains ffhost's"
        if mine.name == "cloudevents":
            hint = "remove the line: ffhost has the names of cloudevents 1"
    return Problem("", f"{mine.requirement} contradicts {theirs}", mine.origin, hint)


def unite(wanted: Sequence[Wanted]) -> list[str]:
    """Return one line for each package, sorted by name, with the files that need it."""
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for each in wanted:
        groups.setdefault((each.name, each.marker), []).append(each)
    return [_united(groups[key]) for key in sorted(groups)]


def _united(group: list[Wanted]) -> str:
    first = group[0].requirement
    united = Requirement(str(first))
    for other in group[1:]:
        united.specifier &= other.requirement.specifier
        united.extras |= other.requirement.extras
        united.url = united.url or other.requirement.url
    files = dict.fromkeys(each.origin.label for each in group)
    return f"{united}  # {', '.join(files)}"
