"""Problem details: whole answers for what went wrong."""

from __future__ import annotations

import json
from pathlib import Path

from ffhost.errors import FieldError, MethodNotAllowed, TooManyRequests, UnprocessableContent
from ffhost.web.problems import BATCH_INDEX, crash_problem, problem_reply


def test_a_problem_names_what_the_caller_can_mend() -> None:
    error = UnprocessableContent("it does not fit", errors=[FieldError("a.b", "is missing")])
    reply = problem_reply(error, "abc")
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
    refused = problem_reply(MethodNotAllowed("no", headers={"Allow": "GET, POST"}))
    assert refused.headers[1:] == [("Allow", "GET, POST")]
    assert "execution_id" not in json.loads(refused.body)
    assert json.loads(problem_reply(TooManyRequests("full", queue=3)).body)["queue"] == 3


def test_a_crash_shows_nothing_of_its_message_but_in_debug() -> None:
    error = ValueError("password is hunter2")
    reply = crash_problem("abc", error=error)
    assert reply.status == 500
    assert reply.headers == [
        ("content-type", "application/problem+json"),
        ("x-google-status", "crash"),
    ]
    assert b"hunter2" not in reply.body
    shown = json.loads(crash_problem("abc", error, stack="where").body)
    assert shown["detail"] == "ValueError: password is hunter2"


def test_text_that_is_no_unicode_does_not_break_a_problem() -> None:
    assert crash_problem(error=ValueError("\ud800"), stack="\ud800").status == 500


def test_a_problem_without_faulty_fields_lists_none() -> None:
    assert json.loads(problem_reply(TooManyRequests("full")).body) == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "full",
    }


def test_a_problem_is_readable_in_any_language_and_ends_its_line() -> None:
    reply = problem_reply(TooManyRequests("zu viele für 東京", where=Path("/a")))
    assert "für 東京".encode() in reply.body
    assert reply.body.endswith(b"}\n")
    assert json.loads(reply.body)["where"] == "/a"  # whatever it is, it is written


def test_a_crash_in_debug_shows_its_stack_line_by_line_and_none_where_there_is_none() -> None:
    stack = "Traceback (most recent call last):\nValueError: out of order\n"
    shown = json.loads(crash_problem(error=ValueError("out of order"), stack=stack).body)
    assert shown["traceback"] == stack.splitlines()
    assert json.loads(crash_problem("abc").body) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the function crashed",
        "execution_id": "abc",
    }


def test_an_error_of_a_batch_names_the_event_in_which_it_happened() -> None:
    refused, crashed = TooManyRequests("full"), ValueError()
    setattr(refused, BATCH_INDEX, 0)
    setattr(crashed, BATCH_INDEX, 2)
    assert json.loads(problem_reply(refused).body)["index"] == 0
    assert json.loads(crash_problem(error=crashed).body)["index"] == 2
    assert "index" not in json.loads(crash_problem(error=ValueError()).body)
