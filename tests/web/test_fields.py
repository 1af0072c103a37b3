"""Fields of queries and forms, and header fields: every way to look one up."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.errors import ContentTooLarge, FieldError
from ffhost.web.fields import (
    MAX_URLENCODED_FIELDS,
    Fields,
    HeaderView,
    MissingField,
    parse_urlencoded,
)

FIELDS = Fields([("a", "1"), ("b", "x"), ("a", "2"), ("c", "")])


def refusing(value: str) -> int:
    if value == "x":
        raise TypeError
    return int(value)


def test_a_field_is_its_first_value_or_one_of_the_right_type_or_the_default() -> None:
    assert FIELDS["a"] == FIELDS.get("a") == FIELDS.get("a", "9") == "1"
    assert FIELDS.get("a", type=int) == 1
    assert FIELDS.get("z") is FIELDS.get("z", type=int) is None
    assert FIELDS.get("z", "9") == FIELDS.get("z", "9", int) == "9"
    assert FIELDS.get("b", 7, int) == FIELDS.get("b", 7, refusing) == 7
    assert FIELDS.get("c", "9") == ""


def test_all_values_of_a_field_are_those_of_the_right_type() -> None:
    fields = Fields([("a", "1"), ("a", "y"), ("b", "3"), ("a", "x"), ("a", "2")])
    assert fields.getlist("a") == ["1", "y", "x", "2"]
    assert fields.getlist("a", refusing) == [1, 2]
    assert fields.getlist("z") == fields.getlist("z", int) == []


def test_fields_are_listed_by_name_with_their_first_value_or_with_all() -> None:
    assert list(FIELDS) == ["a", "b", "c"]
    assert list(FIELDS.items()) == [("a", "1"), ("b", "x"), ("c", "")]
    assert list(FIELDS.items(multi=True)) == [("a", "1"), ("b", "x"), ("a", "2"), ("c", "")]
    assert list(FIELDS.lists()) == [("a", ["1", "2"]), ("b", ["x"]), ("c", [""])]
    assert FIELDS.to_dict() == dict(FIELDS) == {"a": "1", "b": "x", "c": ""}
    assert FIELDS.to_dict(flat=False) == {"a": ["1", "2"], "b": ["x"], "c": [""]}
    assert type(FIELDS.to_dict()) is type(FIELDS.copy()) is dict
    assert (len(FIELDS), "a" in FIELDS, "z" in FIELDS) == (3, True, False)
    assert len(Fields[str]()) == 0


def test_a_missing_field_names_itself() -> None:
    with pytest.raises(MissingField) as caught:
        FIELDS["z"]
    assert caught.value.errors == (FieldError("z", "is missing"),)
    assert str(caught.value) == "the request has no field 'z'"


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.__setitem__("a", "3"),
        lambda fields: fields.__delitem__("a"),
        lambda fields: fields.__ior__({"a": "3"}),
        lambda fields: fields.clear(),
        lambda fields: fields.pop("a"),
        lambda fields: fields.popitem(),
        lambda fields: fields.setdefault("z", "3"),
        lambda fields: fields.update(a="3"),
    ],
)
def test_fields_cannot_be_changed(change: Any) -> None:
    with pytest.raises(TypeError, match="cannot be changed; change a copy") as caught:
        change(FIELDS)
    assert str(caught.value) == "the fields of a request cannot be changed; change a copy()"
    assert FIELDS.to_dict() == {"a": "1", "b": "x", "c": ""}


def test_fields_survive_pickling_and_copying_with_all_their_values() -> None:
    for made in (pickle.loads(pickle.dumps(FIELDS)), copy.deepcopy(FIELDS), copy.copy(FIELDS)):
        assert type(made) is Fields
        assert made.getlist("a") == ["1", "2"]
        assert made["a"] == "1"


HEADERS = HeaderView({"x-one": "1", "x-words": "a, b", "cookie": "secret"})


def test_headers_look_up_in_any_case_and_convert_like_fields() -> None:
    assert HEADERS["X-ONE"] == HEADERS.get("x-One") == "1"
    assert HEADERS.get("X-One", type=int) == 1
    assert HEADERS.get("X-Words", 7, type=int) == 7
    assert HEADERS.get("X-One", 7, type=lambda value: value + 1) == 7  # a TypeError
    assert HEADERS.get("X-Two") is None
    assert HEADERS.get("X-Two", "9") == HEADERS.get("X-Two", "9", int) == "9"
    assert HEADERS.getlist("X-Words") == ["a, b"]
    assert HEADERS.getlist("X-Two") == []
    assert "X-WORDS" in HEADERS
    assert "X-Two" not in HEADERS
    assert 1 not in HEADERS
    assert list(HEADERS) == ["X-One", "X-Words", "Cookie"]
    assert len(HEADERS) == 3


def test_headers_show_no_values() -> None:
    assert repr(HEADERS) == "HeaderView(['X-One', 'X-Words', 'Cookie'])"


def test_a_missing_header_names_itself() -> None:
    with pytest.raises(MissingField) as caught:
        HEADERS["X-Two"]
    assert caught.value.errors == (FieldError("X-Two", "is missing"),)
    assert str(caught.value) == "the request has no header 'X-Two'"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("a=&b&=c&&d==", [("a", ""), ("b", ""), ("", "c"), ("d", "=")]),
        ("a+b=c+d", [("a b", "c d")]),
        ("a%20b=%2B+%26", [("a b", "+ &")]),
        ("a=1+1", [("a", "1 1")]),
        ("%C3%A9=%E2%82%AC", [("é", "€")]),
        ("a=\xc3\xa9", [("a", "é")]),  # the bytes as latin-1
        ("a=%FFx%C3", [("a", "%FFx%C3")]),
        ("a=\xff&b=1", [("a", "%FF"), ("b", "1")]),
        ("a=%zz%", [("a", "%zz%")]),
        ("a=€", [("a", "?")]),  # no server says this
    ],
)
def test_a_query_is_read_to_the_last_byte(text: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_urlencoded(text) == pairs


def test_as_many_fields_as_are_allowed_are_read_and_one_more_is_refused() -> None:
    assert MAX_URLENCODED_FIELDS == 10_000
    most = "&".join(["a=1"] * MAX_URLENCODED_FIELDS)
    assert len(parse_urlencoded(most)) == MAX_URLENCODED_FIELDS
    with pytest.raises(ContentTooLarge) as caught:
        parse_urlencoded(most + "&a")
    assert caught.value.detail == "more than 10000 fields"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())))
def test_fields_are_what_a_list_of_pairs_would_say(pairs: list[tuple[str, int]]) -> None:
    fields = Fields(pairs)
    assert list(fields.items(multi=True)) == pairs
    for name in "abc":
        values = [value for key, value in pairs if key == name]
        assert fields.getlist(name) == values
        assert fields.get(name) == (values[0] if values else None)
