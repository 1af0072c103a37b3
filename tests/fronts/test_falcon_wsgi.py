"""The WSGI application as servers call it: what their environs say, and what they leave out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ffhost.config import ConfigSources
from ffhost.fronts.falcon_wsgi import WsgiEnvironMessage
from ffhost.host.service import Service
from ffhost.wsgi import FalconWsgiApp, create_app

CODE = """
from starlette.requests import Request

def echo(request):
    return {"data": request.data.decode()}

async def raw(request: Request):
    return {"raw_path": request.scope["raw_path"].decode(), "query": request.url.query}
"""
CONFIG = """
server: {max_body_size: 10B}
functions:
  echo: {target: "main.py:echo"}
  raw: {target: "main.py:raw"}
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FalconWsgiApp]:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    service = Service(ConfigSources(config="functions.yaml", cwd=tmp_path), embedded=True)
    yield create_app(service)
    service.stop()


class Broken(BytesIO):
    """A body that a server cannot read to its end."""

    def __init__(self, error: Exception) -> None:
        super().__init__(b"begun")
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise self._error
        return super().read(size)


def ask(
    app: FalconWsgiApp, body: bytes | BytesIO = b"", **environ: Any
) -> tuple[int, dict[str, Any]]:
    """Call *app* with the least that PEP 3333 asks for; give status and JSON of the answer."""
    statuses: list[str] = []
    chunks = app(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/echo",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body) if isinstance(body, bytes) else body,
            **environ,
        },
        lambda status, headers, error=None: statuses.append(status),
    )
    return int(statuses[0][:3]), json.loads(b"".join(chunks))


def test_a_body_arrives_whole(app: FalconWsgiApp) -> None:
    assert ask(app, b"0123456789", CONTENT_LENGTH="10")[1]["data"] == "0123456789"
    assert ask(app, b"0123", CONTENT_LENGTH="3")[1]["data"] == "012"


@pytest.mark.parametrize("arrived", [b"", b"1234"])
def test_a_body_that_is_shorter_than_its_length_never_reaches_the_function(
    app: FalconWsgiApp, arrived: bytes
) -> None:
    status, problem = ask(app, arrived, CONTENT_LENGTH="5")
    assert (status, problem["detail"]) == (400, "the client left while it sent the request")


@pytest.mark.parametrize("length", ["", "0"])
def test_a_request_without_a_body_is_not_read(app: FalconWsgiApp, length: str) -> None:
    # The input of some servers is the connection itself, and reading it would wait.
    assert ask(app, Broken(OSError()), CONTENT_LENGTH=length)[1]["data"] == ""


@pytest.mark.parametrize("framing", ["wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"])
def test_a_body_without_a_length_is_read_to_its_end(app: FalconWsgiApp, framing: str) -> None:
    assert ask(app, b"0123456789", **{framing: "chunked"})[1]["data"] == "0123456789"
    assert ask(app, b"0123456789a", **{framing: "chunked"})[0] == 413


def test_a_body_over_the_limit_is_refused_unread(app: FalconWsgiApp) -> None:
    status, problem = ask(app, Broken(OSError()), CONTENT_LENGTH="11")
    assert (status, problem["detail"]) == (413, "the body is larger than 10 bytes")


@pytest.mark.parametrize("length", ["-1", "1x", "+1", "1.0"])
def test_a_length_that_is_not_a_number_is_refused(app: FalconWsgiApp, length: str) -> None:
    assert ask(app, b"1", CONTENT_LENGTH=length)[0] == 400


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (TimeoutError(), 408, "the request did not arrive in time"),
        (OSError(), 400, "the body could not be read to its end"),
    ],
)
def test_a_body_that_breaks_off_is_the_callers_fault(
    app: FalconWsgiApp, error: Exception, status: int, detail: str
) -> None:
    answered, problem = ask(app, Broken(error), CONTENT_LENGTH="10")
    assert (answered, problem["detail"]) == (status, detail)


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/echo/a%2Fb?x=1", "/echo/a%2Fb"),
        ("http://example.com/echo/a%2Fb?x=/y", "/echo/a%2Fb"),
        ("http://example.com", "/"),
        ("//echo", "//echo"),
        ("/echo/http://example.com/x", "/echo/http://example.com/x"),
        ("*", "*"),
    ],
)
def test_the_path_is_as_received_also_in_a_target_of_absolute_form(
    key: str, target: str, path: str
) -> None:
    assert read(**{key: target}).path == path


def test_a_function_behind_starlette_sees_the_path_of_an_absolute_target(
    app: FalconWsgiApp,
) -> None:
    target = "http://example.com/raw/a%2Fb?x=1"
    answer = ask(app, PATH_INFO="/raw/a/b", QUERY_STRING="x=1", RAW_URI=target)[1]
    assert answer == {"raw_path": "/raw/a%2Fb", "query": "x=1"}


def test_where_a_server_hides_the_target_the_path_is_encoded_again() -> None:
    message = read(SCRIPT_NAME="/a b", PATH_INFO="/caf\xc3\xa9/%41;x=1")
    assert message.path == "/a%20b/caf%C3%A9/%2541;x=1"  # "%41" was decoded, and is no "A"
    assert read().path == ""


def test_addresses_are_read_with_their_ports() -> None:
    message = read(REMOTE_ADDR="10.0.0.9", REMOTE_PORT="1234", SERVER_NAME="s", SERVER_PORT="80")
    assert (message.client, message.server) == (("10.0.0.9", 1234), ("s", 80))
    without = read(REMOTE_ADDR="10.0.0.9", SERVER_NAME="s", SERVER_PORT="")
    assert (without.client, without.server) == (("10.0.0.9", 0), ("s", None))
    assert read(REMOTE_ADDR="").client is None


def test_header_fields_have_their_usual_names_and_empty_lengths_are_left_out() -> None:
    message = read(HTTP_X_ONE="1", CONTENT_TYPE="text/plain", CONTENT_LENGTH="", HTTPS="on")
    assert message.headers == {"x-one": "1", "content-type": "text/plain"}


def read(**environ: str) -> WsgiEnvironMessage:
    return WsgiEnvironMessage({"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", **environ}, {})
