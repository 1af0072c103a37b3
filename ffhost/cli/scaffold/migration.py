"""From functions-framework projects to one functions.yaml: ``ffhost init --from-…``.

Sources are read, never run. Decorators are certain; the way in which a project is started shows
which undecorated functions are targets; otherwise their parameters decide, and a note says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ffhost.cli.exit_messages import CommandFailed
from ffhost.cli.scaffold.new_files import shown, write
from ffhost.cli.scaffold.templates import HEADING, identifier
from ffhost.config import DEFAULT_FILE
from ffhost.errors import LoadError
from ffhost.loading.targets import FoundFunction, defined_functions

_START_FILES = (
    "Procfile",
    "Dockerfile",
    "Makefile",
    "app.yaml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
    "compose.yaml",
    ".env",
    "project.toml",
)
_WORD = r"""[=\s:]+["']?(?P<value>[A-Za-z_][\w.]*)["']?"""
_TARGET = re.compile(rf"(?:--target|--entry-point|FUNCTION_TARGET){_WORD}")
_SIGNATURE = re.compile(rf"(?:--signature-type|FUNCTION_SIGNATURE_TYPE){_WORD}")
_SOURCE = re.compile(r"""(?:--source|FUNCTION_SOURCE)[=\s:]+["']?(?P<value>[\w./-]+\.py)""")
_REQUIREMENT = re.compile(r"(?i)^\s*(?P<name>[a-z0-9][a-z0-9._-]*)\s*(?P<rest>[^#]*?)\s*(?:#.*)?$")
_SKIPPED = {"tests", "test", "venv", ".venv", "node_modules", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Found:
    """A function for the configuration.

    ``signature`` is what the entry must say, None where a decorator says it; ``reason`` tells
    how the function was found, for the comment of its entry.
    """

    attribute: str
    file: Path
    signature: str | None
    reason: str


def migrate(folder: Path, sources: list[Path]) -> str:
    """Write ``functions.yaml`` into *folder* for the projects in *sources*; return what was done.

    Raises:
        CommandFailed: a folder holds no functions, or the file exists already
    """
    config = folder / DEFAULT_FILE
    if config.exists():
        raise CommandFailed(f"{shown(config)} exists already; nothing was written")
    found: dict[Path, list[Found]] = {}
    for source in sources:
        if not source.is_dir():
            raise CommandFailed(f"{str(source)!r} is not a folder")
        found[source] = list(find_functions(source))
        if not found[source]:
            raise CommandFailed(
                f"no function was found in {source}",
                "mark it with @functions_framework.http or the like, or write its entry by hand",
            )
    names = _names(found)
    write(config, _configuration(folder, found, names))
    lines = [f"wrote {shown(config)}"]
    for source, functions in found.items():
        lines += [
            f"  {names[each]}: {shown(each.file)}:{each.attribute} ({each.reason})"
            for each in functions
        ]
        lines += [f"  {line}" for line in replace_requirement(source)]
    option = "" if folder.resolve() == Path.cwd() else f" -c {config}"
    lines += ["", f"next:\n  ffhost check{option}\n  ffhost serve{option}"]
    return "\n".join(lines) + "\n"


def find_functions(folder: Path) -> Iterator[Found]:
    """Find the functions of one project.

    Raises:
        CommandFailed: a source cannot be read
    """
    started = _started(folder)
    files = _files(folder, started)
    functions = [(file, each) for file in files for each in _defined(file)]
    decorated = [(file, each) for file, each in functions if each.signature is not None]
    for file, each in decorated:
        yield Found(each.name, file, None, f"decorated as {each.signature}")
    target = started.get("target")
    rest = [(file, each) for file, each in functions if each.signature is None]
    if target is not None:
        yield from (
            Found(each.name, file, _said(started), f"named in {started['where']}")
            for file, each in rest
            if each.name == target
        )
    elif not decorated:
        for file, each in rest:
            signature = guess(each)
            if signature is not None:
                yield Found(each.name, file, signature, "guessed from its parameters")


def _said(started: dict[str, str]) -> str | None:
    signature = started.get("signature")
    return signature if signature in ("http", "cloudevent", "event", "typed") else "http"


def guess(function: FoundFunction) -> str | None:
    """Guess the signature of an undecorated function; None if it does not look like a target."""
    names = [each.lower().lstrip("_") for each in function.parameters]
    first = next(iter(function.annotations), None) or ""
    if function.required == 1 and (first.endswith("CloudEvent") or names[:1] in _EVENT_NAMES):
        return "cloudevent"
    if function.required == 1 and (first.endswith("Request") or names[:1] in _REQUEST_NAMES):
        return "http"
    return "event" if function.required == 2 and names[1:2] in (["context"], ["ctx"]) else None


_EVENT_NAMES = (["cloud_event"], ["cloudevent"])
_REQUEST_NAMES = (["request"], ["req"])


def _started(folder: Path) -> dict[str, str]:
    """Read target, signature and source from the files that start the project."""
    for name in _START_FILES:
        file = folder / name
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        target = _TARGET.search(text)
        if target is None:
            continue
        said = {"target": target["value"], "where": name}
        for key, pattern in (("signature", _SIGNATURE), ("source", _SOURCE)):
            match = pattern.search(text)
            if match is not None:
                said[key] = match["value"]
        return said
    return {}


def _files(folder: Path, started: dict[str, str]) -> list[Path]:
    """Return the source that is started, else ``main.py``, else every file except tests."""
    for name in filter(None, (started.get("source"), "main.py")):
        if (folder / name).is_file():
            return [folder / name]
    return sorted(
        each
        for each in folder.glob("*.py")
        if each.name not in ("setup.py", "conftest.py", "wsgi.py", "asgi.py")
        and not each.name.startswith("test_")
        and not _SKIPPED & set(each.relative_to(folder).parts)
    )


def _defined(file: Path) -> list[FoundFunction]:
    try:
        return list(defined_functions(file).values())
    except LoadError as error:
        raise CommandFailed(f"{shown(file.parent)}: {error.message}") from error


def _names(found: dict[Path, list[Found]]) -> dict[Found, str]:
    """Return the name of each function, with its folder in front where two have the same name."""
    everything = [(source, each) for source, group in found.items() for each in group]
    count: dict[str, int] = {}
    for _, each in everything:
        form = _form(each.attribute)
        count[form] = count.get(form, 0) + 1
    names: dict[Found, str] = {}
    taken: set[str] = set()
    for source, each in everything:
        name = each.attribute
        if count[_form(name)] > 1:
            name = f"{source.resolve().name}-{name}"
        name = re.sub(r"[^A-Za-z0-9_-]", "-", name).lstrip("-_0123456789")[:60] or "function"
        number, plain = 2, name
        while _form(name) in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(_form(name))
        names[each] = name
    return names


def _form(name: str) -> str:
    return identifier(name).upper()


def _configuration(folder: Path, found: dict[Path, list[Found]], names: dict[Found, str]) -> str:
    entries = []
    for functions in found.values():
        for each in functions:
            where = Path(os.path.relpath(each.file, folder)).as_posix()
            entry = f"  {names[each]}:\n    target: {where}:{each.attribute}\n"
            if each.signature is not None:
                entry += f"    signature: {each.signature}  # {each.reason}\n"
            entries.append(entry)
    return f"{HEADING}version: 1\n\nfunctions:\n" + "\n".join(entries)


def replace_requirement(folder: Path) -> list[str]:
    """Replace functions-framework by ffhost; return what was done, line by line."""
    file = folder / "requirements.txt"
    wanted = f"ffhost{_extras(folder)}"
    if not file.exists():
        return []
    done: list[str] = []
    kept: list[str] = []
    has_ours = False
    for line in file.read_text(encoding="utf-8").splitlines():
        match = _REQUIREMENT.match(line)
        name = re.sub(r"[-_.]+", "-", match["name"]).lower() if match else ""
        if name == "functions-framework":
            done.append(f"{shown(file)}: {line.strip()!r} replaced by {wanted!r}")
            line = wanted
        elif name == "cloudevents" and match and re.match(r"(==|<|~=)\s*1|<\s*2", match["rest"]):
            done.append(
                f"{shown(file)}: {line.strip()!r} removed; ffhost installs cloudevents 2, and old "
                "imports keep working"
            )
            continue
        if line == wanted and has_ours:
            continue
        has_ours = has_ours or line == wanted
        kept.append(line)
    if done:
        write(file, "\n".join(kept) + "\n")
    return done or [f"{shown(file)} does not name functions-framework; add {wanted!r}"]


def _extras(folder: Path) -> str:
    """Return the extras that the sources need: functions-framework brought Flask with it."""
    text = "\n".join(
        each.read_text(encoding="utf-8", errors="replace") for each in folder.glob("*.py")
    )
    extras = []
    if re.search(r"^\s*(?:import|from) (?:flask|werkzeug)\b", text, re.MULTILINE):
        extras.append("flask")
    if re.search(r"functions_framework\.aio|functions_framework import aio", text) or re.search(
        r"^\s*(?:import|from) starlette\b", text, re.MULTILINE
    ):
        extras.append("starlette")
    return f"[{','.join(extras)}]" if extras else ""
