"""Single-target mode: one function, at every path, as functions-framework serves it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ffhost.errors import ConfigError
from tests.conftest import Serve

CODE = """
import ffhost, time

def hello(request):
    return {"path": request.path, "deadline": ffhost.current().deadline}

def identified(request):
    return [request.headers.get("Function-Execution-Id"), ffhost.current().execution_id]

def address(request):
    host = request.client.host if hasattr(request, "client") else request.remote_addr
    return [request.url.scheme if hasattr(request, "client") else request.scheme, host]

def background(data, context):
    if data.get("abort"):
        import flask
        flask.abort(500)

@ffhost.cloud_event
def cloud(event):
    if event["type"] == "abort":
        import flask
        flask.abort(500, "word")

@ffhost.typed
def nothing(value: dict) -> None:
    pass

class Made:
    def __init__(self, name): self.name = name
    @staticmethod
    def from_dict(value): return Made(value["name"])
    def to_dict(self): return {"name": self.name}

@ffhost.typed
def typed(made: Made):
    return made
"""


pytestmark = pytest.mark.usefixtures("no_main_is_left")


def target(name: str, **more: str) -> dict[str, Any]:
    return {"environ": {"FUNCTION_TARGET": name, **more}}


def test_the_function_gets_every_path_and_has_no_deadline(serve: Serve) -> None:
    host = serve(CODE, **target("hello"))
    for path in ("/", "/a/b", "/_other"):
        assert host.get(path).json() == {"path": path, "deadline": None}


@pytest.mark.parametrize("request_class", ["ffhost", "flask"])
def test_the_request_has_the_execution_id_of_its_call(serve: Serve, request_class: str) -> None:
    """It is made if the caller sent none; what the caller sent is left as it came."""
    environ = target("identified", FFHOST_DEFAULTS__REQUEST=request_class)
    host = serve(CODE, **environ)
    given, own = host.get("/").json()
    assert given == own
    sent = {"Function-Execution-Id": "sent-1"}
    assert host.get("/", headers=sent).json() == ["sent-1", "sent-1"]
    given, own = host.get("/", headers={"Function-Execution-Id": "not well formed"}).json()
    assert given == "not well formed"
    assert own != given


@pytest.mark.parametrize("request_class", ["ffhost", "flask", "starlette"])
def test_a_proxy_on_this_machine_says_the_scheme_unless_proxies_are_named(
    serve: Serve, request_class: str
) -> None:
    environ = target("address", FFHOST_DEFAULTS__REQUEST=request_class)
    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    assert serve(CODE, **environ).get("/", headers=sent).json() == ["https", "127.0.0.1"]
    environ["environ"]["FFHOST_SERVER__TRUSTED_PROXIES"] = "10.0.0.1"
    assert serve(CODE, **environ).get("/", headers=sent).json() == ["http", "127.0.0.1"]


def test_an_event_function_that_aborts_with_500_is_a_crash(serve: Serve) -> None:
    """As functions-framework's own handler of 500 says."""
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "abort"}
    headers = {"content-type": "application/cloudevents+json"}
    answer = serve(CODE, **target("cloud")).post("/", body=json.dumps(event), headers=headers)
    assert (answer.status, answer.text) == (500, "500 Internal Server Error: word")
    assert answer.headers["x-google-status"] == "crash"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    host = serve(CODE, **target("background", FUNCTION_SIGNATURE_TYPE="event"))
    context = {"eventId": "1", "eventType": "t", "timestamp": "t", "resource": "r"}
    answer = host.post("/", json={"context": context, "data": {"abort": True}})
    assert (answer.status, answer.headers["x-google-status"]) == (500, "crash")


def test_browsers_files_and_probes_never_reach_the_function(serve: Serve) -> None:
    host = serve(CODE, **target("hello"))
    assert host.get("/favicon.ico").status == 404
    assert host.get("/robots.txt").status == 404
    assert host.get("/_ffhost/ready").status == 200


def test_the_module_keeps_its_plain_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def module(request): return __name__")
    code = """
        from ffhost.testing import client
        with client(environ={"FUNCTION_TARGET": "module"}) as host:
            print(host.get("/").text)
    """
    run = [sys.executable, "-c", dedent(code)]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True, text=True).stdout == "main\n"


def test_events_are_acknowledged_with_ok(serve: Serve) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    headers = {"content-type": "application/cloudevents+json"}
    answer = serve(CODE, **target("cloud")).post("/", body=json.dumps(event), headers=headers)
    assert (answer.status, answer.text) == (200, "OK")


def test_a_background_function_answers_get_with_200_empty(serve: Serve) -> None:
    host = serve(CODE, **target("background", FUNCTION_SIGNATURE_TYPE="event"))
    assert (host.get("/").status, host.get("/").body) == (200, b"")
    context = {"eventId": "1", "eventType": "google.pubsub.topic.publish", "timestamp": "t"}
    answer = host.post("/", json={"context": {**context, "resource": "r"}, "data": {}})
    assert (answer.status, answer.text) == (200, "OK")


def test_typed_functions_answer_none_with_200_empty(serve: Serve) -> None:
    host = serve(CODE, **target("nothing"))
    assert (host.post("/", json={}).status, host.post("/", json={}).body) == (200, b"")


def test_a_class_with_from_dict_and_to_dict_is_enough(serve: Serve) -> None:
    host = serve(CODE, **target("typed"))
    assert host.post("/", json={"name": "x"}).json() == {"name": "x"}


def test_the_decorator_wins_over_the_environment(serve: Serve) -> None:
    host = serve(CODE, **target("cloud", FUNCTION_SIGNATURE_TYPE="http"))
    assert host.get("/").status == 405


FILE = """
functions:
  hello: {target: "main.py:hello", path: "/greet/{name}", timeout: 5s}
  other: {target: "main.py:background", signature: event}
"""


def test_with_a_file_the_one_function_keeps_its_path_and_limits_and_gets_every_other(
    serve: Serve,
) -> None:
    host = serve(CODE, FILE, **target("hello"))
    assert list(host.service.host.functions) == ["hello"]
    for path in ("/", "/greet/ada", "/other"):
        answer = host.get(path).json()
        assert answer["path"] == path
        assert answer["deadline"] is not None


def test_with_a_file_statuses_are_those_of_the_full_host(serve: Serve) -> None:
    host = serve(CODE, FILE, **target("other"))
    assert host.post("/", json={"data": {}}).status == 204
    assert host.get("/").status == 405


def test_source_or_signature_beside_a_file_is_an_error(serve: Serve) -> None:
    with pytest.raises(ConfigError, match="FUNCTION_SOURCE"):
        serve(CODE, FILE, **target("hello", FUNCTION_SOURCE="main.py"))


def test_a_target_that_is_missing_names_what_there_is(serve: Serve) -> None:
    with pytest.raises(ConfigError) as caught:
        serve(CODE, **target("helo"))
    problem = caught.value.problems[0]
    assert "helo" in problem.message
    assert "hello" in f"{problem.hint} {problem.notes}"
