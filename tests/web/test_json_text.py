"""JSON as the host writes it: keys that are not texts, and times."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffhost.web.json_text import time_as_json_text, write_json

KEYS = st.one_of(
    st.text(), st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.dates(), st.uuids()
)
VALUES = st.recursive(
    st.one_of(st.none(), st.text(), st.floats(allow_nan=False), st.dates(), st.datetimes()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner)),
    max_leaves=8,
)


@dataclasses.dataclass
class Box:
    inner: Any
    _hidden: int = 1


@settings(max_examples=60)
@given(VALUES)
def test_every_key_is_written_as_orjson_writes_it(value: Any) -> None:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
    assert write_json(Box(value), time_as_json_text) == orjson.dumps(
        Box(value), time_as_json_text, options
    )


@settings(max_examples=60)
@given(st.times())
def test_a_time_is_the_same_text_as_a_key_and_as_a_value(at: time) -> None:
    written = write_json([Box({at: at}), {1: {at: date(2026, 1, 2)}}], time_as_json_text)
    first, second = orjson.loads(written)
    assert first == {"inner": {at.isoformat(): at.isoformat()}}
    assert second == {"1": {at.isoformat(): "2026-01-02"}}


def test_what_cannot_be_written_is_a_type_error() -> None:
    endless: dict[Any, Any] = {1: datetime(2026, 1, 2)}
    endless[2] = endless
    for value in (object(), {object(): 1}, {1: object()}, endless):
        with pytest.raises(TypeError):
            write_json(value, time_as_json_text)
