"""A function as a tool: its schemas are those of the OpenAPI document, and what it answers."""

from __future__ import annotations

import base64
import dataclasses
import enum
import itertools
import json
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import jsonschema
import pytest
from pydantic import BaseModel, Field

from ffhost.agents.rpc import JsonRpcError
from ffhost.agents.tools import DIALECT, AgentTool
from ffhost.deploy.shared_schemas import SharedOpenapiSchemas
from ffhost.signatures.function_types import FunctionTypes, function_types_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    name: str = Field(max_length=5)
    colour: Colour = Colour.RED


class Tree(BaseModel):
    leaf: Leaf
    parts: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    leaf: Leaf | None = None


class Pet(BaseModel):
    pet: Annotated[Union[Cat, Dog], Field(discriminator="kind")]  # noqa: UP007


class Aliased(BaseModel):
    from_: int = Field(alias="from")


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class Options(TypedDict, total=False):
    leaf: Leaf
    point: Point


TAKES = [Leaf, Tree, Pet, Aliased, Point, Options, list[Leaf], int, dict[str, Point], Cat | Dog]
RETURNS = [Leaf, Tree, list[Point], Optional[Options], str]  # noqa: UP045


def made(takes: Any, returns: Any) -> Any:
    def function(value: Any) -> Any:
        """Do something."""

    function.__annotations__ = {"value": takes, "return": returns}
    return function


def fifty() -> list[FunctionTypes]:
    pairs = itertools.product(TAKES, RETURNS)
    return [function_types_of(made(takes, returns), "typed", "typed") for takes, returns in pairs]


