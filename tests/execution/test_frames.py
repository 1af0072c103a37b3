"""The frames between the host and the processes of isolated functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.execution.isolation.frames import (
    ANSWER,
    LARGEST_BODY_BYTES,
    TO_HOST,
    TO_PROCESS,
    FrameMisfit,
    ProcessFrame,
    ProcessFrameReader,
    frame_head_as_json,
    frame_without_body,
)

FRAMES = st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=300), st.binary(max_size=300))


@given(
    frames=st.lists(FRAMES, min_size=1, max_size=3),
    cut=st.integers(1, 400),
    direction=st.sampled_from([TO_PROCESS, TO_HOST]),
)
def test_frames_arrive_whole_however_they_are_cut(
    frames: list[tuple[int, bytes, bytes]], cut: int, direction: int
) -> None:
    sent = b"".join(
        frame_without_body(ANSWER, call, head, len(body), direction) + body
        for call, head, body in frames
    )
    reader, found = ProcessFrameReader(), []
    for at in range(0, len(sent), cut):
        found += reader.feed(sent[at : at + cut])
    assert found == [ProcessFrame(ANSWER, direction, *each) for each in frames]


@given(data=st.binary(min_size=22, max_size=200))
def test_bytes_that_are_not_a_frame_are_waited_for_or_refused(data: bytes) -> None:
    try:
        frames = list(ProcessFrameReader().feed(data))
    except FrameMisfit:
        return
    assert sum(len(frame.head) + len(frame.body) + 22 for frame in frames) <= len(data)


def test_a_frame_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(FrameMisfit, match="too large"):
        list(ProcessFrameReader().feed(frame_without_body(ANSWER, 1, b"", LARGEST_BODY_BYTES + 1)))


@given(head=st.binary(max_size=40))
def test_a_head_from_a_process_is_json_or_does_not_fit(head: bytes) -> None:
    frame = ProcessFrame(ANSWER, TO_PROCESS, 1, head, b"")
    try:
        found = frame.json_head()
    except FrameMisfit:
        return
    assert ProcessFrame(
        ANSWER, TO_PROCESS, 1, frame_head_as_json(found), b""
    ).json_head() == found or (
        found != found  # NaN
    )


@given(text=st.text(st.characters()), number=st.integers())
def test_a_head_may_hold_any_text_and_any_number(text: str, number: int) -> None:
    # Names of files may hold lone surrogates, and schemas numbers of any size.
    head = {"text": text, "surrogate": "\udce4", "number": number}
    assert ProcessFrame(ANSWER, TO_PROCESS, 1, frame_head_as_json(head), b"").json_head() == head


def test_after_a_large_frame_as_little_is_read_at_once_as_before() -> None:
    reader = ProcessFrameReader()
    frame = frame_without_body(ANSWER, 1, b"h" * 100_000, 100_000) + b"b" * 100_000
    before = reader.piece_bytes
    assert list(reader.feed(frame[:50_000])) == []
    assert reader.piece_bytes > before
    assert len(list(reader.feed(frame[50_000:]))) == 1
    assert reader.piece_bytes == before
