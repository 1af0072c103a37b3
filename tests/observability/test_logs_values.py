"""Whatever a value is, its entry is one line of JSON."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import logging
import pathlib
import types
import uuid
from datetime import UTC, datetime, time

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.observability.logs.log_json import log_value_as_json, plain_log_value
from ffhost.observability.logs.truncation import fit_log_entry


class BrokenRepr:
    def __repr__(self):
        raise ValueError("no")


class BrokenBoth(BrokenRepr):
    __str__ = BrokenRepr.__repr__


class ExitingRepr:
    def __repr__(self):
        raise SystemExit(3)


class NoTextRepr:
    def __repr__(self):
        return 7


class LyingClass:
    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __repr__(self):
        return "lying"


class Model(pydantic.BaseModel):
    name: str
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden")


@dataclasses.dataclass
class Point:
    x: int
    y: object


Colour = enum.Enum("Colour", {"RED": {1}})


class Text(str):
    def __str__(self):
        raise ValueError("no")


class KnowsStructlog:
    def __structlog__(self):
        return {"a": b"b"}


class BrokenModel:
    def model_dump(self, mode):
        raise ValueError("no")

    def __repr__(self):
        return "broken model"


def itself():
    value = {"n": 1}
    value["me"] = [value]
    return value


def deep():
    value = []
    for _ in range(1000):
        value = [value]
    return value


TABLE = {
    "text": ("é\n\u2028", "é\n\u2028"),
    "lone surrogate": ("a\udcff", "a\\udcff"),
    "a str whose str() fails": (Text("kept"), "kept"),
    "control characters": ("\x00\x1b[2J", "\x00\x1b[2J"),
    "bytes": (b"abc\xff", "abc\\xff"),
    "bytearray": (bytearray(b"x"), "x"),
    "memoryview": (memoryview(b"x"), "x"),
    "nan": (float("nan"), None),
    "infinity": ([float("inf"), -float("inf")], [None, None]),
    "integer of 64 bits": (2**64 - 1, 2**64 - 1),
    "integer of 65 bits": (2**64, "18446744073709551616"),
    "integer of 10,000 digits": (10**10_000, hex(10**10_000)),
    "bool": (True, True),
    "set": ({3, 1, 2}, [1, 2, 3]),
    "set of what cannot be ordered": ({None}, [None]),
    "exception": (ValueError("bad"), "ValueError: bad"),
    "exception without text": (KeyError(), "KeyError"),
    "exception whose str fails": (
        type("Bad", (Exception,), {"__str__": BrokenRepr.__repr__})(),
        "Bad: <Bad object, its str raised ValueError>",
    ),
    "class": (Point, f"{__name__}.Point"),
    "function": (deep, f"{__name__}.deep"),
    "module": (json, "json"),
    "path": (pathlib.PurePosixPath("/a"), "/a"),
    "decimal": (decimal.Decimal("1.10"), "1.10"),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "datetime": (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
    "a hundredth of a second": (time(0, 0, 0, 10000), "00:00:00.010000"),
    "a hundredth of a second as a key": ({time(0, 0, 0, 10000): 1}, {"00:00:00.010000": 1}),
    "enum": (Colour.RED, [1]),
    "dataclass": (Point(1, {2}), {"x": 1, "y": [2]}),
    "dataclass with a broken field": (
        Point(1, BrokenRepr()),
        {"x": 1, "y": "<BrokenRepr object, its repr raised ValueError>"},
    ),
    "pydantic model": (Model(name="n"), {"name": "n", "secret": "**********"}),
    "model that does not dump": (BrokenModel(), "broken model"),
    "object that knows structlog": (KnowsStructlog(), {"a": "b"}),
    "mapping": (types.MappingProxyType({"a": 1}), {"a": 1}),
    "broken repr": (BrokenRepr(), "<BrokenRepr object, its repr raised ValueError>"),
    "broken str and repr": (BrokenBoth(), "<BrokenBoth object, its repr raised ValueError>"),
    "repr that exits": (ExitingRepr(), "<ExitingRepr object, its repr raised SystemExit>"),
    "repr that is no text": (NoTextRepr(), "<NoTextRepr object, its repr raised TypeError>"),
    "object that lies about its class": (LyingClass(), "lying"),
    "itself": (itself(), {"n": 1, "me": ["..."]}),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_value_that_json_has_no_form_for_gets_one(name):
    value, expected = TABLE[name]
    rendered = log_value_as_json({"value": value, "other": 1})
    assert b"\n" not in rendered
    assert json.loads(rendered) == {"value": expected, "other": 1}


@pytest.mark.parametrize("name", sorted(TABLE.keys() - {"datetime"}))
def test_a_value_reads_the_same_beside_one_that_needs_the_slow_way(name):
    value, expected = TABLE[name]
    rendered = log_value_as_json({"value": value, "slow": "\ud800"})
    assert json.loads(rendered) == {"value": expected, "slow": "\\ud800"}


def test_keys_of_all_kinds_become_text():
    value = {1: "a", None: "b", (1, 2): "d", b"e": "e", "f\udcff": "f", 1.5: "g"}
    expected = {"1": "a", "null": "b", "[1,2]": "d", "e": "e", "f\\udcff": "f", "1.5": "g"}
    assert json.loads(log_value_as_json(value)) == expected


def test_a_very_deep_value_is_cut_and_not_an_error():
    assert b'"..."' in log_value_as_json({"deep": deep()})


def test_a_key_whose_repr_fails_still_leaves_the_rest():
    rendered = json.loads(log_value_as_json({"a": {BrokenRepr(): 1}, "b": 2}))
    assert rendered["b"] == 2
    assert list(rendered["a"].values()) == [1]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.one_of(*map(st.builds, (BrokenRepr, ExitingRepr, LyingClass, KnowsStructlog))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters()), anything))
def test_any_value_is_one_line_of_json(value):
    rendered = log_value_as_json(value)
    assert len(rendered.decode().splitlines()) == 1
    assert isinstance(json.loads(rendered), dict)


@given(st.dictionaries(st.text(max_size=20), anything, max_size=8), st.integers(300, 3000))
def test_an_entry_that_is_cut_is_json_and_short_enough(fields, longest):
    entry = {"timestamp": "t", "severity": "INFO", "message": "m" * 400, "logger": "l", **fields}
    cut = fit_log_entry(entry, log_value_as_json(entry), longest)
    assert len(cut) <= longest
    if len(log_value_as_json(entry)) > longest:
        assert json.loads(cut)["truncated"] is True
    else:
        assert "truncated" not in json.loads(cut) or "truncated" in fields


def test_of_a_long_traceback_both_ends_stay():
    text = "Traceback (most recent call last):\n" + "  File\n" * 10_000 + "ValueError: the reason"
    entry = {"message": "m", "exception": text}
    cut = json.loads(fit_log_entry(entry, log_value_as_json(entry), 2000))
    assert cut["exception"].startswith("Traceback (most recent call last):\n  File")
    assert cut["exception"].endswith("ValueError: the reason")
    assert "characters cut ..." in cut["exception"]
    assert cut["truncated"] is True


def test_an_entry_with_thousands_of_fields_keeps_the_first():
    entry = {"message": "m", "logger": "l"} | {f"field{i}": "x" * 50 for i in range(5000)}
    cut = json.loads(fit_log_entry(entry, log_value_as_json(entry), 4096))
    assert cut["message"] == "m"
    assert cut["field0"] == "x" * 50
    assert "field4999" not in cut


def test_plain_leaves_plain_values_alone():
    value = {"a": [1, 2.5, "x", None, True], "b": {"c": -1}}
    assert plain_log_value(value) == value


def test_logging_a_level_between_two_names_goes_by_the_lower():
    from ffhost.observability.logs.entries import log_severity

    levels = [logging.DEBUG, 15, 20, 25, 35, 45, 50, 99, 1]
    names = ["DEBUG", "DEBUG", "INFO", "INFO", "WARNING", "ERROR", "CRITICAL", "CRITICAL", "DEBUG"]
    assert [log_severity(level) for level in levels] == names
