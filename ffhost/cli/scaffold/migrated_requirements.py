"""The lines of a project that install functions-framework, replaced by ones that install ffhost.

They stand in requirement files and those that they name, in ``pyproject.toml`` and in Dockerfiles.
The command ``functions-framework`` is ffhost's too, so the lines that start it stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ffhost.cli.scaffold.new_files import show_written_path, write_command_file

_REQUIREMENT = re.compile(r"(?i)^\s*(?P<name>[a-z0-9][a-z0-9._-]*)\s*(?P<rest>[^#]*?)\s*(?:#.*)?$")
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement)[\s=]*(\S+)")
_FRAMEWORK = r"functions[-_.]framework"
_VERSION = r"(?:\[[^\]]*\])?\s*(?:[=<>~!]=?[^\"'\s\\;&|]*)?"
_PROJECT_LIST = re.compile(rf"(?i)([\"']){_FRAMEWORK}{_VERSION}(?:\s*;(?:(?!\1).)*)?\1")
_PROJECT_TABLE = re.compile(rf"(?im)^{_FRAMEWORK}\s*=\s*.+$")
_INSTALLS = re.compile(r"\b(?:pip3?|uv|poetry|pipx|conda)\b.*\b(?:install|add)\b")
_WORD = re.compile(rf"(?i)(?<![\w./-])([\"']?){_FRAMEWORK}{_VERSION}\1(?=$|[\s;&|\\])")
_STARTS = re.compile(r"(?i)^\s*(?:CMD|ENTRYPOINT|HEALTHCHECK|#|ENV|LABEL|EXPOSE)\b|^\s*#")
_OURS = re.compile(r"(?im)^\s*ffhost\b|[\"']ffhost\b")


def migrate_requirement_lines(folder: Path, extras: Iterable[str], top: Path) -> list[str]:
    """Replace functions-framework by ffhost with *extras*; return what was done, line by line.

    Args:
        folder: the project
        top: the folder of the configuration: requirements may stand in a folder between
    """
    wanted = f"ffhost{_in_brackets({*extras, *_used_extras(folder)})}"
    files = list(dict.fromkeys(_requirement_files(folder / "requirements.txt")))
    done = [line for file in files for line in _in_requirements(file, wanted)]
    done += _in_project(folder / "pyproject.toml", wanted)
    mended = [line for file in _dockerfiles(folder) for line in _in_dockerfile(file, wanted)]
    if done or any(line.endswith(f"by {wanted!r}") for line in mended):
        return [*done, *mended]
    return [*mended, *_added(folder, wanted, top)]


def _requirement_files(file: Path) -> Iterator[Path]:
    if not file.is_file():
        return
    yield file
    for line in _read(file).splitlines():
        included = _INCLUDED.match(line)
        if included and (file.parent / included[1]).resolve() != file.resolve():
            yield from _requirement_files(file.parent / included[1])


def _in_requirements(file: Path, wanted: str) -> list[str]:
    done: list[str] = []
    kept: list[str] = []
    has_ours = False
    for line in _read(file).splitlines():
        match = _REQUIREMENT.match(line)
        name = re.sub(r"[-_.]+", "-", match["name"]).lower() if match else ""
        if name == "functions-framework":
            done.append(f"{show_written_path(file)}: {line.strip()!r} replaced by {wanted!r}")
            line = wanted
        elif name == "cloudevents" and match and re.match(r"(==|<|~=)\s*1|<\s*2", match["rest"]):
            done.append(
                f"{show_written_path(file)}: {line.strip()!r} removed; "
                "ffhost installs cloudevents 2, and old imports keep working"
            )
            continue
        if line == wanted and has_ours:
            continue
        has_ours = has_ours or line == wanted
        kept.append(line)
    if done:
        write_command_file(file, "\n".join(kept) + "\n")
    return done


def _in_project(file: Path, wanted: str) -> list[str]:
    """Replace it in ``project.dependencies``, and in poetry's table."""
    if not file.is_file():
        return []
    text = _read(file)
    name, _, inner = wanted.partition("[")
    extras = ", ".join(f'"{each}"' for each in inner.rstrip("]").split(",") if each)
    table = f'{name} = {{version = "*", extras = [{extras}]}}' if extras else f'{name} = "*"'
    changed, count = _PROJECT_LIST.subn(f'"{wanted}"', text)
    changed, others = _PROJECT_TABLE.subn(table, changed)
    if not count + others:
        return []
    write_command_file(file, changed)
    done = [f"{show_written_path(file)}: functions-framework replaced by {wanted!r}"]
    for lock, tool in (("uv.lock", "uv"), ("poetry.lock", "poetry")):
        if (file.parent / lock).exists():
            done.append(
                f"{show_written_path(file.parent / lock)} is out of date now; run: {tool} lock"
            )
    return done


