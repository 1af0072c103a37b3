"""What a ``pyproject.toml`` and a lock beside it declare. Nothing here reads files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from ffhost.deploy.app.requirements import FRAMEWORK, required_package_name

LOCKS = {"uv.lock": "uv", "poetry.lock": "poetry"}
"""Names of lock files, and what installs them."""


@dataclass(frozen=True, slots=True)
class DependencyLock:
    """A lock file and what it holds.

    Args:
        path: where it is in the app
        tool: ``uv`` or ``poetry``
        names: the packages that it holds, normalized
    """

    path: str
    tool: str
    names: frozenset[str]

    @property
    def folder(self) -> str:
        """Return the folder of the lock and of its ``pyproject.toml``; ``.`` for the app's."""
        return self.path.rpartition("/")[0] or "."

    @property
    def has_framework(self) -> bool:
        """Whether functions-framework is to be left out."""
        return FRAMEWORK in self.names


def read_dependency_lock(path: str, content: dict[str, Any]) -> DependencyLock:
    """Return what the lock file at *path* holds."""
    packages = content.get("package", [])
    names = frozenset(str(canonicalize_name(str(each["name"]))) for each in packages)
    return DependencyLock(path, LOCKS[path.rpartition("/")[2]], names)


def local_packages_in_lock(content: dict[str, Any]) -> Iterator[str]:
    """Yield the packages of a lock that come from folders other than its own."""
    for each in content.get("package", []):
        source = each.get("source", {})
        kinds = ("editable", "directory", "virtual", "path")
        place = next((source[kind] for kind in kinds if kind in source), None)
        if source.get("type") in ("directory", "file"):
            place = source.get("url")
        if place is not None and place != ".":
            yield f"{each['name']} ({place})"


def pyproject_requirements(project: dict[str, Any]) -> Iterator[str]:
    """Yield requirements: ``project.dependencies`` (PEP 621), or poetry's older form."""
    declared = project.get("project", {}).get("dependencies", [])
    yield from (each for each in declared if isinstance(each, str))
    poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for name, wanted in poetry.items() if not declared else ():
        if name != "python":
            yield from _poetry(name, wanted)


def requirements_only_uv_finds(project: dict[str, Any]) -> Iterator[str]:
    """Yield requirements of *project* that ``tool.uv.sources`` takes from elsewhere."""
    sources = project.get("tool", {}).get("uv", {}).get("sources", {})
    elsewhere = {str(canonicalize_name(each)) for each in sources}
    yield from (
        each for each in pyproject_requirements(project) if required_package_name(each) in elsewhere
    )


def pyproject_requirement_files(project: dict[str, Any]) -> Sequence[str] | None:
    """Return the files that setuptools reads dynamic dependencies from.

    Returns:
        Empty if they are computed otherwise; None if the dependencies are not dynamic.
    """
    if "dependencies" not in project.get("project", {}).get("dynamic", []):
        return None
    setuptools = project.get("tool", {}).get("setuptools", {})
    files = setuptools.get("dynamic", {}).get("dependencies", {}).get("file", [])
    return [files] if isinstance(files, str) else files


def _poetry(name: str, wanted: Any) -> Iterator[str]:
    if isinstance(wanted, list):
        for each in wanted:
            yield from _poetry(name, each)
        return
    form = wanted if isinstance(wanted, dict) else {"version": str(wanted)}
    if form.get("optional"):
        return
    extras = f"[{','.join(form['extras'])}]" if form.get("extras") else ""
    marker = f"; {form['markers']}" if form.get("markers") else ""
    if "git" in form:
        at = next((f"@{form[key]}" for key in ("rev", "tag", "branch") if key in form), "")
        yield f"{name}{extras} @ git+{form['git']}{at} {marker}".rstrip()
    elif "url" in form:
        yield f"{name}{extras} @ {form['url']} {marker}".rstrip()
    elif "path" in form:
        yield f"-e {form['path']}"
    else:
        yield f"{name}{extras}{_specifiers(str(form.get('version', '*')))}{marker}"


def _specifiers(text: str) -> str:
    """Return poetry's ``^1.2``, ``~1.2``, ``1.2`` or ``*`` as specifiers of PEP 440."""
    return ",".join(filter(None, (_specifier(each.strip()) for each in text.split(","))))


def _specifier(text: str) -> str:
    if text == "*":
        return ""
    match = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)", text)
    if match:
        return f">={match[2]},<{_next(match[1], [int(each) for each in match[2].split('.')])}"
    return f"=={text}" if re.match(r"\d", text) else text


def _next(operator: str, release: list[int]) -> str:
    """Return the first version that ``^`` or ``~`` of *release* does not allow."""
    if operator == "~":
        place = min(1, len(release) - 1)
    else:
        place = next((i for i, each in enumerate(release) if each), len(release) - 1)
    return ".".join(map(str, [*release[:place], release[place] + 1]))
