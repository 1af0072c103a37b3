"""Answers of isolated calls, as their hosts read them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffhost.config.units import UNLIMITED
from ffhost.errors import BadRequest
from ffhost.execution.isolation.call_frames import (
    IsolatedFunctionCrashed,
    reply_frame_head,
    take_reply_frame,
)
from ffhost.execution.isolation.frames import ANSWER, TO_PROCESS, FrameMisfit, ProcessFrame
from ffhost.web.messages import Reply

FIELDS = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=900)), max_size=3)


def a_call(**attributes: Any) -> Any:
    return SimpleNamespace(**{"event": None, "error": None, "kept_entries": (), **attributes})


def taken(head: bytes, call: Any = None) -> tuple[Reply, float]:
    return take_reply_frame(ProcessFrame(ANSWER, TO_PROCESS, 1, head, b"body"), call or a_call())


@settings(max_examples=60)
@given(status=st.integers(100, 599), fields=FIELDS, seconds=st.floats(0, 1e6))
def test_an_answer_is_read_as_it_was_written(
    status: int, fields: list[tuple[str, str]], seconds: float
) -> None:
    head = reply_frame_head(Reply(status, fields), a_call(), seconds)
    for _ in range(2):
        reply, told = taken(head)
        assert (reply.status, reply.headers, reply.body, told) == (status, fields, b"body", seconds)


def test_what_the_host_adds_to_one_answer_is_not_in_the_next() -> None:
    head = reply_frame_head(Reply(200, [("a", "b")]), a_call())
    taken(head)[0].headers.append(("execution-id", "1"))
    reply, seconds = taken(head)
    assert (reply.headers, seconds) == ([("a", "b")], UNLIMITED)


@pytest.mark.parametrize(("status", "kind"), [(500, IsolatedFunctionCrashed), (400, BadRequest)])
def test_a_call_is_told_of_its_own_error_and_entries(
    status: int, kind: type[BaseException]
) -> None:
    for text in ("first", "second"):
        made = a_call(error=ValueError(text), kept_entries=(text,))
        call = a_call()
        taken(reply_frame_head(Reply(status), made), call)
        assert (type(call.error), call.kept_entries) == (kind, (text,))
        assert text in str(call.error)
    call = a_call()
    taken(reply_frame_head(Reply(status), a_call()), call)
    assert (call.error, call.kept_entries) == (None, ())


@settings(max_examples=60)
@given(head=st.binary(max_size=40))
def test_what_is_not_an_answer_does_not_fit(head: bytes) -> None:
    with pytest.raises(FrameMisfit):
        taken(head)
    with pytest.raises(FrameMisfit):
        taken(reply_frame_head(Reply(), a_call())[:9] + head)
