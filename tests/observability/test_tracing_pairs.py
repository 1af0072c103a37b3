"""Hooks of two functions instead of a generator: the order, and that both run once."""

from __future__ import annotations

import contextvars
from types import SimpleNamespace
from typing import Any

import pytest

from ffhost.errors import DeadlineExceeded
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.outcome import Outcome
from ffhost.observability.tracing import surround_with_trace_hooks, trace_hooks_keep_context
from ffhost.observability.tracing.hook import Steps, TraceHook, TraceHookPair
from ffhost.web.messages import Message

OK = Outcome("ok", 200, 0.1)
REFUSED = Outcome("rejected", 429, 0.0)
VALUE: contextvars.ContextVar[str] = contextvars.ContextVar("value", default="unset")


class Recorder:
    """Makes hooks that write down what happens."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pair(self, name: str, error: BaseException | None = None) -> TraceHook:
        def begin(invocation: Call) -> str:
            self.said.append(f"{name} begins")
            VALUE.set(name)
            if error is not None:
                raise error
            return f"state of {name}"

        def end(state: str, invocation: Call, outcome: Outcome) -> None:
            self.said.append(f"{name} ends {outcome.kind} with {state}")

        return TraceHook(name, pair=TraceHookPair(begin, end))

    def generator(self, name: str) -> TraceHook:
        def steps(invocation: Call) -> Steps:
            self.said.append(f"{name} begins")
            outcome = yield
            self.said.append(f"{name} ends {outcome.kind}")

        return TraceHook(name, steps)

    def run(self, invocation: Call) -> None:
        self.said.append("call")


@pytest.fixture
def made() -> Recorder:
    return Recorder()


def invocation() -> Call:
    function: Any = SimpleNamespace(name="hello", signature="http", config={})
    made = Call(function, Message("GET", "/"), "e1")
    made.context = contextvars.copy_context()
    return made


def called(
    made: Recorder, *hooks: TraceHook, outcome: Outcome = OK, refused: bool = False
) -> list[str]:
    """Make a call within *hooks*; give what was written down."""
    run, observers = surround_with_trace_hooks(made.run, False, hooks)
    call = invocation()
    if not refused:
        call.context.run(run, call)
    for observe in observers:
        observe(call, outcome)
    return made.said


PAIR = ["pair begins", "call", "pair ends ok with state of pair"]


def test_a_pair_runs_around_the_call(made: Recorder) -> None:
    assert called(made, made.pair("pair")) == PAIR


def test_a_pair_inside_of_other_hooks_ends_before_them(made: Recorder) -> None:
    said = called(made, made.generator("outer"), made.pair("pair"))
    assert said == ["outer begins", *PAIR, "outer ends ok"]


def test_a_pair_around_other_hooks_ends_after_them(made: Recorder) -> None:
    said = called(made, made.pair("pair"), made.generator("inner"))
    assert said == ["pair begins", "inner begins", "call", "inner ends ok", PAIR[-1]]


def test_a_call_that_never_began_has_both_halves_in_a_context_of_their_own(made: Recorder) -> None:
    said = called(made, made.pair("pair"), outcome=REFUSED, refused=True)
    assert said == ["pair begins", "pair ends rejected with state of pair"]
    assert (VALUE.get(), CURRENT.get()) == ("unset", None)


def test_a_call_that_begins_after_its_outcome_was_settled_is_not_told_twice(
    made: Recorder,
) -> None:
    run, (ended,) = surround_with_trace_hooks(made.run, False, [made.pair("pair")])
    call = invocation()
    ended(call, REFUSED)
    made.said.clear()
    call.context.run(run, call)
    assert made.said == ["pair begins", "call"]


def test_a_pair_that_fails_fails_no_call_and_is_told_nothing_more(made: Recorder) -> None:
    assert called(made, made.pair("pair", ValueError("out of order"))) == ["pair begins", "call"]


def test_a_deadline_that_strikes_in_a_pair_is_the_functions(made: Recorder) -> None:
    run, _ = surround_with_trace_hooks(made.run, False, [made.pair("pair", DeadlineExceeded())])
    call = invocation()
    with pytest.raises(DeadlineExceeded):
        call.context.run(run, call)
    assert made.said == ["pair begins"]


def test_only_hooks_that_are_generators_have_a_call_keep_its_context(made: Recorder) -> None:
    assert not trace_hooks_keep_context([made.pair("pair")])
    assert trace_hooks_keep_context([made.pair("pair"), made.generator("inner")])
