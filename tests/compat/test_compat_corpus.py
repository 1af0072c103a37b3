"""The corpus answers as functions-framework answered it, but for what docs/migrating.md lists.

The original's answers are recorded (``make compat`` runs it anew); ours are made in this
process, on both fronts.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ffhost.testing import client
from tests.compat.answers import Answer, differing, read_recorded
from tests.compat.cases import Case, all_cases, on_the_wire
from tests.compat.differences import read_differences, unexplained
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
    theirs = read_recorded()
    assert set(ours) <= set(theirs), "record the original's answers: make compat ARGS=--record"
    differ = [key for key, answer in ours.items() if differing(theirs[key], answer)]
    assert unexplained(differ, list(ours), read_differences()) == []


def test_the_page_shows_the_answers_of_both(ours: dict[str, Answer]) -> None:
    assert section_of(PAGE.read_text()) == render(CASES, read_recorded(), ours)


# Files whose answers do not depend on the path at which a function is mounted.
SHARED = ("aio_http", "error_handlers", "http_returns", "typed_functions")

# What docs/migrating.md says of a file: single-target mode alone keeps these habits.
OTHERWISE_IN_THE_FULL_HOST = {
    "aio_http.parts[0]",  # tells its path
    "typed_functions.doubled[0]",  # to_dict() is application/json
    "typed_functions.named[0]",
    "typed_functions.to_nothing[0]",  # 204
}


@pytest.mark.parametrize("front", ["asgi", "wsgi"])
def test_all_functions_answer_the_same_at_once_in_one_host(
    front: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("CORPUS_NOTES", str(notes))
    functions = {
        f"{case.file}_{case.function}": {
            "source": str(case.source),
            "target": case.function,
            **({} if case.signature is None else {"signature": case.signature}),
        }
        for case in CASES
    }
    (tmp_path / "functions.yaml").write_text(yaml.safe_dump({"version": 1, "functions": functions}))
    theirs, found = read_recorded(), {}
    with client(tmp_path / "functions.yaml", front=front) as host:
        for case in CASES:
            for index, sent in enumerate(case.requests):
                path, query, rest = sent.path.partition("?")
                listed = any(each.matches(case.key(index)) for each in read_differences())
                if case.file not in SHARED or path != "/" or listed:
                    continue
                answer = host.request(
                    sent.method,
                    f"/{case.file}_{case.function}{query}{rest}",
                    headers=on_the_wire(sent),
                    body=sent.chunks or sent.body,
                )
                found[case.key(index)] = Answer.of(answer.status, answer.fields, answer.body)
    differ = {
        key for key, answer in found.items() if set(differing(theirs[key], answer)) - {"notes"}
    }
    assert len(found) > 60
    assert differ == OTHERWISE_IN_THE_FULL_HOST
