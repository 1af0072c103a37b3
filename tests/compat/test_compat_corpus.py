"""The corpus answers as functions-framework answered it, but for what docs/migrating.md lists.

The original's answers are recorded (``make compat`` runs it anew); ours are made in this
process, on both fronts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ffhost.loading.targets import targets_defined_in_source
from ffhost.testing import client
from tests.compat.answers import Answer, differing, read_recorded
from tests.compat.cases import Case, all_cases, on_the_wire
from tests.compat.differences import IN_A_FILE, read_differences, unexplained
from tests.compat.older_flask import as_installed
from tests.compat.page import PAGE, render, section_of

CASES = [case for case in all_cases() if not case.live]


def answers_of(case: Case, front: str, notes: Path) -> dict[str, Answer]:
    environ = {"FUNCTION_TARGET": case.function, "FUNCTION_SOURCE": str(case.source)}
    if case.signature is not None:
        environ["FUNCTION_SIGNATURE_TYPE"] = case.signature
    found = {}
    with client(front=front, environ=environ, cwd=notes.parent) as host:
        for index, sent in enumerate(case.requests):
            notes.write_text("")
            body = sent.chunks or sent.body
            answer = host.request(sent.method, sent.path, headers=on_the_wire(sent), body=body)
            found[case.key(index)] = Answer.of(
                answer.status, answer.fields, answer.body, notes.read_text().splitlines()
            )
    return found


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def ours(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    notes = tmp_path_factory.mktemp("corpus") / "notes"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORPUS_NOTES", str(notes))
        answers: dict[str, Answer] = {}
        for case in CASES:
            answers |= answers_of(case, request.param, notes)
        return answers


def test_the_differences_are_exactly_those_that_are_listed(ours: dict[str, Answer]) -> None:
    theirs = as_installed(read_recorded())
    assert set(ours) <= set(theirs), "record the original's answers: make compat ARGS=--record"
    differ = [key for key, answer in ours.items() if differing(theirs[key], answer)]
    assert unexplained(differ, list(ours), read_differences()) == []


def test_the_page_shows_the_answers_of_both(ours: dict[str, Answer]) -> None:
    assert section_of(PAGE.read_text()) == render(CASES, read_recorded(), ours)


def entry_of(case: Case) -> dict[str, Any]:
    """Return what ``init --from-functions-framework`` would write for the function."""
    found: dict[str, Any] = {
        "source": str(case.source),
        "target": case.function,
        "timeout": "unlimited",
    }
    if case.signature is not None:
        found["signature"] = case.signature
    definition = targets_defined_in_source(case.source)[case.function]
    if (case.signature or definition.signature or "http") == "http":
        decorated = "functions_framework.aio.http" in definition.decorators
        found["strip_path"] = True
        found["request"] = "starlette" if decorated or definition.is_async else "flask"
    return found


@pytest.mark.parametrize("front", ["asgi", "wsgi"])
def test_in_one_file_the_differences_are_those_that_are_listed(
    front: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("CORPUS_NOTES", str(notes))
    cases = [case for case in CASES if not case.env]
    functions = {f"{case.file}_{case.function}": entry_of(case) for case in cases}
    (tmp_path / "functions.yaml").write_text(yaml.safe_dump({"functions": functions}))
    theirs, differ, keys = as_installed(read_recorded()), [], []
    with client(tmp_path / "functions.yaml", front=front) as host:
        for case in cases:
            for index, sent in enumerate(case.requests):
                notes.write_text("")
                path = sent.path.removeprefix("/") if sent.path[:2] in ("/", "/?") else sent.path
                answer = host.request(
                    sent.method,
                    f"/{case.file}_{case.function}{path}",
                    headers=on_the_wire(sent),
                    body=sent.chunks or sent.body,
                )
                ours = Answer.of(
                    answer.status, answer.fields, answer.body, notes.read_text().splitlines()
                )
                key = case.key(index)
                keys.append(key)
                if differing(theirs[key], ours) and not _is_listed(key):
                    differ.append(key)
    keys = [key for key in keys if not _is_listed(key)]
    assert len(keys) > 120
    assert unexplained(differ, keys, read_differences(IN_A_FILE)) == []


def _is_listed(key: str) -> bool:
    return any(each.matches(key) for each in read_differences())


def test_the_page_names_each_difference_of_a_file() -> None:
    page = " ".join(PAGE.read_text().split())
    for each in read_differences(IN_A_FILE):
        assert each.title in page, each.title
