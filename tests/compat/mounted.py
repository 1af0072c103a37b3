"""The tables of Flask's request and answers below a mount, and with hooks on the application.

Below a mount the original is Werkzeug's ``DispatcherMiddleware`` with its application, and ours a
function of a file with ``strip_path: true``. Hooks change no answer, so that the answers without
them are expected.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from tests.compat import original, servers
from tests.compat.answers import Answer, differing
from tests.compat.cases import HERE, Case, Sent, all_cases

MOUNT = "/mounted/here"
RECORDED = HERE / "answers_mounted"
_TABLES = ("flask_surface.accessors", "flask_surface.body_first", "flask_answers.forms")

OWN_BELOW_A_MOUNT = (
    "config APPLICATION_ROOT",
    "current_app.session_interface.get_cookie_path",
    "current_app.test_request_context()",
)
"""Accessors that name the mount here and ``/`` in the original; docs/migrating.md says why."""


def tables() -> list[Case]:
    """Return the cases of the tables."""
    return [case for case in all_cases() if case.name in _TABLES]


def hooked(case: Case) -> Case:
    """Return *case* with a source in which hooks hang on the application."""
    return replace(case, file=f"{case.file}_hooked")


def below(sent: Sent) -> Sent:
    """Return *sent* to the same path below the mount."""
    return replace(sent, path=MOUNT + sent.path)


def settings(case: Case, source: Path) -> str:
    """Return a configuration file with the function of *case*, of *source*, at the mount."""
    entry = {
        "source": str(source),
        "target": case.function,
        "path": MOUNT,
        "strip_path": True,
        "timeout": "unlimited",
    }
    return yaml.safe_dump({"functions": {case.function: entry}})


def run(*, mounted: bool, hooks: bool = False, theirs: bool = False) -> dict[str, Answer]:
    """Return one host's answers to the tables, by the keys of the requests."""
    found: dict[str, Answer] = {}
    for case in tables():
        served = hooked(case) if hooks else case
        with tempfile.TemporaryDirectory() as folder:
            command = _command(served, Path(folder), mounted=mounted, theirs=theirs)
            environment = {**os.environ, "FFHOST_SERVER__DRAIN_DELAY": "0s"}
            with servers.listening(command, environment, served.name) as port:
                for index, sent in enumerate(case.requests):
                    notes = Path(folder, "notes")
                    answer = servers.answer_to(port, below(sent) if mounted else sent, notes)
                    found[case.key(index)] = answer
    return found


def _command(case: Case, folder: Path, *, mounted: bool, theirs: bool) -> list[str]:
    from tests.compat.harness import OURS

    flags = ["--target", case.function, "--source", str(case.source)]
    (folder / "notes").touch()
    if theirs:
        program = [original.python(), str(HERE / "mounted_original.py"), "--mount", MOUNT]
        return [*program, *flags] if mounted else [*original.command(), *flags]
    if not mounted:
        return [*OURS, *flags]
    (folder / "functions.yaml").write_text(settings(case, case.source))
    return [*OURS, "-c", str(folder / "functions.yaml")]


def compare(theirs: Mapping[str, Answer], ours: Mapping[str, Answer]) -> list[str]:
    """Return what differs, one line for each accessor or request."""
    return [
        f"{key}: {line}"
        for key in ours
        if differing(theirs[key], ours[key])
        for line in _lines(theirs[key], ours[key])
    ]


def _lines(theirs: Answer, ours: Answer) -> Iterator[str]:
    if theirs.body[:2] == ours.body[:2] == b"[[" and theirs.status == ours.status:
        rows = zip(json.loads(theirs.body), json.loads(ours.body), strict=True)
        for (name, want), (_, got) in rows:
            if want != got and not (name in OWN_BELOW_A_MOUNT and MOUNT in got):
                yield f"{name}: {want} != {got}"
    else:
        yield f"{theirs.to_json()} != {ours.to_json()}"
