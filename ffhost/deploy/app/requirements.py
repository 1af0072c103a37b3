"""Requirement files as an image gets them. Nothing here reads files; resolving is left to pip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

FRAMEWORK = "functions-framework"
"""What ffhost replaces. It needs an older cloudevents and cannot be installed beside ffhost."""

FIREBASE = "firebase-functions"
"""It pins functions-framework and cloudevents 1, so that pip installs it without dependencies."""

_OPTION = re.compile(r"\s--?[a-z][a-z-]*[= ]\S+")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_REFERENCE = re.compile(
    r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(?P<name>\S.*)"
)
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
_SELF = re.compile(r"(?:(?:-e|--editable)[ =]\s*)?(?:file:)?\./?(?:\[[^]]*\])?")


@dataclass(frozen=True, slots=True)
class RequirementEntry:
    """One entry of a file.

    Args:
        text: its lines joined, without comments
        first: number of its first line
        count: number of its lines
    """

    text: str
    first: int
    count: int


@dataclass(slots=True)
class RequirementFile:
    """What a requirement file says.

    Args:
        lines: the file as it is
        entries: what is in it
        names: the packages that it lists, normalized (PEP 503)
        ours: the requirements of ffhost itself among them
        hashed: whether entries have hashes
        includes_itself: whether it installs the project that it belongs to
        references: other files that it names, by their entries
        left_out: entries that the image does without, with the reason
        wrong: entries that no image could install, with what is wrong
    """

    lines: list[str]
    entries: list[RequirementEntry] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    ours: list[str] = field(default_factory=list)
    hashed: bool = False
    includes_itself: bool = False
    references: list[tuple[RequirementEntry, str]] = field(default_factory=list)
    left_out: list[tuple[RequirementEntry, str]] = field(default_factory=list)
    wrong: list[tuple[RequirementEntry, str]] = field(default_factory=list)

    def copy(self, renamed: Mapping[str, str]) -> str:
        """Return the text for the image: what is left out is commented out.

        Args:
            renamed: files that have another name in the app, as this file refers to them
        """
        lines = list(self.lines)
        for entry, _ in self.left_out:
            for index in range(entry.first - 1, entry.first - 1 + entry.count):
                lines[index] = f"# left out by ffhost build: {lines[index]}"
        for entry, name in self.references:
            if name in renamed:
                lines[entry.first - 1] = entry.text.replace(name, renamed[name])
        return "\n".join(lines) + "\n"


def read_requirements(text: str) -> RequirementFile:
    """Read the *text* of a requirement file."""
    file = RequirementFile(text.removeprefix("\ufeff").splitlines())
    for entry in _entries(file.lines):
        file.entries.append(entry)
        _add(file, entry)
    return file


def requirement_problem(requirement: str) -> str | None:
    """Return why the image cannot install *requirement*; None if it can."""
    text = requirement.strip()
    if text.startswith(("-e", "--editable", ".", "/", "file:")) or "@ file:" in text:
        return "a path cannot be installed in the image"
    if text.endswith((".whl", ".tar.gz")) and "://" not in text:
        return "a path cannot be installed in the image"
    if _name(text) is None and "://" not in text:
        return f"expected a requirement such as 'requests>=2.31', got {text!r}"
    return None


def required_package_name(requirement: str) -> str | None:
    """Return the normalized name of the package in *requirement*; None if it says none."""
    name = _name(requirement)
    return None if name is None else str(canonicalize_name(name))


def reason_to_leave_requirement_out(requirement: str) -> str | None:
    """Return why an image with ffhost does without *requirement*; None if it does not."""
    name = required_package_name(requirement)
    if name == FRAMEWORK:
        return "ffhost takes its place"
    if name == FIREBASE:
        return "a step of its own installs it, without what it pins"
    if name == "cloudevents" and _needs_cloudevents_1(requirement):
        return "ffhost has the names of cloudevents 1"
    return None


def requirement_accepts(requirement: str, version: str) -> bool:
    """Whether *requirement* leaves open where the package comes from, and accepts *version*."""
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return False
    return wanted.url is None and wanted.specifier.contains(version, prereleases=True)


def _add(file: RequirementFile, entry: RequirementEntry) -> None:
    reference = _REFERENCE.fullmatch(entry.text)
    if reference:
        file.references.append((entry, reference["name"].strip("\"'")))
        return
    file.hashed = file.hashed or " --hash" in entry.text
    requirement = _OPTION.sub("", entry.text)
    if _SELF.fullmatch(entry.text):
        file.includes_itself = True
        file.left_out.append((entry, "its modules are in the app"))
    elif entry.text.startswith("-") and not entry.text.startswith(("-e", "--editable")):
        return
    elif (reason := reason_to_leave_requirement_out(requirement)) is not None:
        file.left_out.append((entry, reason))
    elif (problem := requirement_problem(requirement)) is not None:
        file.wrong.append((entry, problem))
    else:
        name = required_package_name(requirement) or ""
        file.names.add(name)
        if name == "ffhost":
            file.ours.append(requirement)


def _entries(lines: list[str]) -> Iterator[RequirementEntry]:
    """Yield the entries of a file, as pip joins its lines."""
    pending, start = "", 0
    for number, raw in enumerate(lines, 1):
        if not pending:
            start = number
        if raw.lstrip().startswith("#"):
            line = pending
        elif raw.endswith("\\"):
            pending += raw[:-1] + " "
            continue
        else:
            line = pending + raw
        pending = ""
        line = _COMMENT.sub("", line).strip()
        if line:
            yield RequirementEntry(line, start, number - start + 1)
    if pending.strip():
        yield RequirementEntry(_COMMENT.sub("", pending).strip(), start, len(lines) - start + 1)


def _name(text: str) -> str | None:
    egg = _EGG.search(text)
    if egg:
        return egg[1]
    try:
        return Requirement(text).name
    except InvalidRequirement:
        return None


def _needs_cloudevents_1(requirement: str) -> bool:
    try:
        specifier = Requirement(requirement).specifier
    except InvalidRequirement:
        return False
    return specifier != SpecifierSet() and not any(
        specifier.contains(version, prereleases=True) for version in ("2.0.0", "2.1.0", "2.99.0")
    )
