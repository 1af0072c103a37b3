"""The unchanged functions, alone with variables and together with a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.testing import client

EXAMPLE = Path(__file__).parents[1]
UPLOAD = {
    "ce-id": "1",
    "ce-source": "//storage.googleapis.com/projects/_/buckets/photos",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.storage.object.v1.finalized",
    "content-type": "application/json",
}


@pytest.mark.parametrize("path", ["/", "/any/path"])
def test_one_function_answers_every_path(path: str) -> None:
    with client(environ={"FUNCTION_TARGET": "greet"}, cwd=EXAMPLE) as host:
        answer = host.get(f"{path}?name=Ada")
        assert (answer.status, answer.json()) == (200, {"greeting": "Hello, Ada!"})
        assert host.get(path).status == 400


def test_the_signature_type_is_still_a_variable() -> None:
    environ = {"FUNCTION_TARGET": "published", "FUNCTION_SIGNATURE_TYPE": "event"}
    with client(environ=environ, cwd=EXAMPLE) as host:
        body = {"context": {"eventId": "7", "eventType": "t", "resource": "r"}, "data": {}}
        answer = host.post("/", json=body)
        assert (answer.status, answer.text) == (200, "OK")


def test_all_of_them_are_served_by_one_host() -> None:
    with client(EXAMPLE / "functions.yaml") as host:
        assert host.post("/", json={"name": "Ada"}).json() == {"greeting": "Hello, Ada!"}
        uploaded = host.post(
            "/events/uploaded", headers=UPLOAD, body=b'{"bucket": "photos", "name": "cat.png"}'
        )
        assert uploaded.status == 204
