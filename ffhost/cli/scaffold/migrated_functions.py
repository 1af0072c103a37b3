"""The functions of a functions-framework project, found by reading its files.

Decorators are certain; the way in which a project is started shows which undecorated functions
are targets; otherwise their parameters decide. What is left out is told with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ffhost.cli.exit_messages import CommandFailed
from ffhost.cli.scaffold.new_files import show_written_path
from ffhost.cli.scaffold.path_use import find_path_use_to_migrate
from ffhost.errors import LoadError
from ffhost.loading.targets import TargetDefinition, targets_defined_in_source

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
_SKIPPED = {"tests", "test", "venv", ".venv", "node_modules", "__pycache__"}
_FLASK = re.compile(r"^\s*(?:import|from) (?:flask|werkzeug)\b", re.MULTILINE)
_NOT_FUNCTIONS = frozenset({"functions_framework.errorhandler", "ffhost.error_handler"})


@dataclass(frozen=True, slots=True)
class MigratedFunction:
    """A function for the configuration.

    Args:
        signature: what the entry must say, None where a decorator says it
        reason: how the function was found, for the comment of its entry
        request: ``flask`` or ``starlette``: what functions-framework gives it; None if the
            function says so itself, or gets no request
        path_use: line and text of the place where it looks at the path, None if it does not
    """

    attribute: str
    file: Path
    signature: str | None
    reason: str
    request: str | None = None
    path_use: tuple[int, str] | None = None


@dataclass
class MigratedProject:
    """What was found in one folder; ``left_out`` are names with the reasons, by file."""

    functions: list[MigratedFunction] = field(default_factory=list)
    left_out: list[tuple[Path, str, str]] = field(default_factory=list)


def read_migrated_project(folder: Path) -> MigratedProject:
    """Find the functions of one project.

    Raises:
        CommandFailed: a source cannot be read
    """
    started = _started(folder)
    functions = [(file, each) for file in _files(folder, started) for each in _defined(file)]
    decorated = any(each.signature is not None for _, each in functions)
    project = MigratedProject()
    for file, each in functions:
        found = _judge(file, each, started, decorated)
        if isinstance(found, MigratedFunction):
            project.functions.append(found)
        elif found:
            project.left_out.append((file, each.name, found))
    project.functions.sort(key=lambda each: each.signature is not None)  # decorated ones first
    return project


def _judge(
    file: Path, function: TargetDefinition, started: dict[str, str], decorated: bool
) -> MigratedFunction | str:
    """Return the function for the configuration, or why it is left out; nothing to say: empty."""
    if function.signature is not None:
        return _found(file, function, None, f"decorated as {function.signature}")
    if function.name == started.get("target"):
        return _found(file, function, _said(started), f"named in {started['where']}")
    if function.name.startswith("_") or _NOT_FUNCTIONS & set(function.decorators):
        return ""
    signature = guess_migrated_signature(function)
    if signature is None:
        parameters = ", ".join(function.parameters)
        return f"its parameters are ({parameters}), and it has no decorator"
    if signature != "event" and "target" in started:
        return f"it has no decorator, and {started['where']} names {started['target']!r}"
    if signature != "event" and decorated:
        return "it has no decorator, and others have one"
    return _found(file, function, signature, "guessed from its parameters")


def _found(
    file: Path, function: TargetDefinition, signature: str | None, reason: str
) -> MigratedFunction:
    if (signature or function.signature) != "http":
        return MigratedFunction(function.name, file, signature, reason)
    return MigratedFunction(
        function.name,
        file,
        signature,
        reason,
        _request(function, file),
        find_path_use_to_migrate(file, function.name),
    )


def _request(function: TargetDefinition, file: Path) -> str | None:
    if "functions_framework.aio.http" in function.decorators or function.is_async:
        return "starlette"
    text = file.read_text(encoding="utf-8", errors="replace")
    return "flask" if function.signature is None or _FLASK.search(text) else None


def _said(started: dict[str, str]) -> str | None:
    signature = started.get("signature")
    return signature if signature in ("http", "cloudevent", "event", "typed") else "http"


def guess_migrated_signature(function: TargetDefinition) -> str | None:
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
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
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


def _defined(file: Path) -> list[TargetDefinition]:
    try:
        return list(targets_defined_in_source(file).values())
    except LoadError as error:
        raise CommandFailed(f"{show_written_path(file.parent)}: {error.message}") from error
