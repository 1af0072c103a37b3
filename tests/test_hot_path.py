"""What a call of "hello" costs, in counts that do not depend on the machine.

Times waver, the number of Python and C calls does not: what makes a call dearer shows here
first. The bounds have some air; whoever needs more raises them, and says why.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

import falcon
import pytest

import ffhost
from ffhost.asgi import create_app as create_asgi_app
from ffhost.config import Sources
from ffhost.service import Service
from ffhost.wsgi import create_app as create_wsgi_app

FUNCTIONS = """
def hello(request):
    return "hello"

async def coroutine(request):
    return "hello"
"""
CONFIG = """
metrics: {enabled: false}
logging: {invocations: false}
functions:
  hello: {target: "main.py:hello"}
  coroutine: {target: "main.py:coroutine"}
"""
REQUESTS = 20
HOMES = {
    "ffhost": str(Path(ffhost.__file__).parent),
    "falcon": str(Path(falcon.__file__).parent),
}


class Calls:
    """Counts calls of Python functions in ffhost and Falcon, and the C calls they make."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.c = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        file = frame.f_code.co_filename
        home = next((name for name, folder in HOMES.items() if file.startswith(folder)), None)
        if home is None:
            return
        if event == "call":
            self.python[file.removeprefix(HOMES[home])[1:] if home == "ffhost" else home] += 1
        elif event == "c_call":
            self.c += 1

    def __enter__(self) -> Calls:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def per_request(self) -> tuple[float, float]:
        """Give Python calls and C calls."""
        return sum(self.python.values()) / REQUESTS, self.c / REQUESTS


Run = Callable[[int], None]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "main.py").write_text(FUNCTIONS)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    return Service(Sources(config="functions.yaml", environ={}, cwd=tmp_path), embedded=True)


@pytest.fixture
def ask(service: Service, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Give what asks for a function so many times, on the front that the test names."""
    front, name = request.param
    if front == "wsgi":
        app = create_wsgi_app(service)
        service.start()
        yield lambda times: _ask_wsgi(app, name, times)
        service.stop()
        return
    loop = asyncio.new_event_loop()
    asgi_app = create_asgi_app(service)
    yield lambda times: loop.run_until_complete(_ask_asgi(asgi_app, name, times))
    loop.run_until_complete(service.stop_async())
    loop.close()


async def _ask_asgi(app: Callable[..., Awaitable[None]], name: str, times: int) -> None:
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: dict[str, Any]) -> None:
        statuses.append(event.get("status"))

    for _ in range(times):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/{name}",
            "raw_path": f"/{name}".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        await asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    assert statuses == [200, None] * times


def _ask_wsgi(app: Any, name: str, times: int) -> None:
    statuses = []
    for _ in range(times):
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/{name}",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        body = app(environ, lambda status, _headers, _info=None: statuses.append(status))
        assert b"".join(body) == b"hello"
    assert statuses == ["200 OK"] * times


EACH = pytest.mark.parametrize(
    "ask",
    [("asgi", "hello"), ("asgi", "coroutine"), ("wsgi", "hello"), ("wsgi", "coroutine")],
    indirect=True,
    ids=lambda given: "-".join(given),
)


@pytest.mark.parametrize(
    ("ask", "python", "c"),
    [
        (("asgi", "hello"), 44, 36),
        (("asgi", "coroutine"), 33, 24),
        (("wsgi", "hello"), 31, 34),
        (("wsgi", "coroutine"), 45, 40),
    ],
    indirect=["ask"],
    ids=lambda given: "-".join(given) if isinstance(given, tuple) else "",
)
def test_a_call_of_hello_takes_no_more_calls_than_it_did(ask: Run, python: int, c: int) -> None:
    with Calls() as calls:  # threads that start from now on are counted
        ask(5)
        _settle()
        calls.python.clear()
        calls.c = 0
        ask(REQUESTS)
        _settle()
    found = calls.per_request()
    assert found[0] <= python, calls.python
    assert found[1] <= c


@EACH
def test_what_is_switched_off_is_not_called_at_all(ask: Run) -> None:
    with Calls() as calls:
        ask(5)
        _settle()
        calls.python.clear()
        ask(REQUESTS)
    observing = ("observing.py", "tracing/", "metrics/", "logs/", "admin/")
    assert [file for file in calls.python if file.startswith(observing)] == []


@EACH
def test_a_call_leaves_no_cycles_for_the_garbage_collector(ask: Run) -> None:
    ask(5)
    gc.collect()
    gc.disable()
    try:
        ask(REQUESTS)
        assert gc.collect() == 0
    finally:
        gc.enable()


@EACH
def test_a_call_holds_little_memory_and_keeps_none(ask: Run) -> None:
    ask(5)
    tracemalloc.start()
    try:
        ask(REQUESTS)
        _settle()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        ask(REQUESTS)
        _settle()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 24 * 1024
    assert after - before < REQUESTS * 100


def _settle() -> None:
    """Let the threads that ran the last calls come to rest."""
    deadline = threading.Event()
    deadline.wait(0.05)
