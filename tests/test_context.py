"""What is known of a call: its ids, its time, and how code finds the call that it runs in."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from ffhost.context import (
    CURRENT,
    Invocation,
    Outcome,
    current,
    execution_id,
    log_fields,
    trace_ids,
)
from ffhost.messages import Message

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Named:
    """The least of a function that an invocation needs."""

    name = "f"
    signature = "http"
    config: Mapping[str, Any] = {"n": 1}


def invocation(**headers: str) -> Invocation:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Invocation(Named(), Message("GET", "/", headers=fields), "an-id")


@pytest.mark.parametrize("given", ["a", "A-z_0.9", "x" * 64])
def test_an_execution_id_of_safe_characters_is_taken(given: str) -> None:
    assert execution_id(given) == given


@pytest.mark.parametrize(
    "given", [None, "", " ", "two words", "a b", "a,b", "a\n", "a\r\nb: c", "é", "a/b", "x" * 65]
)
def test_another_execution_id_is_replaced_by_one_of_ours(given: str | None) -> None:
    made = execution_id(given)
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert made != execution_id(given)


@pytest.mark.parametrize(
    ("headers", "ids"),
    [
        ({}, (None, None)),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, (TRACE, SPAN)),
        ({"traceparent": f"01-{TRACE}-{SPAN}-01-more"}, (TRACE, SPAN)),
        ({"traceparent": f"ff-{TRACE}-{SPAN}-01"}, (None, None)),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, (None, None)),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, (None, None)),
        ({"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"}, (None, None)),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01more"}, (None, None)),
        ({"x_cloud_trace_context": TRACE}, (TRACE, None)),
        ({"x_cloud_trace_context": f"{TRACE.upper()}/255;o=1"}, (TRACE, "00000000000000ff")),
        ({"x_cloud_trace_context": f"{TRACE}/1"}, (TRACE, "0000000000000001")),
        ({"x_cloud_trace_context": f"{TRACE}/0"}, (TRACE, None)),
        ({"x_cloud_trace_context": f"{TRACE}/{2**64 - 1}"}, (TRACE, "f" * 16)),
        ({"x_cloud_trace_context": f"{TRACE}/{2**64}"}, (TRACE, None)),
        ({"x_cloud_trace_context": f"{'0' * 32}/1"}, (None, None)),
        ({"x_cloud_trace_context": "nonsense"}, (None, None)),
        (
            {"traceparent": "nonsense", "x_cloud_trace_context": f"{TRACE}/1"},
            (TRACE, "0000000000000001"),
        ),
        (
            {"traceparent": f"00-{TRACE}-{SPAN}-01", "x_cloud_trace_context": f"{'1' * 32}/1"},
            (TRACE, SPAN),
        ),
    ],
)
def test_a_call_has_the_trace_of_its_caller(
    headers: dict[str, str], ids: tuple[str | None, str | None]
) -> None:
    call = invocation(**headers)
    assert (call.trace_id, call.span_id) == ids == trace_ids(call.message)
    assert call.ids == ids  # written out once, at the first look


def test_a_call_has_the_trace_of_its_own_span_if_it_is_traced() -> None:
    class Span:
        trace_id, span_id = 0xABC, 0xDEF

    call = invocation(traceparent=f"00-{TRACE}-{SPAN}-01")
    call.span_context = lambda: Span
    assert call.span_id == "0000000000000def"
    assert call.trace_id == "00000000000000000000000000000abc"


def test_a_call_says_how_much_time_is_left_and_never_less_than_none() -> None:
    call = invocation()
    assert call.remaining is None
    call.deadline = call.started + 1000
    assert 0 < call.remaining <= 1000
    call.deadline = call.started - 1000
    assert call.remaining == 0


def test_a_call_names_its_function_and_hands_out_its_values() -> None:
    call = invocation()
    assert (call.function_name, call.config) == ("f", {"n": 1})
    assert repr(call) == "<Invocation an-id of f>"


def test_an_outcome_says_how_a_call_ended() -> None:
    error = ValueError()
    outcome = Outcome("crash", 500, 0.25, 7, error)
    assert (outcome.kind, outcome.status, outcome.duration_seconds) == ("crash", 500, 0.25)
    assert (outcome.sent_bytes, outcome.error) == (7, error)
    assert repr(outcome) == "Outcome('crash', 500, 0.250 s)"
    empty = Outcome("ok", 204, 0.0)
    assert (empty.sent_bytes, empty.error) == (0, None)


def test_the_log_of_a_call_is_bound_to_it_once() -> None:
    call = invocation()
    assert call.log is call.log
    assert structlog.get_context(call.log) == {"function": "f", "execution_id": "an-id"}


def test_code_finds_the_call_that_it_runs_in_and_outside_of_one_there_is_none() -> None:
    with pytest.raises(LookupError, match="no function is being called here"):
        current()
    assert log_fields() == {}
    call = invocation()

    def inside() -> None:
        CURRENT.set(call)
        assert current() is call

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
        CURRENT.set(invocation(**headers))
        return log_fields()

    fields = contextvars.copy_context().run(inside)
    assert fields == {"function": "f", "execution_id": "an-id", **more}
