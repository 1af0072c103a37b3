"""Dependencies that a ``pyproject.toml`` declares, as requirements. Nothing here reads files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def dependencies(project: dict[str, Any]) -> Iterator[str]:
    """Yield requirements: ``project.dependencies`` (PEP 621), and poetry's older form."""
    declared = project.get("project", {}).get("dependencies", [])
    yield from (each for each in declared if isinstance(each, str))
    poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for name, wanted in poetry.items() if not declared else ():
        if name != "python":
            yield from _poetry(name, wanted)


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
        yield f"{name}{extras} @ git+{form['git']}{at}{marker}"
    elif "url" in form or "path" in form:
        yield f"{name}{extras} @ {form['url']}{marker}" if "url" in form else f"-e {form['path']}"
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
