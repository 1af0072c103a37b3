"""The ids of a call: which ones of callers are taken, and what is made for the others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ffhost.invocation.call import Call
from ffhost.invocation.ids import choose_execution_id, read_trace_ids
from ffhost.web.messages import Message

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def call_with(**headers: str) -> Call:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    function: Any = None  # nobody asks for it here
    return Call(function, Message("GET", "/", headers=fields), "an-id")


@pytest.mark.parametrize("given", ["a", "A-z_0.9", "x" * 64])
def test_an_execution_id_of_safe_characters_is_taken(given: str) -> None:
    assert choose_execution_id(given) == given


@pytest.mark.parametrize(
    "given", [None, "", " ", "two words", "a b", "a,b", "a\n", "a\r\nb: c", "é", "a/b", "x" * 65]
)
def test_another_execution_id_is_replaced_by_one_of_ours(given: str | None) -> None:
    made = choose_execution_id(given)
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert made != choose_execution_id(given)


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
    call = call_with(**headers)
    assert (call.trace_id, call.span_id) == ids == read_trace_ids(call.message)
    assert call.ids == ids  # written out once, at the first look


def test_a_call_has_the_trace_of_its_own_span_if_it_is_traced() -> None:
    class Span:
        trace_id, span_id = 0xABC, 0xDEF

    call = call_with(traceparent=f"00-{TRACE}-{SPAN}-01")
    call.span_context = lambda: Span
    assert call.span_id == "0000000000000def"
    assert call.trace_id == "00000000000000000000000000000abc"
