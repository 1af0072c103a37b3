"""The environment that a functions-framework project gives its function, read from its files.

``ENV`` lines of a Dockerfile, ``.env``, and the ``env.yaml`` that gcloud takes. What the host sets
itself, and what is about the image and not about the function, is left out.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.dotenv import read_dotenv
from ffhost.config.nodes import ConfigText

_OF_THE_IMAGE = re.compile(
    r"(?:APP_HOME|DEBIAN_FRONTEND|HOME|HOST|LANG|LC_\w+|PATH|PORT|PYTHON\w+|USER|VIRTUAL_ENV|WORKERS"
    r"|DEBUG|FUNCTION_\w+|ENTRY_POINT|FFHOST_\w+|PIP_\w+|UV_\w+|POETRY_\w+|GUNICORN_\w+"
    r"|LOG_EXECUTION_ID)"
)
_SECRET = re.compile(
    r"(?i)(?:secret|token|passw|credential|private|api_?key|(?:^|_)(?:key|dsn|pwd)$|webhook_url)"
)
_SETTINGS = {"CLOUD_RUN_TIMEOUT_SECONDS": ("timeout", "{}s"), "THREADS": ("concurrency", "{}")}
"""Variables of functions-framework that are settings of a function."""


@dataclass
class MigratedVariables:
    """The variables of one project.

    Args:
        values: by name, without secrets
        secrets: names whose values look like secrets, which are not written into a file
        settings: settings of the function, by key, as YAML
        where: the files that were read
        notes: what was left out, and why
    """

    values: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    where: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        """Add one variable where it belongs."""
        if name in _SETTINGS and value.isdigit():
            if int(value):
                key, form = _SETTINGS[name]
                self.settings[key] = form.format(value)
        elif _OF_THE_IMAGE.fullmatch(name):
            return
        elif _SECRET.search(name):
            if name not in self.secrets:
                self.secrets.append(name)
        else:
            self.values[name] = value


def read_migrated_variables(folder: Path) -> MigratedVariables:
    """Read the variables of the project in *folder*; what gcloud or a shell adds comes last."""
    found = MigratedVariables()
    for name, read in (
        ("Dockerfile", _of_dockerfile),
        (".env", _of_dotenv),
        ("env.yaml", _of_yaml),
        (".env.yaml", _of_yaml),
    ):
        try:
            text = (folder / name).read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            continue
        for key, value in read(text, f"{folder.name}/{name}", found.notes).items():
            before = (dict(found.values), list(found.secrets), dict(found.settings))
            found.add(key, value)
            changed = before != (found.values, found.secrets, found.settings)
            if changed and name not in found.where:
                found.where.append(name)
    return found


def quote_scaffold_yaml(text: str) -> str:
    """Return *text* as a quoted scalar that stays as it is."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${")


def _of_dockerfile(text: str, where: str, notes: list[str]) -> dict[str, str]:
    """Return the ``ENV`` lines of the last stage; each may use those before it."""
    lines = re.sub(r"\\[ \t]*\n(?:\s*#.*\n)*", " ", text).splitlines()
    starts = [at for at, line in enumerate(lines) if re.match(r"(?i)\s*FROM\s", line)]
    found: dict[str, str] = {}
    for line in lines[starts[-1] if starts else 0 :]:
        match = re.match(r"(?i)\s*ENV\s+(.+)", line)
        if match is None:
            continue
        for name, value in _assignments(match[1]):
            expanded = re.sub(r"\$\{?(\w+)\}?", lambda each: found.get(each[1], each[0]), value)
            if "$" in expanded and not _OF_THE_IMAGE.fullmatch(name):
                notes.append(f"{where}: {name} is left out; it uses a variable of the image")
            else:
                found[name] = expanded
    return found


def _assignments(text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text, comments=False)
    except ValueError:
        return []
    if words and "=" not in words[0]:  # the old form: ENV NAME the whole rest
        return [(words[0], text.split(None, 1)[1].strip())] if len(words) > 1 else []
    return [(name, value) for name, _, value in (word.partition("=") for word in words) if name]


def _of_dotenv(text: str, where: str, notes: list[str]) -> dict[str, str]:
    problems: list[ConfigProblem] = []
    found = read_dotenv(ConfigText(where, text=text), problems)
    notes += [f"{where}: {each.message}" for each in problems]
    return {name: value for name, (value, _) in found.items()}


def _of_yaml(text: str, where: str, notes: list[str]) -> dict[str, str]:
    try:
        found = yaml.load(text, yaml.BaseLoader)  # strings only
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        notes.append(f"{where} is not a mapping; it was not read")
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str)}
