"""Errors of the host itself: a problem document with the id, and exactly one log entry."""

from __future__ import annotations

import logging
from collections.abc import Callable

import falcon
import pytest

from ffhost.errors import BadRequest
from ffhost.web import cors
from tests.conftest import Serve

CODE = "def f(request): return 'fine', 200, {'X-Mine': 'a', 'Content-Type': 'text/plain'}"
CONFIG = "functions: {f: {target: 'main.py:f', cors: {allow_origins: ['*']}}}"
IDENTITY = {"function-execution-id": "mine"}


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Make the host fail after a function has answered."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(cors, "permit_cross_origin", fail)


def entries(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the entries of the test's own host: calls of earlier tests may still be stuck."""
    return [each for each in caplog.records if "stuck" not in each.getMessage()]


def test_an_error_of_the_host_is_answered_with_its_id_and_logged_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host = serve(CODE, CONFIG)
    failing(monkeypatch, ZeroDivisionError("of the host"))
    caplog.set_level(logging.INFO)
    answer = host.get("/f?secret=1", headers=IDENTITY)
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["function-execution-id"] == "mine"
    assert "x-mine" not in answer.headers
    assert "x-google-status" not in answer.headers
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the host failed; its log entry host_error says why",
        "execution_id": "mine",
    }
    (entry,) = entries(caplog)
    assert entry.levelname == "ERROR"
    assert "host_error" in entry.getMessage()
    assert "ZeroDivisionError: of the host" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (falcon.HTTPUnprocessableEntity(description="why"), 422, "why"),
        (falcon.HTTPNotFound(headers={"X-Of-Falcon": "a"}), 404, "404 Not Found"),
        (BadRequest("mine", headers={"X-Of-Falcon": "a"}), 400, "mine"),
    ],
)
def test_what_falcon_refuses_is_a_problem_and_no_error(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    detail: str,
) -> None:
    host = serve(CODE, CONFIG)
    failing(monkeypatch, error)
    answer = host.get("/f", headers=IDENTITY)
    assert answer.status == status
    assert (answer.json()["detail"], answer.json()["execution_id"]) == (detail, "mine")
    if status < 422:
        assert answer.headers["x-of-falcon"] == "a"
    assert [each for each in entries(caplog) if each.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("make", [falcon.HTTPInternalServerError, falcon.HTTPServiceUnavailable])
def test_a_500_of_falcon_is_an_error_of_the_host(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[], Exception],
) -> None:
    host = serve(CODE, CONFIG)
    failing(monkeypatch, make())
    assert host.get("/f").status == 500
    assert len([each for each in caplog.records if "host_error" in each.getMessage()]) == 1