def _dockerfiles(folder: Path) -> list[Path]:
    found = {*folder.glob("Dockerfile"), *folder.glob("Dockerfile.*"), *folder.glob("*.Dockerfile")}
    return sorted(each for each in found if each.is_file())


def _in_dockerfile(file: Path, wanted: str) -> list[str]:
    """Replace it where a line installs it; name the other lines that need a look."""
    done: list[str] = []
    lines = _read(file).splitlines(keepends=True)
    installs = False
    for index, line in enumerate(lines):
        continued = index > 0 and lines[index - 1].rstrip().endswith("\\")
        installs = bool(_INSTALLS.search(line)) or (installs and continued)
        starts = _STARTS.match(line) and not continued
        if starts or not re.search(_FRAMEWORK, line, re.IGNORECASE):
            continue
        quoted = f"'{wanted}'" if "[" in wanted else wanted
        changed, count = _WORD.subn(quoted, line) if installs else (line, 0)
        where = f"{show_written_path(file)}:{index + 1}"
        if count:
            lines[index] = changed
            done.append(f"{where}: functions-framework replaced by {wanted!r}")
        else:
            done.append(f"{where} names functions-framework; install {wanted!r} in its place")
    if any(each.endswith(f"by {wanted!r}") for each in done):
        write_command_file(file, "".join(lines))
    return done


def _added(folder: Path, wanted: str, top: Path) -> list[str]:
    """Add ffhost if nothing from *folder* up to *top* names it."""
    folder, top = folder.resolve(), top.resolve()
    above = [each for each in (folder, *folder.parents) if each.is_relative_to(top)] or [folder]
    names = ("requirements.txt", "pyproject.toml")
    listed = [each / name for each in above for name in names if (each / name).is_file()]
    if any(_OURS.search(_read(file)) for file in listed):
        return []
    project, requirements = folder / "pyproject.toml", folder / "requirements.txt"
    if project.is_file() and not requirements.is_file():
        tool = "poetry" if "[tool.poetry" in _read(project) else "uv"
        return [f"{show_written_path(project)} does not name ffhost; run: {tool} add '{wanted}'"]
    before = _read(requirements) if requirements.is_file() else ""
    separator = "" if not before or before.endswith("\n") else "\n"
    write_command_file(requirements, f"{before}{separator}{wanted}\n")
    return [f"{show_written_path(requirements)}: {wanted!r} added"]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig", errors="replace")


def _used_extras(folder: Path) -> set[str]:
    """Return the extras that the sources need: functions-framework brought Flask with it."""
    text = "\n".join(
        each.read_text(encoding="utf-8", errors="replace") for each in folder.glob("*.py")
    )
    extras = set()
    if re.search(r"^\s*(?:import|from) (?:flask|werkzeug)\b", text, re.MULTILINE):
        extras.add("flask")
    if re.search(r"functions_framework\.aio|functions_framework import aio", text) or re.search(
        r"^\s*(?:import|from) starlette\b", text, re.MULTILINE
    ):
        extras.add("starlette")
    return extras


def _in_brackets(extras: set[str]) -> str:
    return f"[{','.join(sorted(extras))}]" if extras else ""
