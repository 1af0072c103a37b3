"""Http functions: what they are called with, and what becomes of what they return."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import decimal
import functools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from io import BytesIO, StringIO
from typing import Any

import falcon
import flask
import pydantic
import pytest
import starlette.background
import starlette.responses
import werkzeug.exceptions
import werkzeug.wrappers
from starlette.exceptions import HTTPException as StarletteError

import ffhost.web.responses
from ffhost.errors import LoadError, ResultError
from ffhost.signatures import SignatureOptions, make_codec
from ffhost.web.messages import Message, Reply

HTML = ("content-type", "text/html; charset=utf-8")
JSON = ("content-type", "application/json")


def call(target: Callable[..., Any], message: Message | None = None, **options: Any) -> Reply:
    """Call *target* as the runners do: decode, call (and await), encode."""
    codec = make_codec("http", target, SignatureOptions(name="hello", **options))
    arguments = codec.decode(message or Message("GET", "/"))
    if codec.is_async:

        async def run() -> Reply:
            reply = codec.encode(await codec.call(*arguments))
            if isinstance(reply.chunks, AsyncIterator):
                reply.body = b"".join([chunk async for chunk in reply.chunks])
            return reply

        return asyncio.run(run())
    return codec.encode(codec.call(*arguments))


def encode(value: Any) -> Reply:
    return call(lambda request: value)


def drain(reply: Reply) -> bytes:
    if isinstance(reply.chunks, AsyncIterator):

        async def run(chunks: AsyncIterator[bytes]) -> bytes:
            return b"".join([chunk async for chunk in chunks])

        return asyncio.run(run(reply.chunks))
    if reply.chunks is None:
        return reply.body
    body = b"".join(reply.chunks)
    reply.chunks.close()  # type: ignore[attr-defined]
    return body


def as_sent(reply: Reply) -> tuple[int, list[tuple[str, str]], bytes]:
    fields = sorted((name.lower(), value) for name, value in reply.headers)
    return reply.status, [field for field in fields if field[0] != "content-length"], drain(reply)


class Color(pydantic.BaseModel):
    name: str
    blue: int = 1


class Sky(Color):
    """A model with all that changes how it is written."""

    model_config = pydantic.ConfigDict(ser_json_timedelta="float", ser_json_bytes="base64")

    age: dt.timedelta = dt.timedelta(seconds=1.5)
    raw: bytes = b"\xff"
    seen: dt.datetime = dt.datetime(2024, 2, 3, tzinfo=dt.UTC)
    text: str = pydantic.Field("ü\u2028", serialization_alias="Text")
    parts: list[Color] = [Color(name="a")]

    @pydantic.computed_field
    def twice(self) -> int:
        return 2 * self.blue

    @pydantic.field_serializer("blue")
    def shown(self, value: int) -> str:
        return f"#{value}"


class ByName(Sky):
    model_config = pydantic.ConfigDict(serialize_by_alias=False)


class Signed(Color):
    def model_dump_json(self, **options: Any) -> str:
        return "signed"


@dataclasses.dataclass
class Point:
    y: int
    x: int


class Text(str):
    pass


# What functions return that Flask takes as well


def returns() -> list[Any]:
    """Give everything anew: streams are used up by one host."""
    return [
        "hello",
        "",
        "grüße",
        b"\xff\x00",
        bytearray(b"abc"),
        Text("text"),
        {"b": 1, "a": [1, 2.5, 1e16, 1e-7, None, True], "ü": "é\x7f\u2028😀<>&"},
        [],
        [{"z": 1, "a": float("inf")}],
        {"when": dt.datetime(2024, 2, 3, 4, 5, 6), "day": dt.date(2024, 2, 3)},
        {"zone": dt.datetime(2024, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))},
        {"d": decimal.Decimal("1.10"), "u": uuid.UUID(int=7), "p": Point(1, 2)},
        {"big": 2**70},
        ("made", 201),
        ("made", "201 Created"),
        ("made", HTTPStatus.CREATED),
        ({"a": 1}, 418),
        ("x", {"X-One": "1", "content-type": "text/plain"}),
        ("x", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
        ("x", {"X-Many": ["1", "2"]}),
        ("x", 404, {"X-Number": 7}),
        ("x", None, {"X-One": "1"}),
        ({"a": 1}, 200, {"Content-Type": "application/problem+json"}),
        ("", 204),
        ("body", 204),
        (chunk for chunk in ["a", b"b", "ü"]),
        iter(["a", "b"]),
        (iter([b"x"]), 202, {"X-One": "1"}),
        flask.Response("r", 203, {"X-One": "1"}, content_type="text/css"),
        (flask.Response("r", headers=[("X-One", "1")]), 500, {"X-One": "2"}),
        werkzeug.wrappers.Response("plain"),
        flask.Response(part for part in ["s", "t"]),
        werkzeug.wrappers.Response([b"a", "b"], headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")]),
    ]


@pytest.mark.parametrize("index", range(len(returns())))
def test_a_result_is_sent_as_flask_sends_it(index: int) -> None:
    app = flask.Flask("compared")
    with app.test_request_context():
        theirs = app.make_response(returns()[index])
        expected = (
            theirs.status_code,
            sorted((name.lower(), value) for name, value in theirs.headers),
            b"" if theirs.status_code == 204 else b"".join(theirs.iter_encoded()),
        )
    expected[1][:] = [field for field in expected[1] if field[0] != "content-length"]
    assert as_sent(encode(returns()[index])) == expected


# What only ffhost takes


def test_models_and_dataclasses_are_json() -> None:
    assert as_sent(encode(Color(name="sky"))) == (200, [JSON], b'{"name":"sky","blue":1}\n')
    assert as_sent(encode((Point(1, 2), 201))) == (201, [JSON], b'{"x":2,"y":1}\n')
    assert encode({"c": [Color(name="x")]}).body == b'{"c":[{"blue":1,"name":"x"}]}\n'


def test_a_model_is_written_as_its_own_method_writes_it() -> None:
    for model in (Color(name="b"), Sky(name="c")):
        assert encode(model).body == model.model_dump_json(by_alias=True).encode() + b"\n"
        assert encode(model).body == encode((model, 200)).body
    by_name = ByName(name="d")
    assert encode(by_name).body == by_name.model_dump_json(by_alias=False).encode() + b"\n"
    assert b'"text":' in encode(by_name).body
    assert encode(Signed(name="e")).body == b"signed\n"


def test_files_are_streamed_in_blocks_and_closed() -> None:
    file = BytesIO(b"x" * 70_000)
    reply = encode(file)
    assert reply.chunks is not None
    chunks: Any = reply.chunks
    assert [len(chunk) for chunk in chunks] == [65_536, 4_464]
    assert not file.closed
    chunks.close()
    assert file.closed
    assert as_sent(encode(StringIO("tëxt"))) == (200, [HTML], "tëxt".encode())


def test_a_stream_that_nobody_pulled_is_closed_all_the_same() -> None:
    closed = []
    response = flask.Response(iter(["a"]))
    response.call_on_close(lambda: closed.append(1))
    chunks: Any = encode(response).chunks
    chunks.close()
    chunks.close()
    assert closed == [1]
    file = BytesIO(b"abc")
    bodiless: Any = encode((file, 304)).chunks
    assert list(bodiless) == []
    bodiless.close()
    assert file.closed


def test_an_async_generator_function_belongs_to_the_loop_and_is_streamed() -> None:
    closed = []

    async def count(request: Any) -> AsyncIterator[str]:
        try:
            for number in range(3):
                yield str(number)
        finally:
            closed.append(1)

    assert call(count).body == b"012"

    async def leave_early() -> None:
        codec = make_codec("http", count)
        chunks: Any = codec.encode(await codec.call(*codec.decode(Message("GET", "/")))).chunks
        assert await anext(chunks) == b"0"
        await chunks.aclose()

    closed.clear()
    asyncio.run(leave_early())
    assert closed == [1]


def test_an_async_generator_may_come_with_status_and_headers() -> None:
    async def numbers() -> AsyncIterator[bytes]:
        yield b"1"

    reply = encode((numbers(), 202, {"X-One": "1"}))
    assert as_sent(reply) == (202, [HTML, ("x-one", "1")], b"1")


def test_a_response_of_ours_says_everything() -> None:
    response = ffhost.web.responses.Response({"a": 1}, 201, {"X-One": "1"})
    response.headers.add("x-one", "2")
    response.headers["X-Two"] = "3"
    response.set_cookie(
        "id", "a b;", max_age=dt.timedelta(minutes=1), secure=True, httponly=True, samesite="lax"
    )
    response.delete_cookie("old", path="/x")
    assert as_sent(encode(response)) == (
        201,
        [
            JSON,
            ("set-cookie", "id=a%20b%3B; Max-Age=60; Secure; HttpOnly; Path=/; SameSite=Lax"),
            ("set-cookie", "old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x"),
            ("x-one", "1"),
            ("x-one", "2"),
            ("x-two", "3"),
        ],
        b'{"a":1}\n',
    )
    typed = ffhost.web.responses.Response("<p>", content_type="text/plain")
    assert as_sent(encode(typed)) == (200, [("content-type", "text/plain")], b"<p>")
    assert as_sent(encode((typed, 404)))[0] == 404


def test_what_belongs_to_the_connection_is_not_the_functions_to_say() -> None:
    headers = {"Transfer-Encoding": "chunked", "Connection": "close", "Content-Length": "999"}
    assert as_sent(encode(("x", headers))) == (200, [HTML], b"x")
    assert encode(("x", headers)).headers == [HTML]
    streamed = encode((iter(["abc"]), {"Content-Length": "3"}))
    assert streamed.headers == [HTML, ("Content-Length", "3")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            None,
            "hello returned None; return a str, bytes, dict, list, pydantic model, dataclass, "
            "generator, ffhost.Response, (body, status), (body, headers) or (body, status, "
            "headers)",
        ),
        (("a", 42), "hello returned the status 42; a status is a number from 200 to 999"),
        (("a", "OK"), "hello returned the status 'OK'; a status is a number from 200 to 999"),
        (
            ("a", {"X": "b\r\nSet-Cookie: c"}),
            "hello returned a header that cannot be sent: the value of the header 'X' contains "
            "a line break",
        ),
        (
            ("a", {"X Y": "b"}),
            "hello returned a header that cannot be sent: 'X Y' is not a valid header name",
        ),
        (
            ("a", {"X": "€"}),
            "hello returned a header that cannot be sent: the value of the header 'X' contains "
            "characters outside latin-1; encode them",
        ),
        (
            ("a", [1]),
            "hello returned a header that cannot be sent: headers must be a dictionary or a list "
            "of pairs, not list",
        ),
        ({"a": {1, 2}}, "hello returned a dict that is not JSON: set has no JSON"),
        ("\ud800", "hello returned text that cannot be sent as UTF-8"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_says_what_can(value: Any, message: str) -> None:
    with pytest.raises(ResultError) as caught:
        encode(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [3, object(), {1}, (), ("a",), (None, 200), ("a", 1, {}, 2), int])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(ResultError, match=r"^hello returned .*; return a str"):
        encode(value)


def test_values_that_contain_themselves_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ResultError, match="contains itself"):
        encode(loop)


def test_a_forgotten_await_is_named() -> None:
    async def later() -> str:
        return "x"

    with pytest.raises(ResultError, match="make the function async"):
        encode(later())


def test_a_stream_of_something_else_fails_where_it_is_pulled() -> None:
    chunks: Any = encode(iter([b"a", 1])).chunks
    assert next(chunks) == b"a"
    with pytest.raises(ResultError, match="a stream yielded int; yield str or bytes"):
        next(chunks)


def test_starlette_responses_are_sent_with_their_background_tasks(tmp_path: Any) -> None:
    done: list[str] = []
    response = starlette.responses.JSONResponse({"a": 1}, 201, headers={"x-one": "1"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    status, headers, body = as_sent(encode(response))
    assert (status, body) == (201, b'{"a":1}')
    assert [name for name, _ in headers] == ["content-type", "set-cookie", "set-cookie", "x-one"]

    async def numbers() -> AsyncIterator[str]:
        yield "1"
        yield "2"

    task = starlette.background.BackgroundTask(done.append, "after")
    streaming = starlette.responses.StreamingResponse(numbers(), background=task)
    assert as_sent(encode(streaming))[2] == b"12"
    plain = starlette.responses.PlainTextResponse("text", background=task)
    assert as_sent(encode(plain))[2] == b"text"
    (tmp_path / "file.txt").write_text("in a file")
    file = starlette.responses.FileResponse(tmp_path / "file.txt", background=task)
    reply = encode(file)
    assert reply.header("content-length") == "9"
    assert as_sent(reply)[2] == b"in a file"
    followed: Any = reply.chunks
    asyncio.run(followed.after())
    assert done == ["after"] * 3


# Falcon's (req, resp)


def responder(req: falcon.Request, resp: falcon.Response) -> None:
    resp.status = falcon.HTTP_202
    resp.media = {"name": req.get_param("name")}
    resp.set_header("X-One", "1")
    resp.append_header("X-One", "2")
    resp.set_cookie("a", "1")
    resp.append_header("Set-Cookie", "b=2")


async def async_responder(req: falcon.Request, resp: falcon.Response) -> None:
    responder(req, resp)


@pytest.mark.parametrize("target", [responder, async_responder])
def test_two_parameters_make_a_falcon_responder(target: Any) -> None:
    reply = call(target, Message("GET", "/", query="name=ann"))
    assert as_sent(reply) == (
        202,
        [
            JSON,
            ("set-cookie", "a=1; HttpOnly; Secure"),
            ("set-cookie", "b=2"),
            ("x-one", "1, 2"),
        ],
        b'{"name": "ann"}',
    )


def falcon_response(**values: Any) -> Reply:
    def respond(req: Any, resp: Any) -> None:
        for name, value in values.items():
            setattr(resp, name, value)

    return call(respond)


def test_every_way_to_a_falcon_body_is_sent() -> None:
    assert as_sent(falcon_response(text="ü")) == (200, [JSON], "ü".encode())
    assert as_sent(falcon_response(data=b"\xff", content_type="image/png")) == (
        200,
        [("content-type", "image/png")],
        b"\xff",
    )
    assert as_sent(falcon_response()) == (200, [JSON], b"")
    assert as_sent(falcon_response(status=204, text="x")) == (204, [], b"")
    assert as_sent(falcon_response(stream=BytesIO(b"file")))[2] == b"file"
    assert as_sent(falcon_response(stream=iter([b"a", b"b"])))[2] == b"ab"
    with pytest.raises(ResultError):
        falcon_response(headers_=1, status=99)


def test_a_responder_that_returns_something_was_meant_otherwise() -> None:
    def confused(req: Any, resp: Any) -> str:
        return "hello"

    with pytest.raises(ResultError, match=r"^hello takes \(req, resp\) and returned str; set resp"):
        call(confused)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_falcons_errors_answer_with_what_was_set_before(kind: str) -> None:
    def refuse(req: Any, resp: Any) -> None:
        resp.set_header("X-One", "1")
        raise falcon.HTTPTooManyRequests(title="slowly", headers={"Retry-After": "5"})

    async def refuse_async(req: Any, resp: Any) -> None:
        refuse(req, resp)

    reply = call(refuse if kind == "sync" else refuse_async)
    assert as_sent(reply) == (
        429,
        [JSON, ("retry-after", "5"), ("vary", "Accept"), ("x-one", "1")],
        b'{"title": "slowly"}',
    )


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (
            falcon.HTTPNotFound(description="no such thing"),
            (
                404,
                [JSON, ("vary", "Accept")],
                b'{"title": "404 Not Found", "description": "no such thing"}',
            ),
        ),
        (
            falcon.HTTPFound("/elsewhere"),
            (302, [JSON, ("location", "/elsewhere")], b""),
        ),
        (
            StarletteError(418, "teapot"),
            (418, [("content-type", "text/plain; charset=utf-8")], b"teapot"),
        ),
    ],
)
def test_an_exception_that_means_an_answer_becomes_it(error: Exception, sent: Any) -> None:
    codec = make_codec("http", lambda request: None)
    reply = codec.answer(error)
    assert reply is not None
    assert as_sent(reply) == sent


def test_flasks_abort_is_an_answer_and_other_exceptions_are_none() -> None:
    codec = make_codec("http", lambda request: None)
    reply = codec.answer(werkzeug.exceptions.NotFound("gone"))
    assert reply is not None
    assert reply.status == 404
    assert reply.header("content-type") == "text/html; charset=utf-8"
    assert b"gone" in reply.body
    assert codec.answer(ValueError("x")) is None
    assert codec.answer(SystemExit(1)) is None


# What may be a target


class Callable_:
    def __call__(self, request: Any) -> str:
        return request.method

    def method(self, request: Any) -> str:
        return request.method

    async def later(self, request: Any) -> str:
        return request.method


class AsyncCallable:
    async def __call__(self, request: Any) -> str:
        return request.method


def prefixed(prefix: str, request: Any) -> str:
    return prefix + request.method


async def prefixed_later(prefix: str, request: Any) -> str:
    return prefix + request.method


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (Callable_(), b"GET"),
        (Callable_().method, b"GET"),
        (Callable_().later, b"GET"),
        (AsyncCallable(), b"GET"),
        (functools.partial(prefixed, "a"), b"aGET"),
        (functools.partial(prefixed_later, "a"), b"aGET"),
        (
            functools.partial(
                functools.partial(Callable_()),
            ),
            b"GET",
        ),
        (functools.partial(AsyncCallable()), b"GET"),
        (lambda *arguments: arguments[0].method, b"GET"),
        (lambda request, extra=None: request.method, b"GET"),
        (lambda request=None, resp=None: request.method, b"GET"),
    ],
)
def test_anything_that_takes_a_request_is_a_target(target: Any, body: bytes) -> None:
    assert call(target).body == body


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            lambda: "x",
            "hello takes no parameter; the signature http gives one request, or Falcon's "
            "(req, resp)",
        ),
        (
            lambda a, b, c: "x",
            "hello takes (a, b, c); the signature http gives one request, or Falcon's (req, resp)",
        ),
        (
            lambda a, *, key: "x",
            "hello needs the keyword 'key', which a call does not have; the signature http gives "
            "one request, or Falcon's (req, resp)",
        ),
        (
            lambda event, context: "x",
            "hello takes (data, context) like an event function; write signature: event, or "
            "decorate it with @ffhost.event",
        ),
    ],
)
def test_a_function_of_another_form_is_refused_when_it_is_loaded(target: Any, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        make_codec("http", target, SignatureOptions(name="hello"))
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def test_a_generator_function_streams() -> None:
    def count(request: Any) -> Iterator[str]:
        yield "1"
        yield "2"

    assert as_sent(call(count)) == (200, [HTML], b"12")
