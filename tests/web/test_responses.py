"""`ffhost.Response`: its header fields, its cookies, and what cannot be sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import ffhost
from ffhost.errors import ResultError
from ffhost.web.responses import ResponseHeaders, checked_header_fields, http_date

SEVERAL = [("X-One", "1"), ("Set-Cookie", "a=1"), ("x-one", "2"), ("Set-Cookie", "b=2")]


def headers() -> ResponseHeaders:
    return ffhost.Response(headers=SEVERAL).headers


def test_a_header_is_found_in_any_case_and_the_first_value_is_given() -> None:
    found = headers()
    assert (found["X-ONE"], found["x-one"], found.get("Set-cookie")) == ("1", "1", "a=1")
    assert "X-oNe" in found
    assert "X-Two" not in found
    assert 1 not in found
    assert found.get("X-Two") is None
    assert found.get("X-Two", "default") == "default"
    with pytest.raises(KeyError, match="x-two"):
        found["X-Two"]


def test_all_values_of_a_header_are_listed_in_order() -> None:
    assert headers().getlist("SET-COOKIE") == ["a=1", "b=2"]
    assert headers().getlist("X-Two") == []


def test_headers_are_iterated_by_name_and_counted_without_case() -> None:
    assert list(headers()) == ["X-One", "Set-Cookie", "x-one"]
    assert len(headers()) == 2
    assert len(ffhost.Response().headers) == 0
    assert headers().fields() == SEVERAL


def test_setting_a_header_replaces_every_value_of_it_and_adding_one_none() -> None:
    changed = headers()
    changed["x-ONE"] = "3"
    changed.add("Set-Cookie", "c=3")
    assert changed.fields() == [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("x-ONE", "3"),
        ("Set-Cookie", "c=3"),
    ]
    changed.update({"X-Four": "4"})
    assert changed.setdefault("x-four", "5") == "4"


def test_deleting_a_header_deletes_every_value_of_it() -> None:
    changed = headers()
    del changed["X-ONE"]
    assert changed.fields() == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    with pytest.raises(KeyError, match="X-One"):
        del changed["X-One"]
    assert changed.pop("set-cookie") == "a=1"
    assert len(changed) == 0


def test_what_a_function_does_with_the_fields_that_it_got_changes_nothing() -> None:
    response = ffhost.Response(headers=SEVERAL)
    response.headers.fields().clear()
    copied = ffhost.Response(headers=response.headers)
    copied.headers["X-One"] = "changed"
    assert response.headers.fields() == SEVERAL


def test_headers_show_their_names_and_no_values() -> None:
    assert repr(headers()) == "ResponseHeaders(['X-One', 'Set-Cookie', 'x-one', 'Set-Cookie'])"


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        (None, []),
        ({}, []),
        (
            {"A": "1", "B": ["2", "3"], "C": ("4",)},
            [("A", "1"), ("B", "2"), ("B", "3"), ("C", "4")],
        ),
        ([("A", "1"), ("A", 2)], [("A", "1"), ("A", "2")]),
        ({"A": b"\xe9", "B": bytearray(b"b"), "C": True}, [("A", "é"), ("B", "b"), ("C", "True")]),
        ({"A": "a\tb", "B": "\xa0é", "C": ""}, [("A", "a\tb"), ("B", "\xa0é"), ("C", "")]),
    ],
)
def test_headers_are_taken_in_every_usual_form(source: Any, fields: list[tuple[str, str]]) -> None:
    assert ffhost.Response(headers=source).headers.fields() == fields


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"": "1"}, "'' is not a valid header name"),
        ({"a b": "1"}, "'a b' is not a valid header name"),
        ({"a:": "1"}, "'a:' is not a valid header name"),
        ({1: "1"}, "1 is not a valid header name"),
        ({"A": "x\r\nB: 1"}, "the value of the header 'A' contains a line break"),
        ({"A": "x\nB: 1"}, "the value of the header 'A' contains a line break"),
        ({"A": "x\0"}, "the value of the header 'A' contains a line break"),
        ({"A": "x\x1f"}, "the value of the header 'A' contains a control character"),
        ({"A": ["ok", "x\x01"]}, "the value of the header 'A' contains a control character"),
        (
            {"A": "€"},
            "the value of the header 'A' contains characters outside latin-1; encode them",
        ),
        ({"A": None}, "the value of the header 'A' is None"),
        ("text", "headers must be a dictionary or a list of pairs, not str"),
        (5, "headers must be a dictionary or a list of pairs, not int"),
        ([("A",)], "headers must be a dictionary or a list of pairs, not list"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ResultError) as caught:
        list(checked_header_fields(source))
    assert str(caught.value) == message


def test_a_response_without_a_word_is_200_and_empty() -> None:
    response = ffhost.Response()
    assert (response.body, response.status, response.headers.fields()) == (b"", 200, [])
    said = ffhost.Response({"a": 1}, 404)
    assert (said.body, said.status) == ({"a": 1}, 404)


def test_a_content_type_that_is_named_replaces_that_of_the_headers() -> None:
    response = ffhost.Response(headers={"content-type": "text/csv"})
    assert response.content_type == "text/csv"
    response.content_type = "text/plain"
    assert response.headers.fields() == [("Content-Type", "text/plain")]
    named = ffhost.Response(headers={"content-type": "text/csv"}, content_type="text/html")
    assert named.headers.fields() == [("Content-Type", "text/html")]
    assert ffhost.Response().content_type is None


@pytest.mark.parametrize(
    ("options", "cookie"),
    [
        ({}, "a=v; Path=/"),
        ({"path": None}, "a=v"),
        ({"value": ""}, "a=; Path=/"),
        ({"value": 'é ;,"\\', "path": "/x"}, "a=%C3%A9%20%3B%2C%22%5C; Path=/x"),
        ({"value": "!#$&'()*+-./:<=>?@[]^_`{|}~"}, "a=!#$&'()*+-./:<=>?@[]^_`{|}~; Path=/"),
        ({"max_age": 0}, "a=v; Max-Age=0; Path=/"),
        ({"max_age": timedelta(minutes=2, milliseconds=1)}, "a=v; Max-Age=120; Path=/"),
        ({"domain": ".example.com"}, "a=v; Domain=example.com; Path=/"),
        ({"secure": True, "httponly": True}, "a=v; Secure; HttpOnly; Path=/"),
        ({"samesite": "lax"}, "a=v; Path=/; SameSite=Lax"),
        ({"samesite": "NONE"}, "a=v; Path=/; SameSite=None"),
        (
            {"expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)},
            "a=v; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Path=/",
        ),
    ],
)
def test_a_cookie_is_written_as_browsers_read_it(options: dict[str, Any], cookie: str) -> None:
    response = ffhost.Response()
    response.set_cookie("a", options.pop("value", "v"), **options)
    assert response.headers.fields() == [("Set-Cookie", cookie)]


def test_cookies_are_set_beside_each_other_and_deleted_by_a_date_that_has_passed() -> None:
    response = ffhost.Response()
    response.set_cookie("a")
    response.delete_cookie("b", path="/x", domain="example.com")
    response.delete_cookie("c")
    past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"
    assert response.headers.getlist("set-cookie") == [
        "a=; Path=/",
        f"b=; Domain=example.com; {past}; Path=/x",
        f"c=; {past}; Path=/",
    ]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("", {}, "'' is not a valid cookie name"),
        ("a=b", {}, "'a=b' is not a valid cookie name"),
        ("a", {"samesite": "never"}, "samesite must be 'Strict', 'Lax' or 'None', not 'never'"),
        ("a", {"path": "/;secure"}, "'/;secure' cannot be sent in a cookie"),
        ("a", {"domain": "x\ny"}, "'x\\ny' cannot be sent in a cookie"),
    ],
)
def test_a_cookie_that_cannot_be_sent_is_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    response = ffhost.Response()
    with pytest.raises(ResultError) as caught:
        response.set_cookie(name, "v", **options)
    assert str(caught.value) == message
    assert len(response.headers) == 0


def test_a_date_of_any_zone_is_written_in_utc() -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert http_date(moment) == "Wed, 02 Jan 2030 01:04:05 GMT"
    assert http_date(datetime(2030, 1, 2, 3, 4, 5)) == "Wed, 02 Jan 2030 03:04:05 GMT"
