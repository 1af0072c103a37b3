"""Problem details: whole answers for what went wrong."""

from __future__ import annotations

import json

from ffhost.errors import FieldError, MethodNotAllowed, TooManyRequests, UnprocessableContent
from ffhost.web.problems import crash, problem


def test_a_problem_names_what_the_caller_can_mend() -> None:
    error = UnprocessableContent("it does not fit", errors=[FieldError("a.b", "is missing")])
    reply = problem(error, "abc")
    assert reply.status == 422
    assert reply.headers == [("content-type", "application/problem+json")]
    assert json.loads(reply.body) == {
        "type": "about:blank",
        "title": "Unprocessable Content" if error.title.endswith("Content") else error.title,
        "status": 422,
        "detail": "it does not fit",
        "execution_id": "abc",
        "errors": [{"field": "a.b", "message": "is missing"}],
    }


def test_header_fields_and_members_of_an_error_are_sent() -> None:
    refused = problem(MethodNotAllowed("no", headers={"Allow": "GET, POST"}))
    assert refused.headers[1:] == [("Allow", "GET, POST")]
    assert "execution_id" not in json.loads(refused.body)
    assert json.loads(problem(TooManyRequests("full", queue=3)).body)["queue"] == 3


def test_a_crash_shows_nothing_of_its_message_but_in_debug() -> None:
    error = ValueError("password is hunter2")
    reply = crash("abc", error=error)
    assert reply.status == 500
    assert reply.headers == [
        ("content-type", "application/problem+json"),
        ("x-google-status", "crash"),
    ]
    assert b"hunter2" not in reply.body
    shown = json.loads(crash("abc", debug=True, error=error).body)
    assert shown["detail"] == "ValueError: password is hunter2"


def test_text_that_is_no_unicode_does_not_break_a_problem() -> None:
    assert crash(debug=True, error=ValueError("\ud800")).status == 500
