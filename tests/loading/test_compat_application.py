"""``create_app`` and the original's command line."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from click.testing import CliRunner

from ffhost.cli import framework_command
from ffhost.cli.commands import serve
from ffhost.config import ConfigSources
from ffhost.errors import LoadError
from ffhost.host import flask_application
from ffhost.loading.compat import framework
from ffhost.loading.compat.framework import aio, exceptions

pytestmark = pytest.mark.usefixtures("no_log_is_left", "no_main_is_left")


@pytest.fixture(autouse=True)
def restored_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUNCTION_TARGET", "FUNCTION_SOURCE", "FUNCTION_SIGNATURE_TYPE"):
        monkeypatch.setenv(name, "")  # so that it is put back, whoever sets it
        monkeypatch.delenv(name)


CODE = """
import asyncio, flask, functions_framework, sqlite3, threading
from functions_framework import aio

flask.current_app.config["SEEN"] = "at import"
calls = []

def hello(request):
    calls.append(request.path)
    return {
        "path": request.path,
        "calls": len(calls),
        "seen": flask.current_app.config["SEEN"],
        "thread": threading.get_ident(),
        "name": flask.current_app.name,
        "given": flask.g.get("given"),
        "streamed": request.stream.read().decode(),
    }

def broken(request):
    raise KeyError("word")

def none(request):
    return None

async def later(request: flask.Request):
    await asyncio.sleep(0)
    return flask.request.path

@functions_framework.cloud_event
def cloud(event):
    calls.append(event["id"])
    if event["id"] == "abort":
        flask.abort(500)
    if event["id"] == "crash":
        raise RuntimeError("word")

def background(data, context):
    calls.append(data)

@functions_framework.typed(dict)
def typed(value):
    return {"got": value}

@aio.http
async def starred(request):
    return (await request.body()).decode()

def plain(request):
    return type(request).__module__
