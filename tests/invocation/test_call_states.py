"""A call goes through the states that the table at the head of its module names, and no others."""

from __future__ import annotations

import gc
import weakref
from itertools import product
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from ffhost.errors import TooManyRequests
from ffhost.invocation.call import TRANSITIONS, Call, ImpossibleCallState, State
from ffhost.invocation.current import Invocation, invocation_of
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.outcome import outcome_kind_of_call
from ffhost.web.messages import Message

STATES: tuple[State, ...] = get_args(State)
POSSIBLE = {
    ("queued", "running"),
    ("queued", "refused"),
    ("running", "answered"),
    ("running", "ended"),
    ("answered", "ended"),
}


def made(state: State = "queued") -> Call:
    function: Any = SimpleNamespace(
        name="hello", signature="http", config={"a": 1}, unavailable=None
    )
    call = Call(function, Message("GET", "/"), "e1")
    call.state = state
    return call


def test_the_table_names_every_state_and_leads_to_states_only() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert set().union(*TRANSITIONS.values()) <= set(STATES)


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_a_call_moves_along_the_table_and_nowhere_else(before: State, after: State) -> None:
    call = made(before)
    if (before, after) in POSSIBLE:
        call.move(after)
        assert call.state == after
    else:
        with pytest.raises(ImpossibleCallState) as caught:
            call.move(after)
        assert str(caught.value) == f"<Call e1 of hello, {before}> cannot become {after}"
        assert call.state == before


@pytest.mark.parametrize("state", STATES)
def test_only_a_call_that_runs_can_end(state: State) -> None:
    call = made(state)
    call.job = object()
    if state in ("running", "answered"):
        call.end(keep_context=False)
        assert (call.state, call.job, call.context) == ("ended", None, None)
    else:
        with pytest.raises(ImpossibleCallState):
            call.end(keep_context=False)
        assert call.job is not None


def test_a_refused_call_keeps_the_reason_and_can_do_nothing_more() -> None:
    call, reason = made(), TooManyRequests("hello has no free slot")
    call.refuse(reason)
    assert (call.state, call.error) == ("refused", reason)
    assert outcome_kind_of_call(call, 429) == "rejected"
    with pytest.raises(ImpossibleCallState):
        call.refuse(reason)


def test_a_call_has_timed_out_once_its_deadline_has_passed_and_not_before() -> None:
    call = made("running")
    assert not call.timed_out
    call.deadline = Deadline()
    assert not call.timed_out
    call.deadline.passed = True
    assert call.timed_out
    assert outcome_kind_of_call(call, 504) == "timeout"


def test_user_code_can_look_at_an_invocation_and_not_change_it() -> None:
    call = made()
    invocation = invocation_of(call)
    assert (invocation.function_name, invocation.execution_id) == ("hello", "e1")
    assert (invocation.deadline, invocation.remaining) == (None, None)
    assert dict(invocation.config) == {"a": 1}
    for name in ("execution_id", "deadline", "anything"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(invocation, name, "other")
    assert repr(invocation) == "<Invocation e1 of hello>"


def test_two_looks_at_a_call_are_one_object_and_no_cycle() -> None:
    call = made()
    first: Invocation | None = invocation_of(call)
    assert invocation_of(call) is first
    ended = weakref.ref(call), weakref.ref(first)
    gc.disable()
    try:
        del first, call
        assert [one() for one in ended] == [None, None]
    finally:
        gc.enable()
