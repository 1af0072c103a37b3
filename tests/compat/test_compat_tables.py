"""Flask's request and answers below a mount, and with hooks, are as the original has them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.testing import client
from tests.compat import mounted
from tests.compat.answers import Answer, read_recorded
from tests.compat.cases import CORPUS, Case, on_the_wire
from tests.compat.corpus.flask_answers import FORMS
from tests.compat.corpus.flask_surface import ACCESSORS
from tests.compat.older_flask import as_installed
from tests.compat.page import PAGE


def answers_of(case: Case, front: str, folder: Path, *, is_mounted: bool) -> dict[str, Answer]:
    """Return the answers of a copy of the source, which no other test has loaded."""
    source = folder / case.source.name
    environ, config = {}, None
    if is_mounted:
        config = folder / "functions.yaml"
        config.write_text(mounted.settings(case, source))
    else:
        environ = {"FUNCTION_TARGET": case.function, "FUNCTION_SOURCE": str(source)}
    found = {}
    with client(config, front=front, environ=environ, cwd=folder) as host:
        for index, given in enumerate(case.requests):
            sent = mounted.below(given) if is_mounted else given
            body = sent.chunks or sent.body
            answer = host.request(sent.method, sent.path, headers=on_the_wire(sent), body=body)
            found[case.key(index)] = Answer.of(answer.status, answer.fields, answer.body)
    return found


@pytest.fixture(autouse=True)
def no_module_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what plain module names leave in the interpreter."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("is_mounted", "hooks", "front"),
    [  # alone and without hooks they are part of the corpus
        (False, True, "asgi"),
        (True, False, "asgi"),
        (True, False, "wsgi"),
        (True, True, "wsgi"),
    ],
    ids=["alone-hooked-asgi", "mounted-asgi", "mounted-wsgi", "mounted-hooked-wsgi"],
)
def test_everything_that_flask_has_answers_as_in_the_original(
    is_mounted: bool, hooks: bool, front: str, tmp_path: Path
) -> None:
    """With hooks on the application all of Flask runs, which else is made when asked for."""
    recorded = read_recorded(mounted.RECORDED) if is_mounted else read_recorded()
    theirs = as_installed(recorded)
    folder = tmp_path / "copy"
    shutil.copytree(CORPUS, folder)
    for case in mounted.tables():
        served = mounted.hooked(case) if hooks else case
        ours = answers_of(served, front, folder, is_mounted=is_mounted)
        named = {key.replace(served.name, case.name): answer for key, answer in ours.items()}
        assert mounted.compare(theirs, named) == []


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert (len(ACCESSORS) >= 120, len(FORMS) >= 60) == (True, True)


def test_the_page_names_what_differs_below_a_mount() -> None:
    page = PAGE.read_text()
    for name in mounted.OWN_BELOW_A_MOUNT:
        assert f"`{name}`" in page
