"""The frames between the host and the processes of isolated functions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffhost.execution.isolation.frames import (
    ANSWER,
    LARGEST_BODY_BYTES,
    TO_PROCESS,
    Frame,
    FrameReader,
    Misfit,
    start_of,
    to_json,
)

FRAMES = st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=300), st.binary(max_size=300))


@settings(max_examples=60)
@given(frames=st.lists(FRAMES, min_size=1, max_size=3), cut=st.integers(1, 40))
def test_a_frame_arrives_whole_however_it_is_cut(
    frames: list[tuple[int, bytes, bytes]], cut: int
) -> None:
    reader = FrameReader()
    for call, head, body in frames:
        data = start_of(ANSWER, call, head, len(body)) + body
        pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
        *early, last = [reader.feed(piece) for piece in pieces]
        assert early == [None] * len(early)
        assert last == Frame(ANSWER, TO_PROCESS, call, head, body)


@settings(max_examples=60)
@given(data=st.binary(min_size=22, max_size=200))
def test_bytes_that_are_not_a_frame_are_waited_for_or_refused(data: bytes) -> None:
    try:
        frame = FrameReader().feed(data)
    except Misfit:
        return
    assert frame is None or len(frame.head) + len(frame.body) + 22 == len(data)


def test_a_frame_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(Misfit, match="too large"):
        FrameReader().feed(start_of(ANSWER, 1, b"", LARGEST_BODY_BYTES + 1))


@pytest.mark.parametrize("cut", [3, 30, 60])
def test_nothing_may_follow_a_frame(cut: int) -> None:
    reader = FrameReader()
    data = start_of(ANSWER, 1, b"head", 20) + bytes(21)
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    with pytest.raises(Misfit, match="follows"):
        reader.feed(pieces[-1])


@settings(max_examples=60)
@given(head=st.binary(max_size=40))
def test_a_head_from_a_process_is_json_or_does_not_fit(head: bytes) -> None:
    frame = Frame(ANSWER, TO_PROCESS, 1, head, b"")
    try:
        found = frame.json_head()
    except Misfit:
        return
    assert Frame(ANSWER, TO_PROCESS, 1, to_json(found).encode(), b"").json_head() == found or (
        found != found  # NaN
    )
