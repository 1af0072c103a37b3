"""Requests and responses as plain values."""

from __future__ import annotations

import marshal

from ffhost.fronts.asgi_request import AsgiScopeMessage
from ffhost.web.messages import FieldChoice, Message, Reply


def test_a_message_has_usual_values_for_what_is_not_said() -> None:
    message = Message("GET", "/")
    assert (message.method, message.path, message.query, message.body) == ("GET", "/", "", b"")
    assert (message.scheme, message.root_path, message.http_version) == ("http", "", "1.1")
    assert message.client is message.server is None
    assert message.headers == message.params == {}
    assert message.environ() is message.scope() is None


def test_a_message_keeps_what_is_said() -> None:
    message = Message(
        "PUT",
        "/a",
        query="b=1",
        headers={"x-one": "1"},
        body=b"c",
        scheme="https",
        root_path="/d",
        client=("e", 1),
        server=("f", None),
        http_version="2",
        params={"id": "7"},
    )
    assert (message.method, message.path, message.query, message.body) == ("PUT", "/a", "b=1", b"c")
    assert (message.scheme, message.root_path, message.http_version) == ("https", "/d", "2")
    assert (message.client, message.server) == (("e", 1), ("f", None))
    assert (message.headers, message.params) == ({"x-one": "1"}, {"id": "7"})


PARTS = ("method", "path", "query", "headers", "scheme", "root_path", "client", "server")
PARTS += ("http_version", "params", "body")


def test_a_message_is_made_of_the_parts_of_another_one() -> None:
    scope = {
        "method": "PUT",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=1",
        "headers": [(b"x-one", b"1"), (b"x-one", b"2")],
        "scheme": "https",
        "root_path": "/d",
        "client": ("e", 1),
        "server": ("f", None),
        "http_version": "2",
    }
    given = AsgiScopeMessage(scope, b"body", {"id": "7"})
    made = Message.of_parts(marshal.loads(marshal.dumps(given.parts())), b"body")
    assert {name: getattr(made, name) for name in PARTS} == {
        name: getattr(given, name) for name in PARTS
    }
    assert Message.of_parts(made.parts(), b"").headers == {"x-one": "1, 2"}


def test_header_fields_of_a_message_are_found_by_their_lower_case_names() -> None:
    message = Message("GET", "/", headers={"x-one": "1"})
    assert (message.header("x-one"), message.header("x-two")) == ("1", None)
    assert message.has_any(frozenset({"x-two", "x-one"}))
    assert not message.has_any(frozenset({"x-two"}))
    assert not message.has_any(frozenset())


CHOICE = FieldChoice(("content-type", "x-one"), "ce-")


def scope_message(*fields: tuple[bytes, bytes]) -> AsgiScopeMessage:
    return AsgiScopeMessage({"method": "GET", "scheme": "http", "headers": list(fields)}, b"", {})


def test_chosen_header_fields_are_those_with_the_names_and_with_the_prefix() -> None:
    message = scope_message(
        (b"host", b"a"),
        (b"ce-ext", b"\xe9"),
        (b"content-type", b"text/plain"),
        (b"x-one-more", b"2"),
        (b"ce-", b""),
    )
    chosen = {"ce-ext": "\xe9", "content-type": "text/plain", "ce-": ""}
    assert message.fields_for(CHOICE) == chosen
    assert chosen.items() <= message.headers.items()
    assert message.fields_for(CHOICE) == message.headers
    assert Message("GET", "/", headers={"x-one": "1"}).fields_for(CHOICE) == {"x-one": "1"}


def test_repeated_header_fields_are_joined_whoever_asks_for_them() -> None:
    fields = [(b"x-one", b"1"), (b"ce-a", b"1"), (b"cookie", b"a=1")] * 2
    assert scope_message(*fields).fields_for(CHOICE) == {"x-one": "1, 1", "ce-a": "1, 1"}
    assert scope_message(*fields).headers == {
        "x-one": "1, 1",
        "ce-a": "1, 1",
        "cookie": "a=1; a=1",
    }
    message = scope_message(*fields)
    assert [message.header(name) for name in ("x-one", "cookie", "x-two")] == [
        "1, 1",
        "a=1; a=1",
        None,
    ]


def test_a_reply_has_usual_values_and_keeps_what_is_said() -> None:
    empty = Reply()
    assert (empty.status, empty.headers, empty.body, empty.chunks) == (200, [], b"", None)
    chunks = iter([b"a"])
    reply = Reply(404, [("A", "1")], b"abc", chunks)
    assert (reply.status, reply.headers, reply.body) == (404, [("A", "1")], b"abc")
    assert reply.chunks is chunks
    assert repr(reply) == "Reply(404, [('A', '1')], 3 bytes)"


def test_the_first_field_of_a_name_is_found_in_any_case() -> None:
    reply = Reply(headers=[("X-One", "1"), ("x-one", "2")])
    assert (reply.header("x-ONE"), reply.header("x-two")) == ("1", None)
