"""Functions that are decorated as firebase-functions does it: wrappers with an endpoint.

The package itself is not a dependency of the tests. What counts of its decorators is below: a
wrapper that copies the annotations of what it wraps, calls it with something else, and says in
``__firebase_endpoint__`` what triggers it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from ffhost.testing import Client, client, make_cloud_event

MAIN = """
import dataclasses, functools, typing
import cloudevents.http as _ce
import flask
from functions_framework import logging as _logging

@dataclasses.dataclass
class Endpoint:
    httpsTrigger: typing.Any = None
    callableTrigger: typing.Any = None
    eventTrigger: typing.Any = None

@dataclasses.dataclass(frozen=True)
class CallableRequest:
    raw_request: flask.Request
    data: typing.Any

T = typing.TypeVar("T")

@dataclasses.dataclass(frozen=True)
class CloudEvent(typing.Generic[T]):
    id: str
    data: T

def on_request(function):
    @functools.wraps(function)
    def wrapped(request):
        return function(request)
    wrapped.__firebase_endpoint__ = Endpoint(httpsTrigger={})
    return wrapped

def on_call(function):
    @functools.wraps(function)
    def wrapped(request):
        data = request.get_json()["data"]
        return flask.jsonify(result=function(CallableRequest(request, data)))
    wrapped.__firebase_endpoint__ = Endpoint(callableTrigger={})
    return wrapped

def on_message_published(function):
    @functools.wraps(function)
    def wrapped(raw: _ce.CloudEvent):
        function(CloudEvent(raw._get_attributes()["id"], raw.get_data()))
    wrapped.__firebase_endpoint__ = Endpoint(eventTrigger={})
    return wrapped

@on_request
def plain(request):
    return flask.jsonify(args=request.args.to_dict(), kind=type(request).__module__)

@on_call
def called(request: CallableRequest):
    return {"got": request.data}

seen = []

@on_message_published
def message(event: CloudEvent[dict]) -> None:
    seen.append((event.id, event.data))

@on_request
def last(request):
    event_id, data = seen[-1]
    return {"id": event_id, "type": type(data).__name__, "data": str(data)}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("firebase")
    (folder / "main.py").write_text(MAIN)
    functions = [f"{name}: {{target: 'main.py:{name}'}}" for name in NAMES]
    (folder / "functions.yaml").write_text(f"functions: {{{', '.join(functions)}}}\n")
    with client(folder) as made:
        yield made


NAMES = ("plain", "called", "message", "last")


def test_a_request_function_gets_flask_s_request(host: Client) -> None:
    answer = host.get("/plain?a=1").json()
    assert answer["args"] == {"a": "1"}
    assert answer["kind"].partition(".")[0] in ("flask", "ffhost")


def test_a_callable_function_is_not_taken_for_a_typed_one(host: Client) -> None:
    answer = host.post("/called", json={"data": {"n": 1}})
    assert answer.json() == {"result": {"got": {"n": 1}}}


def test_an_event_function_gets_an_event_of_the_old_sdk(host: Client) -> None:
    text = base64.b64encode(b"{}").decode()
    message = {"message": {"data": text, "publish_time": "2024-01-01T00:00:00Z"}}
    headers, body = make_cloud_event(type="t", source="//s", data=message, id="one")
    assert host.post("/message", headers=headers, body=body).status == 204
    answer = host.get("/last").json()
    assert (answer["id"], answer["type"]) == ("one", "dict")
    assert json.loads(answer["data"].replace("'", '"')) == message


def test_data_that_is_not_json_is_bytes_even_if_it_could_be_text(host: Client) -> None:
    headers, body = make_cloud_event(
        type="t", source="//s", data=b"\x0a\x01x", datacontenttype="application/protobuf"
    )
    assert host.post("/message", headers=headers, body=body).status == 204
    assert host.get("/last").json()["type"] == "bytes"
