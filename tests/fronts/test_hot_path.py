"""What a call of "hello" costs, in counts that do not depend on the machine.

Times waver, the number of Python and C calls does not: what makes a call dearer shows here
first. The bounds have a little air; whoever needs more raises them, and says why.

Each combination of front and function is measured in a process of its own, where no other
test has left anything running. Run as a program, this module is that process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from ffhost.signatures.requests._flask import LAZY_VERSIONS
from tests.forking import Python

FUNCTIONS = """
import functions_framework

def hello(request):
    return "hello"

async def coroutine(request):
    return "hello"

@functions_framework.http
def flask(request):
    return "hello"

def stream(request):
    return (b"x" * 1024 for _ in range(100))

def file(request):
    return open(__file__, "rb")
"""
CONFIG = """
metrics: {enabled: false}
logging: {invocations: false}
functions:
  hello: {target: "main.py:hello"}
  coroutine: {target: "main.py:coroutine"}
  flask: {target: "main.py:flask"}
  stream: {target: "main.py:stream"}
  file: {target: "main.py:file"}
"""
ISOLATED = '  isolated: {target: "main.py:hello", isolation: process}\n'
REQUESTS = 20
OBSERVING = ("observing.py", "tracing/", "metrics/", "logs/", "admin/")


class Figures(NamedTuple):
    """What was counted, 0 where it was not asked for.

    Calls are those of one request, in ffhost and in Falcon. ``console`` are the modules of the
    console that were imported.
    """

    python_calls: int = 0
    c_calls: int = 0
    files: dict[str, float] = {}  # noqa: RUF012
    cycles: int = 0
    peak_bytes: int = 0
    kept_bytes: int = 0
    console: list[str] = []  # noqa: RUF012


class Bounds(NamedTuple):
    """At most so many calls."""

    python_calls: int
    c_calls: int


BOUNDS = {
    ("asgi", "hello"): Bounds(42, 38),
    ("asgi", "coroutine"): Bounds(28, 22),
    # Two calls for each of 100 chunks, and 18 for each send. How many chunks a send takes depends
    # on how the machine runs the threads, so there is room for twice as many sends as are usual.
    ("asgi", "stream"): Bounds(560, 900),
    ("asgi", "file"): Bounds(63, 76),
    ("asgi", "flask"): Bounds(48, 54),
    ("wsgi", "hello"): Bounds(42, 48),
    ("wsgi", "flask"): Bounds(47, 63),
    ("wsgi", "coroutine"): Bounds(39, 38),
    # A process may have been sent several calls: each is kept in line, and its start noted.
    ("asgi", "isolated"): Bounds(53, 58),
    ("wsgi", "isolated"): Bounds(64, 94),
}
if version("flask") not in LAZY_VERSIONS:  # all of Flask runs for each call
    BOUNDS |= {("asgi", "flask"): Bounds(94, 90), ("wsgi", "flask"): Bounds(80, 100)}


@pytest.fixture(scope="module", params=BOUNDS, ids="-".join)
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Figures, Bounds]:
    """Measure one function on one front."""
    folder = tmp_path_factory.mktemp("hot")
    figures = _measured_in(folder, request.param, CONFIG, "calls", "cycles", "memory")
    return figures, BOUNDS[request.param]


def _measured_in(folder: Path, combination: tuple[str, str], config: str, *asked: str) -> Figures:
    (folder / "main.py").write_text(FUNCTIONS)
    isolated = ISOLATED if combination[1] == "isolated" else ""
    functions = config.replace("functions:\n", f"functions:\n{isolated}")
    (folder / "functions.yaml").write_text(functions)
    output, errors = folder / "output", folder / "errors"
    process = Python([__file__, *combination, *asked], folder, os.environ, output, errors)
    assert process.wait() == 0, errors.read_text()
    return Figures(**json.loads(output.read_text()))


def test_a_call_of_hello_takes_no_more_calls_than_it_did(
    measured: tuple[Figures, Bounds],
) -> None:
    figures, bounds = measured
    assert figures.python_calls <= bounds.python_calls, figures.files
    assert figures.c_calls <= bounds.c_calls, figures.files


def test_what_is_switched_off_is_not_called_at_all(measured: tuple[Figures, Bounds]) -> None:
    figures, _ = measured
    assert [file for file in figures.files if file.startswith(OBSERVING)] == []


def test_a_call_leaves_no_cycles_for_the_garbage_collector(
    measured: tuple[Figures, Bounds],
) -> None:
    assert measured[0].cycles == 0


@pytest.mark.parametrize("combination", BOUNDS, ids="-".join)
def test_events_and_schedules_of_others_cost_a_call_nothing(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    other = '  other: {target: "main.py:hello", schedules: [{cron: "@hourly"}]}\n'
    figures = _measured_in(tmp_path, combination, CONFIG + other + "events: {}\n", "calls")
    assert figures.python_calls <= BOUNDS[combination].python_calls, figures.files
    assert figures.c_calls <= BOUNDS[combination].c_calls, figures.files
    assert [file for file in figures.files if file.startswith(("events/", "host/"))] == []


@pytest.mark.parametrize("combination", [("asgi", "hello"), ("wsgi", "coroutine")], ids="-".join)
def test_a_closed_console_costs_nothing_and_is_not_imported(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    closed = CONFIG + "console: {enabled: false, capture: true}\n"
    figures = _measured_in(tmp_path, combination, closed, "calls")
    assert figures.python_calls <= BOUNDS[combination].python_calls, figures.files
    assert figures.c_calls <= BOUNDS[combination].c_calls, figures.files
    assert figures.console == []


@pytest.mark.parametrize("combination", BOUNDS, ids="-".join)
def test_nor_does_a_call_with_a_trace_hook(combination: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text("def nothing(invocation):\n    yield\n")
    hook = 'tracing: {enabled: true, hooks: {nothing: {target: "hooks.py:nothing"}}}\n'
    assert _measured_in(tmp_path, combination, CONFIG + hook, "cycles").cycles == 0


def test_a_call_holds_little_memory_and_keeps_none(measured: tuple[Figures, Bounds]) -> None:
    figures, bounds = measured
    waiting = 32 * 1024 if bounds == BOUNDS["asgi", "stream"] else 0  # for what writes them
    assert figures.peak_bytes < 24 * 1024 + waiting
    assert figures.kept_bytes < REQUESTS * 100


# The process that measures


class Calls:
    """Counts calls of Python functions in ffhost and Falcon, and the C calls they make."""

    def __init__(self) -> None:
        import falcon

        import ffhost

        self.folders = {
            "": str(Path(ffhost.__file__).parent),
            "falcon/": str(Path(falcon.__file__).parent),
        }
        self.python: Counter[str] = Counter()
        self.c = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        file = frame.f_code.co_filename
        for name, folder in self.folders.items():
            if file.startswith(folder):
                if event == "call":
                    self.python[name + file[len(folder) + 1 :]] += 1
                elif event == "c_call":
                    self.c += 1

    def clear(self) -> None:
        self.python.clear()
        self.c = 0


def measured_calls(ask: Callable[[int], None]) -> dict[str, Any]:
    calls = Calls()
    threading.setprofile(calls)  # for the threads that are started by the first call
    ask(5)
    sys.setprofile(calls)
    ask(5)
    _settle()
    calls.clear()
    ask(REQUESTS)
    _settle()
    sys.setprofile(None)
    files = {file: count / REQUESTS for file, count in calls.python.items()}
    return {  # rounded, because making the task that asks is counted too on some Pythons
        "python_calls": round(sum(files.values())),
        "c_calls": round(calls.c / REQUESTS),
        "files": files,
    }


def measured_cycles(ask: Callable[[int], None]) -> dict[str, Any]:
    ask(5)
    _settle()
    gc.collect()
    gc.disable()
    ask(REQUESTS)
    _settle()
    return {"cycles": gc.collect()}


def measured_memory(ask: Callable[[int], None]) -> dict[str, Any]:
    gc.disable()
    tracemalloc.start()
    for _ in range(5):  # until the objects that Python keeps for reuse are as many as it keeps
        ask(REQUESTS)
    # What threads hold for a moment differs from round to round; what is kept is kept in each.
    rounds = [_round_of_memory(ask) for _ in range(4)]
    peaks, kept = zip(*rounds, strict=True)
    return {"peak_bytes": min(peaks), "kept_bytes": min(kept)}


def _round_of_memory(ask: Callable[[int], None]) -> tuple[int, int]:
    """Return how many bytes were held at most, and how many were kept."""
    _settle()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    ask(REQUESTS)
    _settle()
    after, peak = tracemalloc.get_traced_memory()
    return peak - before, after - before


MEASURES = {"calls": measured_calls, "cycles": measured_cycles, "memory": measured_memory}


def measure(ask: Callable[[int], None], asked: list[str]) -> Figures:
    found: dict[str, Any] = {}
    for each in asked:
        found |= MEASURES[each](ask)
    return Figures(**found)


def _settle() -> None:
    """Let the threads that ran the last calls come to rest."""
    time.sleep(0.05)


class _Exchange:
    """One request, as our server has it."""

    takes_files = takes_groups = True

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.is_over = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if self._asked:
            await self.is_over.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self.statuses.append(event["status"])
        elif not event.get("more_body"):
            self.is_over.set()


async def _ask_asgi(app: Callable[..., Awaitable[None]], name: str, times: int) -> None:
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
        exchange = _Exchange()
        work = app(scope, exchange.receive, exchange.send)
        await asyncio.create_task(work)  # type: ignore[arg-type]
        assert exchange.statuses == [200]
    await asyncio.sleep(0.01)  # what threads have to tell is heard, and tasks end


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


def main(front: str, name: str, *asked: str) -> None:
    """Measure what is *asked* for and print the figures as JSON."""
    from ffhost.config import ConfigSources
    from ffhost.host.service import Service

    for each in _console_modules():  # of the process that this one was forked from
        del sys.modules[each]
    sources = ConfigSources(config="functions.yaml", environ={}, cwd=Path.cwd())
    service = Service(sources, embedded=True)
    if front == "wsgi":
        from ffhost.wsgi import create_app as create_wsgi_app

        wsgi_app = create_wsgi_app(service)
        service.start()
        figures = measure(partial(_ask_wsgi, wsgi_app, name), list(asked))
    else:
        from ffhost.asgi import create_app as create_asgi_app

        loop = asyncio.new_event_loop()
        asgi_app = create_asgi_app(service)
        figures = measure(
            lambda times: loop.run_until_complete(_ask_asgi(asgi_app, name, times)), list(asked)
        )
    print(json.dumps(figures._replace(console=_console_modules())._asdict()), flush=True)
    os._exit(0)  # nothing of it is worth an orderly end


def _console_modules() -> list[str]:
    console = ("ffhost.host.console", "ffhost.observability.call_tap", "ffhost.observability.kept")
    return [name for name in sys.modules if name.startswith(console)]


if __name__ == "__main__":
    main(*sys.argv[1:])
