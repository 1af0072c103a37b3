"""Values of typed functions that are handed over as they are, and those that are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ffhost.testing import Client, client
from ffhost.web.handed_message import HandedMessage
from ffhost.web.messages import Message
from tests.log_reading import reading

MAIN = """
import dataclasses
import enum
import typing
import ffhost
import pydantic

GOT = []

class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"

@dataclasses.dataclass(frozen=True)
class Line:
    item: str
    amount: int = 1

@dataclasses.dataclass(frozen=True)
class Order:
    lines: tuple[Line, ...]
    size: Size = Size.SMALL
    note: str | None = None

@dataclasses.dataclass
class Open:
    item: str

class Model(pydantic.BaseModel, frozen=True):
    item: str
    amount: typing.Annotated[int, pydantic.Field(gt=0)] = 1

class Point(typing.NamedTuple):
    x: int
    y: float

@ffhost.typed
def order(value: Order):
    GOT.append(value)
    return {"lines": [dataclasses.asdict(each) for each in value.lines], "note": value.note}

@ffhost.typed
async def model(value: Model):
    GOT.append(value)
    return {"item": value.item, "amount": value.amount}

@ffhost.typed
def point(value: Point):
    GOT.append(value)
    return list(value)

@ffhost.typed
def changeable(value: Open):
    GOT.append(value)
    return {"item": value.item}

@ffhost.typed
def small(value: Order):
    GOT.append(value)
    return {}

ORDER = Order((Line("tea"), Line("caf\u00e9", 3)), Size.LARGE)
SENT = {
    "order": ORDER,
    "model": Model(item="tea", amount=2),
    "point": Point(1, 2.5),
    "changeable": Open("tea"),
    "unset": Model(item="tea"),
    "unlike": Order([Line("tea")]),
    "sub": type("Sub", (Line,), {})("tea"),
    "constructed": Model.model_construct(_fields_set={"item", "amount"}, item="tea", amount=-1),
    "wrong": Order((Line("tea", "many"),)),
    "long": Order((), note="x" * 2000),
    "short": Order((), note="x" * 300),
}

def plainly(request):
    asked = request.get_json()
    headers = asked.get("headers") or {}
    answer = ffhost.call_sync(asked["name"], SENT[asked["value"]], headers=headers)
    return {"status": answer.status, "json": answer.json(), "same": GOT[-1] is SENT[asked["value"]],
            "equal": GOT[-1] == SENT[asked["value"]]}

async def awaited(request):
    asked = request.get_json()
    headers = asked.get("headers") or {}
    answer = await ffhost.call(asked["name"], SENT[asked["value"]], headers=headers)
    return {"status": answer.status, "json": answer.json(), "same": GOT[-1] is SENT[asked["value"]],
            "equal": GOT[-1] == SENT[asked["value"]]}
"""
NAMES = ["order", "model", "point", "changeable", "plainly", "awaited"]


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def host(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("handed")
    (folder / "main.py").write_text(MAIN)
    functions: dict[str, Any] = {name: {"target": f"main.py:{name}"} for name in NAMES}
    functions["small"] = {"target": "main.py:small", "max_body_size": "1KiB"}
    (folder / "functions.yaml").write_text(json.dumps({"functions": functions}))
    with client(folder, front=request.param) as made:
        module = made.service.host.functions["order"].module
        assert module is not None
        module.GOT.append(None)
        yield made


@pytest.fixture(params=["plainly", "awaited"])
def ask(request: pytest.FixtureRequest, host: Client) -> Any:
    def ask(name: str, value: str, **rest: Any) -> dict[str, Any]:
        given = {"name": name, "value": value, **rest}
        found: dict[str, Any] = host.post(f"/{request.param}", json=given).json()
        return found

    return ask


@pytest.mark.parametrize("name", ["order", "model", "point"])
def test_a_value_that_nobody_can_change_arrives_itself(ask: Any, name: str) -> None:
    found = ask(name, name)
    assert (found["status"], found["same"]) == (200, True)


@pytest.mark.parametrize(
    ("name", "value"), [("changeable", "changeable"), ("model", "unset")], ids=["open", "unset"]
)
def test_what_can_be_changed_or_knows_what_was_set_arrives_as_a_copy(
    ask: Any, name: str, value: str
) -> None:
    found = ask(name, value)
    assert (found["status"], found["same"], found["equal"]) == (200, False, True)


def test_a_part_that_is_not_what_its_type_declares_is_read_again(ask: Any) -> None:
    found = ask("order", "unlike")
    assert (found["status"], found["same"]) == (200, False)


@pytest.mark.parametrize(
    ("name", "value", "document"),
    [
        ("model", "constructed", {"item": "tea", "amount": -1}),
        ("order", "wrong", {"lines": [{"item": "tea", "amount": "many"}], "size": "s"}),
    ],
)
def test_an_invalid_value_is_refused_as_over_http(
    host: Client, ask: Any, name: str, value: str, document: Any
) -> None:
    over_http = host.post(f"/{name}", json=document).json()
    found = ask(name, value)
    assert (found["status"], found["same"]) == (422, False)
    for refusal in (over_http, found["json"]):
        refusal.pop("execution_id")
    assert found["json"] == over_http


def test_the_answer_is_that_over_http(host: Client, ask: Any) -> None:
    document = {"lines": [{"item": "tea"}, {"item": "café", "amount": 3}], "size": "l"}
    assert ask("order", "order")["json"] == host.post("/order", json=document).json()


def test_the_size_of_the_body_is_limited_all_the_same(ask: Any) -> None:
    assert ask("small", "long")["status"] == 413
    found = ask("small", "short")  # it could have been too long, and is not
    assert (found["status"], found["same"]) == (200, True)


def test_a_content_type_that_is_not_json_is_refused_all_the_same(ask: Any) -> None:
    assert ask("order", "order", headers={"Content-Type": "text/plain"})["status"] == 415


def test_a_body_is_written_once_and_only_when_somebody_asks() -> None:
    written: list[str] = []

    def write(value: str) -> bytes:
        written.append(value)
        return value.encode()

    asked = Message("GET", "/", server=("host", 80))
    message = HandedMessage("tea", write, 10, asked, lambda: {"x": "1"}, "POST", "/")
    assert message.header("x") == "1"
    assert (message.server, message.body_bytes) == (("host", 80), None)
    assert not message.is_longer_than(10)
    assert not message.has_any(frozenset({"y", "content-length"}))
    assert (message.headers, message.header("content-length")) == ({"x": "1"}, None)
    assert written == []
    assert (message.body, message.is_longer_than(2), message.body_bytes) == (b"tea", True, 3)
    assert message.headers == {"x": "1", "content-length": "3"}
    assert message.has_any(frozenset({"content-length"}))
    assert written == ["tea"]


def test_a_value_that_was_handed_over_has_no_bytes_in_its_entry(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN + "GOT.append(None)\n")
    functions = {name: {"target": f"main.py:{name}"} for name in NAMES}
    (tmp_path / "functions.yaml").write_text(json.dumps({"functions": functions}))
    with reading(tmp_path) as log:
        log.configure()
        with client(tmp_path) as host:
            for name in ("order", "changeable"):
                assert host.post("/plainly", json={"name": name, "value": name}).status == 200
        entries = log.entries()
    found = {each["function"]: each for each in entries if each["message"] == "invocation"}
    assert "request_bytes" not in found["order"]
    assert found["changeable"]["request_bytes"] == len(b'{"item":"tea"}')
