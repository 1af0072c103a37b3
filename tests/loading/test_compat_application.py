"""``create_app`` and the original's command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ffhost.cli import framework_command
from ffhost.cli.commands import serve
from ffhost.config import Sources
from ffhost.errors import ConfigError
from ffhost.loading.compat import framework


@pytest.fixture(autouse=True)
def restored_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUNCTION_TARGET", "FUNCTION_SOURCE", "FUNCTION_SIGNATURE_TYPE"):
        monkeypatch.setenv(name, "")  # so that it is put back, whoever sets it
        monkeypatch.delenv(name)


def call(app: Any, path: str = "/") -> tuple[str, bytes]:
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    body = b"".join(app(environ, lambda status, *_: statuses.append(status)))
    return statuses[0], body


def test_create_app_gives_a_wsgi_application_of_one_function(tmp_path: Path) -> None:
    source = tmp_path / "created.py"
    source.write_text("def hello(request): return request.path\n")
    app = framework.create_app("hello", str(source), "http")
    assert call(app, "/any/path") == ("200 OK", b"/any/path")
    app.service.stop()


def test_create_app_says_what_is_wrong(tmp_path: Path) -> None:
    source = tmp_path / "created_wrong.py"
    source.write_text("def hello(request): ...\n")
    with pytest.raises(ConfigError, match=r"does not define 'goodbye'"):
        framework.create_app("goodbye", str(source))


def test_the_command_line_of_the_original_becomes_that_of_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Sources] = []
    monkeypatch.setattr(serve, "run", lambda sources: given.append(sources) or 0)
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
