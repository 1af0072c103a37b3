"""What the end of a call is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ffhost.errors import BadRequest, NotFound, TooManyRequests, Unavailable
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.outcome import Outcome, outcome_kind_of_call
from ffhost.web.messages import Message


def ended(
    error: BaseException | None = None, *, late: bool = False, unavailable: Any = None
) -> Call:
    function: Any = SimpleNamespace(name="f", unavailable=unavailable)
    call = Call(function, Message("GET", "/"), "an-id")
    call.error, call.deadline = error, Deadline()
    call.deadline.passed = late
    return call


@pytest.mark.parametrize(
    ("call", "status", "kind"),
    [
        (ended(), 200, "ok"),
        (ended(), 399, "ok"),
        (ended(), 400, "client_error"),
        (ended(), 499, "client_error"),
        (ended(), 500, "crash"),
        (ended(BadRequest("no")), 400, "client_error"),
        (ended(BadRequest("no")), 200, "ok"),  # an error handler answered
        (ended(ValueError()), 500, "crash"),
        (ended(ValueError()), 404, "crash"),
        (ended(TooManyRequests("full")), 429, "rejected"),
        (ended(Unavailable("off")), 503, "rejected"),
        (ended(NotFound("gone"), unavailable=NotFound("gone")), 410, "rejected"),
        (ended(late=True), 200, "timeout"),  # a stream whose head had been sent
        (ended(ValueError(), late=True), 504, "timeout"),
        (ended(Unavailable("off"), late=True), 504, "timeout"),
    ],
)
def test_a_call_ends_in_one_of_five_ways(call: Call, status: int, kind: str) -> None:
    assert outcome_kind_of_call(call, status) == kind


def test_an_outcome_keeps_what_observers_want_to_know() -> None:
    error = ValueError()
    outcome = Outcome("crash", 500, 0.25, 7, error)
    assert (outcome.kind, outcome.status, outcome.duration_seconds) == ("crash", 500, 0.25)
    assert (outcome.sent_bytes, outcome.error) == (7, error)
    assert repr(outcome) == "Outcome('crash', 500, 0.250 s)"
    empty = Outcome("ok", 204, 0.0)
    assert (empty.sent_bytes, empty.error) == (0, None)
