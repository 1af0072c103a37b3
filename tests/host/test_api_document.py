"""The served OpenAPI document: where it is, what is in it, and when it changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ffhost.config import ConfigSources
from ffhost.host.admin.pages import AdminPages
from ffhost.host.service import Service
from ffhost.web.messages import Message
from tests.commands import ffhost
from tests.conftest import Serve
from tests.orders import QUOTE

CODE = (
    QUOTE
    + """
def apart():
    @dataclasses.dataclass
    class Order:
        number: int
    Order.__annotations__ = {"number": int}
    def cancel(order: Order) -> None: ...
    cancel.__annotations__ = {"order": Order, "return": None}
    return ffhost.typed(cancel)

cancel = apart()

def hello(request) -> str:
    return "hello"
"""
)
CONFIG = """
    openapi: {}
    auth: {staff: {keys: {ci: {from_env: CI_KEY}}}}
    functions:
      quote:
        target: main.py:quote
        auth: staff
        examples:
          - name: one tea
            request: {json: {item: tea, api_key: abcdefg}}
            response: {json: {cents: 400, note: "of key-of-ci-for-tests!"}}
          - request: {json: {item: tea, amount: x}}
            response: {status: 422, json: {status: 422}}
      cancel: {target: main.py:cancel}
      hello: {target: main.py:hello, methods: [GET], lazy: true, signature: http}
"""
ENVIRON = {"CI_KEY": "key-of-ci-for-tests"}


def test_the_public_port_serves_what_the_command_writes(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG, environ=ENVIRON)
    answer = host.get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    written = ffhost("openapi", "--format", "json", cwd=tmp_path, environ=ENVIRON)
    assert answer.json() == json.loads(written.out)
    assert host.request("HEAD", "/openapi.json").status == 200
    refused = host.post("/openapi.json")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert host.get("/openapi.json/more").status == 404


@pytest.fixture
def document(serve: Serve) -> dict[str, Any]:
    found: dict[str, Any] = serve(CODE, CONFIG, environ=ENVIRON).get("/openapi.json").json()
    return found


def test_it_names_the_door_and_the_problems(document: dict[str, Any]) -> None:
    post = document["paths"]["/quote"]["post"]
    assert (post["summary"], post["security"]) == ("Price an order", [{"staff": []}])
    assert document["components"]["securitySchemes"]["staff"]["scheme"] == "bearer"
    problem = document["components"]["responses"]["Unauthenticated"]["content"]
    assert problem["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "get" in document["paths"]["/hello"]  # which nobody has called yet


def test_it_has_the_examples_without_what_is_secret(document: dict[str, Any]) -> None:
    post = document["paths"]["/quote"]["post"]
    sent = post["requestBody"]["content"]["application/json"]["examples"]
    assert sent == {
        "one tea": {"value": {"item": "tea", "api_key": "***"}},
        "example 2": {"value": {"item": "tea", "amount": "x"}},
    }
    answered = post["responses"]["200"]["content"]["application/json"]["examples"]
    assert answered == {"one tea": {"value": {"cents": 400, "note": "***"}}}


def test_two_types_of_one_name_stay_two(document: dict[str, Any]) -> None:
    def takes(path: str) -> dict[str, Any]:
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        return {**body["schema"], "components": document["components"]}

    jsonschema.validate({"item": "tea"}, takes("/quote"))
    jsonschema.validate({"number": 7}, takes("/cancel"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"item": "tea"}, takes("/cancel"))


def test_there_is_none_unless_it_is_written(serve: Serve) -> None:
    host = serve(CODE, "functions: {hello: {target: main.py:hello}}")
    assert host.get("/openapi.json").status == 404


def make(folder: Path, title: str) -> Service:
    (folder / "main.py").write_text("def hello(request) -> str: ...")
    (folder / "functions.yaml").write_text(
        f"admin: {{enabled: true}}\n"
        f"openapi: {{path: /api, title: {title}, version: 2.1.0}}\n"
        "functions: {hello: {target: main.py:hello}}\n"
    )
    return Service(ConfigSources(config="functions.yaml", cwd=folder), embedded=True)


def test_the_admin_listener_has_it_and_a_reload_changes_it(tmp_path: Path) -> None:
    service = make(tmp_path, "Orders")
    service.start()
    page = Message("GET", "/openapi.json")
    admin = AdminPages(service)
    first = admin.answer(page)
    assert json.loads(first.body)["info"] == {"title": "Orders", "version": "2.1.0"}
    assert admin.answer(page).body is first.body  # made once
    make(tmp_path, "Shop")
    assert service.reload()
    assert json.loads(admin.answer(page).body)["info"]["title"] == "Shop"
    service.stop()


def test_the_types_of_an_isolated_function_come_from_its_process(serve: Serve) -> None:
    config = """
        openapi: {}
        functions: {quote: {target: main.py:quote, isolation: process}}
    """
    document = serve(CODE, config).get("/openapi.json").json()
    post = document["paths"]["/quote"]["post"]
    assert post["summary"] == "Price an order"
    body = post["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Order"}
    assert document["components"]["schemas"]["Price"]["required"] == ["cents"]
