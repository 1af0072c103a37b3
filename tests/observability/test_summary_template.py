"""Summary entries of ordinary calls, which are written into a text, are those of all others."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.observability.logs import summary
from ffhost.observability.logs.entries import LogEntries
from ffhost.observability.logs.output import LogOutput

TEXTS = st.text(max_size=300)
PATHS = st.sampled_from(
    ["/hello", "/a%20b", '/"quoted"\\', "/\x7f\x01", "/ü\u2028", "/" + "a" * 400]
)
EVENT_TEXTS = st.sampled_from(["7", "com.example.made", '"\\\x00', "ü", "a" * 300, ""]) | TEXTS
CALLS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", '"', "Ü"]),
        "path": PATHS | TEXTS.map(lambda text: "/" + text),
        "status": st.integers(200, 599),
        "outcome": st.sampled_from(["ok", "crash", "client_error"]),
        "duration_seconds": st.floats(0, 1e6),
    },
    optional={
        "request_bytes": st.integers(0, 2**40),
        "response_bytes": st.integers(0, 2**40),
        "execution_id": st.just("0123456789abcdef"),
        "trace_id": st.just("0af7651916cd43dd8448eb211c80319c"),
        "span_id": st.just("b7ad6b7169203331"),
        "event_id": EVENT_TEXTS,
        "event_type": EVENT_TEXTS,
        "principal": st.just("ci"),
        "caller": st.just("other"),
    },
)


class Kept(LogOutput):
    """Keeps what it is to write."""

    def hold(self, make: Callable[[Any], bytes], facts: Any) -> None:
        self.line = make(facts)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    logger = logging.getLogger(summary.LOGGER)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield Kept(descriptor)
    logger.setLevel(level)
    os.close(descriptor)


def written(kept: Kept, call: dict[str, Any], revision: str) -> bytes:
    recorder = summary.make_summary_recorder("hello", "http", LogEntries(kept, revision=revision))
    assert recorder is not None
    recorder(**call)
    return kept.line


@given(call=CALLS, revision=st.sampled_from(["", "0123456789ab"]))
def test_both_ways_write_the_same_entry(kept: Kept, call: dict[str, Any], revision: str) -> None:
    line = written(kept, call, revision)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary, "_place", lambda method, path: "")
        other = written(kept, call, revision)
    entry, expected = json.loads(line), json.loads(other)
    assert abs(_stamp(entry) - _stamp(expected)) < 60
    assert list(entry.items()) == list(expected.items())
    assert line.isascii() or line.decode().splitlines() == [line.decode()[:-1]]


def _stamp(entry: dict[str, Any]) -> float:
    from datetime import datetime

    return datetime.fromisoformat(entry.pop("timestamp")).timestamp()


LONGEST = {
    "method": "\x01" * 32,
    "path": "\x01" * 256,
    "event_id": "\x01" * 128,
    "event_type": "\x01" * 128,
    "execution_id": "x" * 64,
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "outcome": "unauthenticated",
    "duration_seconds": 1e9,
    "request_bytes": 2**63,
    "response_bytes": 2**63,
}


def test_an_ordinary_call_takes_the_short_way(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "_line", None)
    call = {"method": "GET", "path": "/hello", "status": 200, "outcome": "ok"}
    rest = {"duration_seconds": 0.00002, "request_bytes": 0, "response_bytes": 5}
    call |= {**rest, "execution_id": "0123456789abcdef"}
    assert json.loads(written(kept, call, "0123456789ab"))["duration_seconds"] == 0.00002
    event = {"event_id": "7", "event_type": "com.example.made"}
    assert event.items() <= json.loads(written(kept, call | event, "0123456789ab")).items()
    assert len(written(kept, call | LONGEST, "0123456789ab")) < summary._LONGEST
