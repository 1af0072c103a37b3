"""Typed functions: JSON read as the annotated type, and what they return."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ffhost.loading.decorators
from ffhost.errors import (
    BadRequest,
    FieldError,
    LoadError,
    UnprocessableContent,
    UnsupportedMediaType,
)
from ffhost.signatures import Codec, SignatureOptions, make_codec
from ffhost.web.messages import Message, Reply

JSON_TYPE = {"content-type": "application/json"}


class User(pydantic.BaseModel):
    name: str
    age: int = 0
    tags: list[str] = []


class Strict(pydantic.BaseModel, extra="forbid", strict=True):
    user_id: int = pydantic.Field(alias="userId")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Inner(TypedDict):
    kind: Literal["a", "b"]


class Order(TypedDict):
    id: int
    items: list[Inner]
    note: NotRequired[str | None]


class Legacy:
    """What functions-framework's typed functions take and give."""

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Legacy:
        return Legacy(data["name"].upper())

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "a": 1}


def codec_of(target: Callable[..., Any], **options: Any) -> Codec:
    return make_codec("typed", target, SignatureOptions(name="take", **options))


def taker(kind: Any, **options: Any) -> Callable[..., Any]:
    """Give what decodes a body for a function that takes *kind*."""
    codec = codec_of(lambda value: value, input_type=kind, **options)

    def take(body: bytes, params: dict[str, str] | None = None, **headers: str) -> Any:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        message = Message("POST", "/", headers=fields or JSON_TYPE, body=body, params=params)
        return codec.decode(message)[0]

    return take


def test_every_kind_of_type_is_read() -> None:
    assert taker(User)(b'{"name": "ann", "age": "7"}') == User(name="ann", age=7)
    assert taker(Point)(b'{"x": 1}') == Point(1)
    order = {"id": 1, "items": [{"kind": "a"}]}
    assert taker(Order)(b'{"id": 1, "items": [{"kind": "a"}]}') == order
    assert taker(list[Order] | None)(b'[{"id": 1, "items": []}]') == [{"id": 1, "items": []}]
    assert taker(dict[str, int])(b'{"a": 1}') == {"a": 1}
    assert taker(Annotated[int, pydantic.Field(gt=3)])(b"4") == 4
    assert taker(Legacy)(b'{"name": "ann"}').name == "ANN"


def test_the_type_comes_from_the_annotation_or_the_decorator() -> None:
    def annotated(user: User) -> str:
        return user.name

    @ffhost.typed(Point)
    def decorated(value: Any) -> Any:
        return value

    message = Message("POST", "/", headers=JSON_TYPE, body=b'{"name": "ann", "x": 3}')
    assert codec_of(annotated).decode(message) == (User(name="ann"),)
    assert codec_of(decorated).decode(message) == (Point(3),)


def test_a_body_that_does_not_validate_is_422_and_names_each_field() -> None:
    with pytest.raises(UnprocessableContent) as caught:
        taker(User)(b'{"age": "old", "tags": [1, "b"], "secret": "hunter2"}')
    assert caught.value.detail == (
        "the body does not fit; the function 'take' has the signature 'typed': it takes User as "
        "JSON"
    )
    assert caught.value.errors == (
        FieldError("name", "Field required"),
        FieldError("age", "Input should be a valid integer, unable to parse string as an integer"),
        FieldError("tags.0", "Input should be a valid string"),
    )
    with pytest.raises(UnprocessableContent) as caught:
        taker(Order)(b'{"items": [{"kind": "c"}]}')
    assert [each.field for each in caught.value.errors] == ["id", "items.0.kind"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": }', b"\xff", b"[" * 100_000, b"nonsense"])
@pytest.mark.parametrize("kind", [User, Point, Order, Legacy])
def test_a_body_that_is_no_json_is_400(body: bytes, kind: Any) -> None:
    for options in ({}, {"path_parameters": ("id",)}):
        if options and not body:
            continue
        with pytest.raises(BadRequest) as caught:
            taker(kind, **options)(body)
        assert caught.value.detail.startswith("the body is not valid JSON; the function 'take'")


def test_only_json_is_read() -> None:
    take = taker(dict[str, int])
    assert take(b"{}", content_type="application/vnd.x+json; charset=utf-8") == {}
    assert take(b"{}", accept="*/*") == {}
    with pytest.raises(UnsupportedMediaType):
        take(b"{}", content_type="application/x-www-form-urlencoded")


def test_from_dict_that_refuses_is_422_without_its_words() -> None:
    with pytest.raises(UnprocessableContent) as caught:
        taker(Legacy)(b"{}")
    assert caught.value.errors == (FieldError("name", "is missing"),)
    for body in (b"[]", b"null", b'{"name": 1}'):
        with pytest.raises(UnprocessableContent) as caught:
            taker(Legacy)(body)
        assert caught.value.errors == ()


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        (User, b'{"name": "ann"}', User(name="ann", age=7)),
        (User, b'{"name": "ann", "age": 8}', User(name="ann", age=7)),
        (Point, b'{"x": 1, "age": 2}', Point(1)),
        (dict[str, Any], b"{}", {}),
    ],
)
def test_parameters_of_the_path_fill_the_fields_of_their_name(
    kind: Any, body: bytes, value: Any
) -> None:
    take = taker(kind, path_parameters=("age", "other"))
    assert take(body, {"age": "7", "other": "x"}) == value


