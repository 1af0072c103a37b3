"""What user code and logs know of the call that they run in, and how they find it."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
import structlog

from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT, Invocation, current, invocation_of, log_fields
from ffhost.invocation.deadline import Deadline
from ffhost.web.messages import Message

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Named:
    """The least of a function that an invocation needs."""

    def __init__(self) -> None:
        self.name, self.config = "f", {"n": 1}


def call_with(**headers: str) -> Call:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    function: Any = Named()
    return Call(function, Message("GET", "/", headers=fields), "an-id")


def test_an_invocation_names_its_function_and_its_request() -> None:
    call = call_with(traceparent=f"00-{TRACE}-{SPAN}-01")
    call.event, call.error = "event", ValueError()
    seen = invocation_of(call)
    assert (seen.function, seen.function_name, seen.config) == (call.function, "f", {"n": 1})
    assert (seen.message, seen.execution_id) == (call.message, "an-id")
    assert (seen.trace_id, seen.span_id) == (TRACE, SPAN)
    assert (seen.started, seen.event, seen.error) == (call.started, "event", call.error)
    assert repr(seen) == "<Invocation an-id of f>"


def test_an_invocation_says_how_much_time_is_left() -> None:
    call = call_with()
    seen = Invocation(call)
    assert seen.deadline is seen.remaining is None
    call.deadline = Deadline()
    call.deadline.at = call.started + 1000
    assert seen.deadline == call.started + 1000
    assert seen.remaining is not None
    assert 0 < seen.remaining <= 1000


def test_the_log_of_an_invocation_is_bound_to_it() -> None:
    log = Invocation(call_with()).log
    assert structlog.get_context(log) == {"function": "f", "execution_id": "an-id"}


def test_code_finds_the_call_that_it_runs_in_and_outside_of_one_there_is_none() -> None:
    with pytest.raises(LookupError, match="no function is being called here"):
        current()
    assert log_fields() == {}
    call = call_with()

    def inside() -> None:
        CURRENT.set(call)
        seen = current()
        assert seen is current()
        assert seen.execution_id == "an-id"

    contextvars.copy_context().run(inside)


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({}, {}),
        ({"x_cloud_trace_context": TRACE}, {"trace_id": TRACE}),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, {"trace_id": TRACE, "span_id": SPAN}),
    ],
)
def test_log_entries_carry_the_ids_that_are_known(
    headers: dict[str, str], more: dict[str, str]
) -> None:
    def inside() -> dict[str, Any]:
        CURRENT.set(call_with(**headers))
        return log_fields()

    fields = contextvars.copy_context().run(inside)
    assert fields == {"function": "f", "execution_id": "an-id", **more}