"""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "created.py").write_text(CODE)
    yield str(tmp_path / "created.py")
    sys.modules.pop("created", None)


def test_create_app_makes_a_genuine_flask_application(source: str) -> None:
    app = framework.create_app("hello", source, "http")
    assert isinstance(app, flask.Flask)
    with app.app_context():
        flask.g.given = "by the test"
        answer = app.test_client().post("/any/path", data="body")
    assert answer.json == {
        "path": "/any/path",
        "calls": 1,
        "seen": "at import",
        "thread": threading.get_ident(),
        "name": "hello",
        "given": "by the test",
        "streamed": "body",
    }


def test_the_module_runs_again_for_each_application(source: str) -> None:
    first, second = framework.create_app("hello", source), framework.create_app("hello", source)
    first.testing = True
    answers = [app.test_client().get("/") for app in (first, first, second)]
    assert [each.json["calls"] for each in answers if each.json] == [1, 2, 1]
    assert not second.testing


def test_exceptions_are_flask_s(source: str) -> None:
    app = framework.create_app("broken", source)
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["X-Google-Status"]) == (500, "crash")
    app.testing = True
    with pytest.raises(KeyError, match="word"):
        app.test_client().get("/")
    none = framework.create_app("none", source)
    none.testing = True
    with pytest.raises(TypeError, match="did not return a valid response"):
        none.test_client().get("/")


def test_coroutine_functions_and_other_signatures_have_one_too(source: str) -> None:
    assert framework.create_app("later", source).test_client().get("/x").text == "/x"
    event = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/s"}
    cloud = framework.create_app("cloud", source).test_client()
    answers = [
        cloud.post("/", headers={**event, "ce-id": name}, json={})
        for name in ("1", "abort", "crash")
    ]
    assert [each.status_code for each in answers] == [200, 500, 500]
    assert answers[0].text == "OK"
    assert [each.headers.get("X-Google-Status") for each in answers] == [None, "crash", "crash"]
    assert cloud.post("/", data="no event").status_code == 400
    assert cloud.get("/").status_code == 405
    background = framework.create_app("background", source, "event").test_client()
    assert background.get("/").status_code == 200
    typed = framework.create_app("typed", source).test_client()
    assert typed.post("/", json={"a": 1}).json == {"got": {"a": 1}}


def test_a_function_with_starlette_s_request_becomes_an_asgi_application(source: str) -> None:
    app = framework.create_app("starred", source)
    assert asyncio.run(call(app, b"body")) == (200, b"body")


@pytest.mark.parametrize("name", ["starred", "plain"])
def test_create_asgi_app_serves_one_event_loop_after_another(source: str, name: str) -> None:
    app = aio.create_asgi_app(name, source)
    answers = [asyncio.run(call(app, b"body")) for _ in range(3)]
    assert {status for status, _ in answers} == {200}
    assert len(answers) == answers.count(answers[0])


async def call(app: Any, body: bytes) -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    pieces = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return pieces.pop() if pieces else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent)


def test_create_app_without_flask_names_the_extra(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flask_application, "is_request_framework_installed", lambda _name: False)
    with pytest.raises(LoadError, match=r"install ffhost\[flask\]"):
        framework.create_app("hello", source)


WRONG: dict[type[Exception], tuple[tuple[Any, ...], str]] = {
    exceptions.MissingTargetException: (
        ("goodbye", "created_wrong.py"),
        "File {source} is expected to contain a function named 'goodbye'. "
        "Found: 'hello', 'two' instead",
    ),
    exceptions.InvalidTargetTypeException: (
        ("Kind", "created_wrong.py"),
        "The function defined in file {source} as 'Kind' needs to be of type function. "
        "Got: invalid type <class 'type'>",
    ),
    exceptions.MissingSourceException: (
        ("hello", "nowhere.py"),
        "File {source} that is expected to define function doesn't exist",
    ),
    exceptions.InvalidConfigurationException: (
        (None, "created_wrong.py"),
        "Target is not specified (FUNCTION_TARGET environment variable not set)",
    ),
    exceptions.FunctionsFrameworkException: (
        ("hello", "created_wrong.py", "grpc"),
        "Invalid signature type: grpc",
    ),
    ZeroDivisionError: (("hello", "created_broken.py"), "division by zero"),
    SyntaxError: (("hello", "created_unreadable.py"), "invalid syntax"),
}
"""What functions-framework raises, and its message."""


@pytest.mark.parametrize("make", [framework.create_app, aio.create_asgi_app])
@pytest.mark.parametrize("expected", WRONG)
def test_what_keeps_a_function_from_being_loaded_is_the_original_s_exception(
    expected: type[Exception], make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = "class Kind: ...\ndef hello(request): ...\ndef two(one, other): ...\n"
    (tmp_path / "created_wrong.py").write_text(code)
    (tmp_path / "created_broken.py").write_text("1 / 0\n")
    (tmp_path / "created_unreadable.py").write_text("def def\n")
    (target, file, *signature), message = WRONG[expected]
    source = str(tmp_path / file)
    with pytest.raises(expected) as raised:
        make(target, source, *signature)
    assert type(raised.value) is expected
    assert message.format(source=source) in str(raised.value)


def test_a_function_that_does_not_fit_its_signature_is_told(source: str) -> None:
    with pytest.raises(exceptions.FunctionsFrameworkException, match="signature cloudevent gives"):
        framework.create_app("background", source, "cloudevent")


def test_paths_that_browsers_ask_for_do_not_reach_an_http_function(source: str) -> None:
    client = framework.create_app("hello", source).test_client()
    answers = [client.get(path) for path in ("/robots.txt", "/favicon.ico", "/robots.txt/x")]
    assert [each.status_code for each in answers] == [404, 404, 200]
    assert "<p>Not Found</p>" in answers[0].text
    event = framework.create_app("background", source, "event").test_client()
    data = {"context": {"eventId": "1", "eventType": "t", "resource": "r"}, "data": {}}
    assert event.post("/robots.txt", json=data).status_code == 200


def test_the_command_line_of_the_original_becomes_that_of_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[ConfigSources] = []
    monkeypatch.setattr(serve, "run_serve_command", lambda sources: given.append(sources) or 0)
    monkeypatch.setitem(os.environ, "FUNCTION_TARGET", "hello")
    arguments = ["--source", "app.py", "--signature-type", "event", "--port", "9000", "--debug"]
    result = CliRunner().invoke(framework_command.command, [*arguments, "--asgi"])
    assert (result.exit_code, result.output) == (0, "")
    assert given[0].flags == {
        "target": ("--target", "hello"),
        "source": ("--source", "app.py"),
        "signature_type": ("--signature-type", "event"),
        "asgi": ("--asgi", "true"),
        "server.port": ("--port", "9000"),
        "server.debug": ("--debug", "true"),
    }


@pytest.mark.parametrize("arguments", [[], ["--target", "x", "--signature-type", "grpc"]])
def test_a_wrong_command_line_ends_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(framework_command.command, arguments).exit_code == 2
