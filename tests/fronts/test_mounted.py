"""The host below a path of a server or a proxy: functions are found, and links are right."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx
import pytest

from ffhost.asgi import create_app
from ffhost.config import ConfigSources
from ffhost.fronts.asgi_request import asgi_path_below_root
from ffhost.host.service import Service
from tests.serving import eventually, free_port

MAIN = """
def hello(request):
    return f"{request.path} {request.base_url.partition('//')[2].partition('/')[2]}"

def flask(request):
    return f"{request.path} {request.script_root}"
"""
CONFIG = """
functions:
  hello: {target: "main.py:hello", path: /hello}
  users: {target: "main.py:hello", path: "/users/{id}"}
  flask: {target: "main.py:flask", request: flask}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    return tmp_path


@contextmanager
def running(folder: Path, *command: str, **environ: str) -> Iterator[str]:
    """Run a server, whose port stands for ``PORT``, and give its address."""
    port = str(free_port())
    environ = {**os.environ, "FFHOST_CONFIG": "functions.yaml", **environ}
    environ.pop("PORT", None)
    words = [sys.executable, "-m", *(word.replace("PORT", port) for word in command)]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(words, cwd=folder, env=environ, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: server.poll() is not None or answers(address), "it answers")
            assert server.poll() is None, (folder / "log.txt").read_text()
            yield address
        finally:
            server.terminate()
            server.wait(20)


def answers(address: str) -> bool:
    try:
        get(address)
    except OSError:
        return False
    return True


def get(url: str) -> str:
    """Give the text of an answer, or the status if it is no success."""
    try:
        with urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        error.close()
        return str(error.code)


def test_behind_a_proxy_that_strips_uvicorn_knows_the_root_path(folder: Path) -> None:
    command = ["uvicorn", "ffhost.asgi:app", "--port", "PORT", "--root-path", "/api"]
    with running(folder, *command) as address:
        assert get(f"{address}/hello") == "/hello api/hello"
        assert get(f"{address}/users/7") == "/users/7 api/users/7"
        assert get(f"{address}/flask") == "/flask /api"
        assert get(f"{address}/_ffhost/ready") == '{"status":"ready"}\n'
        assert get(f"{address}/nothing") == "404"


def test_behind_a_proxy_that_does_not_strip_gunicorn_knows_the_script_name(folder: Path) -> None:
    command = ["gunicorn", "ffhost.wsgi:app", "-b", "127.0.0.1:PORT", "--no-control-socket"]
    with running(folder, *command, SCRIPT_NAME="/api") as address:
        assert get(f"{address}/api/hello") == "/hello api/hello"
        assert get(f"{address}/api/users/7") == "/users/7 api/users/7"
        assert get(f"{address}/api/flask") == "/flask /api"
        assert get(f"{address}/api/_ffhost/ready") == '{"status":"ready"}\n'
        assert get(f"{address}/api/nothing") == "404"


@pytest.mark.parametrize("path", ["/api/hello", "/hello"])
def test_an_asgi_path_is_taken_with_the_root_path_and_without(folder: Path, path: str) -> None:
    service = Service(ConfigSources(config="functions.yaml", cwd=folder), embedded=True)
    app = create_app(service)

    async def ask() -> str:
        transport = httpx.ASGITransport(app, root_path="/api")
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            return (await client.get(path)).text

    assert asyncio.run(ask()) == "/hello api/hello"
    service.stop()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/hello", "/hello"),
        ("/api/", "/"),
        ("/api", ""),
        ("/apis", "/apis"),
        ("/hello", "/hello"),
        ("/api/api/hello", "/api/hello"),
    ],
)
def test_only_the_root_path_is_taken_away_and_only_once(path: str, expected: str) -> None:
    assert asgi_path_below_root("/api", path) == expected