def resolved(schema: Any, whole: Any, known: tuple[str, ...] = ()) -> Any:
    """Return *schema* with what its references lead to; one within itself is its depth."""
    if isinstance(schema, list):
        return [resolved(each, whole, known) for each in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if reference is not None:
        if reference in known:
            return {"recursion": len(known) - known.index(reference)}
        found = whole
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return resolved({**found, **rest}, whole, (*known, reference))
    return {
        key: resolved(value, whole, known)
        for key, value in schema.items()
        if key not in ("$defs", "$schema", "mapping")
    }


def unfolded(schema: Any) -> Any:
    """Return *schema* without marks of recursion, which depend on where it was entered."""
    if isinstance(schema, dict):
        return {k: unfolded(v) for k, v in schema.items() if k != "recursion"}
    return [unfolded(each) for each in schema] if isinstance(schema, list) else schema


def test_fifty_functions_have_the_schemas_of_the_openapi_document() -> None:
    functions = fifty()
    assert len(functions) == 50
    shared = SharedOpenapiSchemas()
    wholes = []
    for index, types in enumerate(functions):
        assert types.takes is not None
        takes = shared.add(types.takes, f"f{index}")
        returns = None if types.returns is None else shared.add(types.returns, f"f{index}")
        wholes.append((takes, returns))
    document = {"components": {"schemas": shared.definitions}}
    for types, (takes, returns) in zip(functions, wholes, strict=True):
        definition = AgentTool("f", "/f", types).definition
        schema = definition["inputSchema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        assert (schema["type"], schema["$schema"]) == ("object", DIALECT)
        sides = [(schema, takes, "value")]
        if returns is not None:
            sides.append((definition["outputSchema"], returns, "result"))
        for mine, theirs, wrapper in sides:
            assert mine["type"] == "object"
            expected = resolved(theirs, document)
            found = resolved(mine, mine)
            if found != expected and list(found.get("properties", {})) == [wrapper]:
                found = found["properties"][wrapper]
                if types.may_be_empty and wrapper == "result":
                    found = found["anyOf"][0]
            if "recursion" in json.dumps([found, expected]):
                found, expected = unfolded(found), unfolded(expected)
                assert found["properties"]["leaf"] == expected["properties"]["leaf"]
            else:
                assert found == expected


def tool(takes: Any, returns: Any = None, path: str = "/f") -> AgentTool:
    return AgentTool("f", path, function_types_of(made(takes, returns), "typed", "typed"))


def test_arguments_are_the_body_and_fill_the_path() -> None:
    order = tool(Point, path="/points/{x}/of")
    path, body = order.request({"x": "a/b", "y": 1})
    assert (path, json.loads(body)) == ("/points/a%2Fb/of", {"x": "a/b", "y": 1})
    assert tool(list[int]).request({"value": [1, 2]}) == ("/f", b"[1, 2]")
    assert tool(Point).request(None) == ("/f", b"{}")
    with pytest.raises(JsonRpcError):
        order.request([1])


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("returns", "status", "headers", "body", "structured"),
    [
        (Point, 200, JSON, b'{"x": 1}', {"x": 1}),
        (list[int], 200, JSON, b"[1]", {"result": [1]}),
        (Optional[Point], 200, JSON, b'{"x": 1}', {"result": {"x": 1}}),  # noqa: UP045
        (Optional[Point], 204, {}, b"", {"result": None}),  # noqa: UP045
        (None, 200, JSON, b'{"any": 1}', {"any": 1}),
        (None, 200, JSON, b"[1]", None),
        (None, 204, {}, b"", None),
    ],
)
def test_json_is_structured_and_fits_the_schema(
    returns: Any, status: int, headers: dict[str, str], body: bytes, structured: Any
) -> None:
    made_tool = tool(Point, returns)
    result = made_tool.result(status, headers, body, "7")
    assert result.get("structuredContent") == structured
    assert "isError" not in result
    if "outputSchema" in made_tool.definition and structured != {"x": 1}:
        jsonschema.validate(structured, made_tool.definition["outputSchema"])


@pytest.mark.parametrize(
    ("kind", "block"),
    [
        ("text/html; charset=utf-8", {"type": "text", "text": "abc"}),
        ("image/png", {"type": "image", "data": "YWJj", "mimeType": "image/png"}),
        ("audio/wav", {"type": "audio", "data": "YWJj", "mimeType": "audio/wav"}),
        (
            "application/pdf",
            {
                "type": "resource",
                "resource": {
                    "uri": "ffhost://f/7",
                    "mimeType": "application/pdf",
                    "blob": base64.b64encode(b"abc").decode(),
                },
            },
        ),
    ],
)
def test_other_bodies_are_blocks_of_their_kind(kind: str, block: dict[str, Any]) -> None:
    result = AgentTool("f", "/f", FunctionTypes()).result(200, {"content-type": kind}, b"abc", "7")
    assert result == {"content": [block]}


PROBLEM = {"content-type": "application/problem+json"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "text"),
    [
        (
            500,
            {**PROBLEM, "x-google-status": "crash"},
            b'{"detail": "ValueError: inside", "traceback": ["x"]}',
            "the function crashed (execution id 7)",
        ),
        (
            422,
            PROBLEM,
            b'{"detail": "it does not fit", "errors": [{"field": "x", "message": "too big"}]}',
            "it does not fit (execution id 7)\nx: too big",
        ),
        (409, {"content-type": "text/plain"}, b"sold out", "sold out"),
        (404, {}, b"", "status 404 (execution id 7)"),
    ],
)
def test_an_error_says_what_the_agent_can_correct_and_nothing_from_inside(
    status: int, headers: dict[str, str], body: bytes, text: str
) -> None:
    result = tool(Point, Point).result(status, headers, body, "7")
    assert result == {"content": [{"type": "text", "text": text}], "isError": True}


def test_the_description_is_the_docstring_without_its_sections() -> None:
    def function(point: Point) -> None:
        """Move it

        As far as it goes.

        Args:
            point: where
        """

    found = AgentTool("f", "/f", function_types_of(function, "typed", None)).definition[
        "description"
    ]
    assert found == "Move it.\n\nAs far as it goes."
