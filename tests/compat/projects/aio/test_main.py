import asyncio

import functions_framework.aio
import main
import pytest
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from starlette.requests import Request
from starlette.testclient import TestClient


def app(target):
    return functions_framework.aio.create_asgi_app(target, main.__file__)


@pytest.fixture
def client():
    return TestClient(app("hello"))


def test_a_coroutine_function_is_awaited_by_the_test():
    scope = {"type": "http", "method": "GET", "query_string": b"name=Ada", "headers": []}
    assert asyncio.run(main.hello(Request(scope))) == "Hello, Ada!"


def test_a_client_gets_the_answers(client):
    assert client.get("/?name=Ada").text == "Hello, Ada!"
    assert client.post("/x", json={"a": 1}).json() == {"got": {"a": 1}, "path": "/x"}
    assert client.get("/?as=stream").text == "ab"


def test_each_request_of_a_client_may_have_a_loop_of_its_own():
    application = app("hello")
    for name in ("one", "two"):
        assert TestClient(application).get(f"/?name={name}").text == f"Hello, {name}!"


def test_an_event_comes_by_http():
    headers, body = to_binary(CloudEvent({"type": "t", "source": "s"}, {"a": 1}))
    assert TestClient(app("on_event")).post("/", headers=headers, content=body).text == "OK"


def test_an_event_is_handed_over_by_the_test():
    asyncio.run(main.on_event(CloudEvent({"type": "t", "source": "s"}, {"b": 2})))
    assert main.seen[-1] == {"b": 2}
