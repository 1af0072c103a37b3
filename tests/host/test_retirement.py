"""Functions that a reload removes end after everything that may still run or call them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ffhost import asgi, wsgi
from ffhost.config import ConfigSources
from ffhost.host import retirement
from ffhost.host.service import Service
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CODE = """
import asyncio, pathlib, threading
import ffhost

HERE = pathlib.Path(__file__).parent
state, gate, begun = "open", threading.Event(), threading.Event()

@ffhost.on_shutdown
def end():
    global state
    state = "ended"
    (HERE / "ended").touch()

def f(request):
    return f"{state} {request.get_data(as_text=True)}"

async def g(request):
    return f"{state} {request.get_data(as_text=True)}"
"""
CALLERS = """
import asyncio, threading
import ffhost

gate = threading.Event()

def plain(request):
    gate.wait(5)
    return ffhost.call_sync("f").text

async def coroutine(request):
    while not gate.is_set():
        await asyncio.sleep(0.005)
    return (await ffhost.call("f")).text

def stream(request):
    yield "begun "
    gate.wait(5)
    yield ffhost.call_sync("f").text

def open_gate(request):
    gate.set()
    return ""
"""
CONFIG = """
functions:
  f: {target: "main.py:f"}
  g: {target: "main.py:g"}
"""
OTHER = """
functions:
  f: {target: "other.py:f"}
"""
CALLING = """
functions:
  f: {target: "main.py:f"}
  plain: {target: "callers.py:plain"}
  coroutine: {target: "callers.py:coroutine"}
  stream: {target: "callers.py:stream"}
  open: {target: "callers.py:open_gate"}
"""


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retirement, "LOOK_SECONDS", 0.005)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "other.py").write_text("def f(request):\n    return 'new'\n")
    (tmp_path / "functions.yaml").write_text(CONFIG)
    found = Service(ConfigSources(config="functions.yaml", cwd=tmp_path), embedded=True)
    yield found
    found.stop()


def reload(service: Service, folder: Path, config: str) -> None:
    """Serve *config*, and give the hooks of what it removes a chance to run too early."""
    (folder / "functions.yaml").write_text(config)
    assert service.reload()
    time.sleep(0.1)
    assert not (folder / "ended").exists()


class Body(BytesIO):
    """A body during which something happens."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(b"12")
        self._act = act

    def read(self, size: int | None = -1) -> bytes:
        self._act()
        return super().read(size)


def ask_wsgi(service: Service, path: str, act: Callable[[], object]) -> str:
    app = wsgi.create_app(service)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_LENGTH": "2",
        "wsgi.url_scheme": "http",
        "wsgi.input": Body(act),
    }
    answer = app(environ, lambda *_: None)
    return b"".join(answer).decode()


def ask_asgi(service: Service, path: str, act: Callable[[], object]) -> str:
    app = asgi.create_app(service)
    pieces = [b"1", b"2"]
    answer: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if len(pieces) == 1:
            await asyncio.to_thread(act)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(event: dict[str, Any]) -> None:
        answer.append(event.get("body", b""))

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
    }

    async def main() -> None:
        await service.start_async()
        await app(scope, receive, send)

    asyncio.run(main())
    return b"".join(answer).decode()


@pytest.mark.parametrize("path", ["/f", "/g"])
@pytest.mark.parametrize("ask", [ask_wsgi, ask_asgi])
def test_a_request_whose_body_still_arrives_finds_its_function_as_it_was(
    service: Service,
    tmp_path: Path,
    ask: Callable[[Service, str, Callable[[], object]], str],
    path: str,
) -> None:
    answer = ask(service, path, lambda: reload(service, tmp_path, OTHER))
    assert answer == "open 12"
    assert eventually((tmp_path / "ended").exists)


@pytest.mark.parametrize("path", ["/plain", "/coroutine", "/stream"])
def test_a_call_finds_those_that_it_calls_by_name_as_they_were(
    serve: Serve, tmp_path: Path, path: str
) -> None:
    (tmp_path / "callers.py").write_text(CALLERS)
    (tmp_path / "other.py").write_text("def f(request):\n    return 'new'\n")
    host = serve(CODE, CALLING)
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(host.get(path).text))
    caller.start()
    assert eventually(lambda: host.service.in_flight == 1)
    reload(host.service, tmp_path, CALLING.replace("main.py:f", "other.py:f"))
    host.get("/open")
    caller.join(10)
    assert answers[0].removeprefix("begun ") == "open "
    assert eventually((tmp_path / "ended").exists)
