"""From functions-framework projects to one functions.yaml: ``ffhost init --from-…``.

Sources are read, never run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ffhost.cli.exit_messages import CommandFailed
from ffhost.cli.scaffold.container_variables import (
    MigratedVariables,
    quote_scaffold_yaml,
    read_migrated_variables,
)
from ffhost.cli.scaffold.migrated_functions import (
    MigratedFunction,
    MigratedProject,
    read_migrated_project,
)
from ffhost.cli.scaffold.migrated_projects import find_projects_to_migrate
from ffhost.cli.scaffold.migrated_requirements import migrate_requirement_lines
from ffhost.cli.scaffold.new_files import show_written_path, write_command_file
from ffhost.cli.scaffold.schema_file import scaffold_schema_file
from ffhost.cli.scaffold.templates import HEADING, template_identifier
from ffhost.config import DEFAULT_FILE, ConfigSources


@dataclass(frozen=True)
class _Migration:
    """Everything that was read: projects and variables by their folders, names of functions."""

    projects: dict[Path, MigratedProject]
    variables: dict[Path, MigratedVariables]
    names: dict[MigratedFunction, str]

    @property
    def wants_flask(self) -> bool:
        """Whether ``defaults.request`` is to be ``flask``."""
        return any(
            each.request == "flask"
            for project in self.projects.values()
            for each in project.functions
        )


def migrate_projects(folder: Path, sources: list[Path]) -> str:
    """Write ``functions.yaml`` into *folder* for the projects in *sources*; return what was done.

    Raises:
        CommandFailed: a folder holds no functions, or the file exists already
    """
    config = folder / DEFAULT_FILE
    if config.exists():
        raise CommandFailed(f"{show_written_path(config)} exists already; nothing was written")
    projects = dict(_projects(sources))
    sources = list(projects)
    variables = {source: read_migrated_variables(source) for source in sources}
    found = _Migration(projects, variables, _names(projects))
    write_command_file(config, "".join(_configuration(folder, found)))
    schema = scaffold_schema_file(folder)
    lines = [f"wrote {show_written_path(config)}"]
    for source in sources:
        lines += [f"  {line}" for line in _report(source, found, folder)]
    lines.append(f"wrote {show_written_path(schema)}")
    option = "" if folder.resolve() == Path.cwd() else f" -c {config}"
    lines += [*_checked(config), "", f"next:\n  ffhost check{option}\n  ffhost serve{option}"]
    return "\n".join(lines) + "\n"


def _projects(sources: list[Path]) -> Iterator[tuple[Path, MigratedProject]]:
    """Yield the projects that *sources* are, and those below them."""
    for source in sources:
        if not source.is_dir():
            raise CommandFailed(f"{str(source)!r} is not a folder")
        found = {
            each: read_migrated_project(each)
            for each in (source, *find_projects_to_migrate(source))
        }
        projects = {each: project for each, project in found.items() if project.functions}
        if not projects:
            raise CommandFailed(
                f"no function was found in {source}",
                "mark it with @functions_framework.http or the like, or write its entry by hand",
            )
        yield from projects.items()


def _report(source: Path, found: _Migration, top: Path) -> Iterator[str]:
    """Return what was done for one folder, line by line."""
    project, variables = found.projects[source], found.variables[source]
    for each in project.functions:
        place = f"{show_written_path(each.file)}:{each.attribute}"
        yield f"{found.names[each]}: {place} ({each.reason})"
    for file, name, reason in project.left_out:
        yield f"left out {show_written_path(file)}:{name}: {reason}"
    if variables.secrets:
        names = ", ".join(variables.secrets)
        yield f"{source.name}: set {names} where the host runs; secrets are not written down"
    yield from variables.notes
    flask = {"flask"} if any(each.request == "flask" for each in project.functions) else set()
    yield from migrate_requirement_lines(source, flask, top)


def _checked(config: Path) -> list[str]:
    """Return what ``ffhost check --no-import`` says of the new file."""
    from ffhost.cli.full_check import run_full_check
    from ffhost.config.diagnostics import show_config_problems

    given = ConfigSources(config=str(config), environ=dict(os.environ), cwd=Path.cwd())
    problems = run_full_check(given, read_only=True).problems
    if not problems:
        return ["", "checked without importing: no problems"]
    return ["", "checked without importing:", show_config_problems(problems, color=False).rstrip()]


def _names(projects: dict[Path, MigratedProject]) -> dict[MigratedFunction, str]:
    """Return the name of each function, with its folder in front where two have the same name."""
    everything = [
        (source, each) for source, project in projects.items() for each in project.functions
    ]
    count: dict[str, int] = {}
    for _, each in everything:
        form = _form(each.attribute)
        count[form] = count.get(form, 0) + 1
    names: dict[MigratedFunction, str] = {}
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
    return template_identifier(name).upper()


def _configuration(folder: Path, found: _Migration) -> Iterator[str]:
    yield f"{HEADING}version: 1\n\n"
    if found.wants_flask:
        yield "defaults:\n  request: flask  # what functions-framework gives plain functions\n\n"
    yield "functions:\n"
    entries = [
        "".join(_entry(folder, each, found, source))
        for source, project in found.projects.items()
        for each in project.functions
    ]
    yield "\n".join(entries)


def _entry(
    folder: Path, function: MigratedFunction, found: _Migration, source: Path
) -> Iterator[str]:
    where = Path(os.path.relpath(function.file, folder)).as_posix()
    variables = found.variables[source]
    yield f"  {found.names[function]}:\n    target: {where}:{function.attribute}\n"
    if function.signature is not None:
        yield f"    signature: {function.signature}  # {function.reason}\n"
    if function.request == "starlette" and found.wants_flask:
        yield "    request: starlette\n"
    if function.path_use is not None:
        line, text = function.path_use
        yield f"    strip_path: true  # line {line} looks at {text}\n"
    for key, value in variables.settings.items():
        yield f"    {key}: {value}\n"
    yield from _environment(variables)


def _environment(variables: MigratedVariables) -> Iterator[str]:
    if variables.values or variables.secrets:
        yield f"    env:  # from {', '.join(variables.where)}\n"
    for name, value in variables.values.items():
        yield f"      {name}: {quote_scaffold_yaml(value)}\n"
    for name in variables.secrets:
        yield f"      {name}: {{from_env: {name}}}\n"
