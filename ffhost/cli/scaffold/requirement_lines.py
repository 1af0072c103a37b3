"""The line of a project's ``requirements.txt`` that names functions-framework."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ffhost.cli.scaffold.new_files import shown, write

_REQUIREMENT = re.compile(r"(?i)^\s*(?P<name>[a-z0-9][a-z0-9._-]*)\s*(?P<rest>[^#]*?)\s*(?:#.*)?$")


def replace_requirement(folder: Path, extras: Iterable[str]) -> list[str]:
    """Replace functions-framework by ffhost with *extras*; return what was done, line by line."""
    file = folder / "requirements.txt"
    wanted = f"ffhost{_in_brackets({*extras, *_used_extras(folder)})}"
    if not file.exists():
        return []
    done: list[str] = []
    kept: list[str] = []
    has_ours = False
    for line in file.read_text(encoding="utf-8-sig").splitlines():
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