def test_a_path_alone_can_be_the_whole_value() -> None:
    assert taker(Point, path_parameters=("x", "y"))(b"", {"x": "1", "y": "2"}) == Point(1, 2)
    with pytest.raises(UnprocessableContent) as caught:
        taker(Point, path_parameters=("x",))(b"", {"x": "north"})
    assert [each.field for each in caught.value.errors] == ["x"]
    with pytest.raises(UnprocessableContent):
        taker(Strict, path_parameters=("user_id",))(b"", {"user_id": "1"})
    legacy = taker(Legacy, path_parameters=("name",))
    assert legacy(b"", {"name": "eve"}).name == "EVE"


def test_of_very_many_faults_only_some_are_named() -> None:
    with pytest.raises(UnprocessableContent) as caught:
        taker(list[int])(b"[" + b'"x",' * 500 + b'"x"]')
    assert len(caught.value.errors) == 100
    with pytest.raises(UnprocessableContent) as caught:
        taker(list[int])(b"[" + b'"x",' * 20_000 + b'"x"]')
    assert caught.value.errors == ()
    assert "in 20001 places" in caught.value.detail


def encode(value: Any, **options: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    reply = codec_of(lambda value: value, input_type=int, **options).encode(value)
    return reply.status, reply.headers, reply.body


def test_results_are_those_of_http_and_to_dict() -> None:
    json_type = [("content-type", "application/json")]
    html = [("content-type", "text/html; charset=utf-8")]
    assert encode(None) == (204, [], b"")
    assert encode({"b": 1, "a": 2}) == (200, json_type, b'{"a":2,"b":1}\n')
    assert encode(User(name="ann")) == (200, json_type, b'{"name":"ann","age":0,"tags":[]}\n')
    assert encode(Legacy("x")) == (200, json_type, b'{"a":1,"name":"x"}\n')
    assert encode((Legacy("x"), 201))[0] == 201
    assert encode("text") == (200, html, b"text")


def test_in_single_target_mode_results_are_functions_frameworks() -> None:
    html = [("content-type", "text/html; charset=utf-8")]
    assert encode(None, single=True) == (200, html, b"")
    assert encode(Legacy("x"), single=True) == (200, html, b'{"name": "x", "a": 1}')
    assert encode({"a": 1}, single=True)[2] == b'{"a":1}\n'


def test_coroutine_functions_and_streams_are_typed_functions_too() -> None:
    async def later(user: User) -> str:
        return user.name

    async def stream(user: User) -> AsyncIterator[str]:
        yield user.name

    message = Message("POST", "/", headers=JSON_TYPE, body=b'{"name": "ann"}')

    async def run(target: Any) -> Reply:
        codec = codec_of(target)
        assert codec.is_async
        return codec.encode(await codec.call(*codec.decode(message)))

    assert asyncio.run(run(later)).body == b"ann"
    assert asyncio.run(run(stream)).chunks is not None


class Unknown:
    pass


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            lambda value: value,
            "take does not say which type it takes; annotate its parameter, or name the type in "
            "@ffhost.typed(Type)",
        ),
        (
            lambda: 1,
            "take takes no parameter; the signature typed gives one value of the annotated type",
        ),
        (
            lambda a, b: 1,
            "take takes (a, b); the signature typed gives one value of the annotated type",
        ),
    ],
)
def test_a_function_without_a_type_is_refused_when_it_is_loaded(target: Any, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        codec_of(target)
    assert str(caught.value) == message


def test_a_type_that_nothing_can_read_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(LoadError, match="take takes Unknown, which cannot be validated"):
        codec_of(lambda value: value, input_type=Unknown)

    def missing(value: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
        pass

    with pytest.raises(LoadError, match="take takes 'Nowhere', which its module does not"):
        codec_of(missing)


HOSTILE = [taker(kind, **options) for kind in (User, Strict, Point, Order, Legacy, list[Order])
           for options in ({}, {"path_parameters": ("name", "x", "user_id")})]  # fmt: skip
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "x", "id", "items", "kind", "userId", "ü"]), inner
        )
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=30) | DOCUMENTS.map(lambda value: json.dumps(value).encode())


@given(
    body=BODIES,
    content_type=st.sampled_from(["application/json", "", "x", "a/b+json"]) | st.text(max_size=9),
    param=st.text(max_size=5),
    which=st.integers(0, len(HOSTILE) - 1),
)
def test_no_body_fails_but_with_a_request_error(
    body: bytes, content_type: str, param: str, which: int
) -> None:
    with contextlib.suppress(BadRequest, UnsupportedMediaType, UnprocessableContent):
        HOSTILE[which](body, {"name": param, "x": param}, content_type=content_type)
