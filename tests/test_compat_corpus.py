"""The corpus answers as functions-framework answered it, but for what docs/migrating.md lists.

The original's answers are recorded (``make compat`` runs it anew); ours are made in this
process, on both fronts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

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
