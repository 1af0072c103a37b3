"""``openapi``: types from annotations, parameters from paths, problems as they are answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ffhost.testing import client
from tests.commands import ffhost, project

CONFIG = """
    functions:
      save: {target: "main.py:save", path: "/items/{id}", methods: [PUT]}
      show: {target: "main.py:show", path: "/items/{id}", methods: [GET], timeout: unlimited}
      listing: {target: "main.py:listing", methods: [GET]}
      many: {target: "main.py:many"}
      anything: {target: "main.py:anything"}
      event: {target: "main.py:event"}
      off: {target: "main.py:listing", path: /off, enabled: false}
"""
MAIN = '''
    from __future__ import annotations
    import dataclasses
    from pydantic import BaseModel, Field
    import ffhost

    class Item(BaseModel):
        id: int
        name: str = Field(max_length=5)

    @dataclasses.dataclass
    class Count:
        count: int

    @ffhost.typed
    def save(item: Item) -> Item | None:
        """Save an item.

        It may be gone at once.
        """
        return item

    @ffhost.http
    def show(request) -> Item: ...

    @ffhost.http
    def listing(request) -> list[Item]: ...

    @ffhost.typed
    async def many(items: list[Item]) -> Count:
        return Count(len(items))

    @ffhost.http
    def anything(request): ...

    @ffhost.cloud_event
    def event(event): ...
'''


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    project(tmp_path, CONFIG, main=MAIN)
    ran = ffhost("openapi", "--title", "Items", "--format", "json", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_http_and_typed_functions_are_described_by_path_and_method(
    document: dict[str, Any],
) -> None:
    assert (document["openapi"], document["info"]) == (
        "3.1.0",
        {"title": "Items", "version": "1.0.0"},
    )
    assert {path: list(item) for path, item in document["paths"].items()} == {
        "/items/{id}": ["put", "get"],
        "/listing": ["get"],
        "/many": ["post"],
        "/anything": ["get", "post", "put", "patch", "delete"],
    }


def test_what_the_path_fills_is_a_parameter_and_no_part_of_the_body(
    document: dict[str, Any],
) -> None:
    put = document["paths"]["/items/{id}"]["put"]
    assert (put["operationId"], put["summary"], put["description"]) == (
        "save",
        "Save an item",
        "It may be gone at once.",
    )
    assert put["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"title": "Id", "type": "integer"}}
    ]
    body = put["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ItemBody"}
    schema = document["components"]["schemas"]["ItemBody"]
    assert (list(schema["properties"]), schema["required"]) == (["name"], ["name"])
    assert list(put["responses"]) == [
        "200", "204", "400", "413", "415", "422", "429", "500", "503", "504",
    ]  # fmt: skip


def test_an_http_function_may_answer_otherwise_and_without_deadline_never_504(
    document: dict[str, Any],
) -> None:
    get = document["paths"]["/items/{id}"]["get"]
    assert list(get["responses"]) == ["200", "default", "400", "413", "429", "500", "503"]
    schema = get["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Item"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [each for inner in value for each in references(inner)]
        if not isinstance(value, dict):
            return []
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for inner in value.values() for each in references(inner)]

    for reference in set(references(document)):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_the_host_answers_as_the_document_says(tmp_path: Path, document: dict[str, Any]) -> None:
    def schema(reference: dict[str, Any], media_type: str) -> dict[str, Any]:
        if "$ref" in reference:
            reference = document["components"]["responses"][reference["$ref"].rpartition("/")[2]]
        found = reference["content"][media_type]["schema"]
        return {**found, "components": document["components"]}

    responses = document["paths"]["/many"]["post"]["responses"]
    with client(tmp_path / "functions.yaml") as host:
        for body, status in (([{"id": 1, "name": "a"}], 200), ([{"id": 1}], 422), ("x", 422)):
            answer = host.post("/many", json=body)
            assert answer.status == status
            kind = answer.headers["content-type"]
            jsonschema.validate(answer.json(), schema(responses[str(status)], kind))


def test_yaml_is_the_same_without_aliases_and_can_go_into_a_file(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    text = ffhost("openapi", "--title", "Items", cwd=tmp_path).out
    assert yaml.safe_load(text) == document
    assert "&" not in text
    arguments = ["openapi", "--server", "https://x.example", "-o", "docs/api.yaml"]
    assert ffhost(*arguments, cwd=tmp_path) == (0, "", "")
    written = yaml.safe_load((tmp_path / "docs/api.yaml").read_text())
    assert written["servers"] == [{"url": "https://x.example"}]
    assert written["info"]["title"] == tmp_path.name
