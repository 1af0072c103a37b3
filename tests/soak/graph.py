"""Functions that call functions, eight of them, under load and with reloads: every answer is right.

Each answer is computed from the number of its request. What is refused is what the limits make
necessary, no more and no less, and nothing is left behind in the end.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Protocol

from ffhost.host.named_call_fields import CHAIN_LIMIT
from ffhost.testing import Client, client
from tests.soak.reports import Report
from tests.soak.servers import Server, eventually, serving

CLIENTS = 8
BURST, QUEUE = 5, 2
SLOW_SECONDS = 1.0
WATCH, STATE = "/watch", "/state"
SLOW_EVERY, CRASH_EVERY, CIRCLE_EVERY = 60, 7, 5
CODE = """
import asyncio, time
import ffhost

async def price(request):
    await asyncio.sleep(0)
    return {"cents": int(request.args["n"]) * 2}

def stock(request):
    return {"left": int(request.args["n"]) + 1}

def parse(request):
    n = request.args["n"]
    return {"parsed": ffhost.call_sync("price", path=f"?n={n}").json()["cents"] + 1}

async def slow(request):
    await asyncio.sleep(30 if int(request.args["n"]) % 60 == 0 else 0)
    return {"slow": True}

def crash(request):
    if int(request.args["n"]) % 7 == 0:
        raise RuntimeError("as told")
    return {"whole": True}

def circle_a(request):
    answer = ffhost.call_sync("circle_b")
    return {"depth": 1 if answer.status == 508 else answer.json()["depth"] + 1}

async def circle_b(request):
    answer = await ffhost.call("circle_a")
    return {"depth": 1 if answer.status == 508 else answer.json()["depth"] + 1}

async def only(request):
    await asyncio.sleep(0.01)
    return "done"

def names(n):
    return ["price", "stock", "parse", "slow", "crash"] + (["circle_a"] if n % 5 == 0 else [])

def enter_sync(request):
    n, found = int(request.args["n"]), {}
    for name in names(n):
        begun = time.monotonic()
        answer = ffhost.call_sync(name, path=f"?n={n}")
        found[name] = [answer.status, answer.json(), time.monotonic() - begun]
    return found

async def enter_async(request):
    n, found = int(request.args["n"]), {}
    for name in names(n):
        begun = time.monotonic()
        answer = await ffhost.call(name, path=f"?n={n}")
        found[name] = [answer.status, answer.json(), time.monotonic() - begun]
    return found

async def burst(request):
    answers = await asyncio.gather(*(ffhost.call("only") for _ in range(5)))
    return sorted(answer.status for answer in answers)

stood_still = 0.0

async def watch(request):
    # For how long the loop does not turn, until the host ends.
    async def look():
        global stood_still
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.05)
            stood_still = max(stood_still, time.monotonic() - begun - 0.05)
    WATCHES.append(asyncio.ensure_future(look()))
    return "watching"

WATCHES = []

def state(request):
    # What is taken, but for this call.
    from ffhost.execution.shared_threads import callee_threads, pool
    from ffhost.invocation.current import CURRENT
    call = CURRENT.get()
    functions = call.function.home.host().functions
    taken = {name: each.slots.running + each.slots.waiting for name, each in functions.items()}
    taken["state"] -= 1
    return {
        "taken": taken,
        "rejected": functions["only"].slots.rejected,
        "busy": pool.size - len(pool._idle) - 1 + callee_threads.busy,
        "stood_still": stood_still,
    }
"""


def configuration(revision: int) -> str:
    """Return the configuration after so many reloads; every fifth replaces the processes."""
    many = f"concurrency: {CLIENTS * CHAIN_LIMIT}"
    waits = f"queue: {CLIENTS}, queue_timeout: 30s"
    apart = f"isolation: process, processes: 2, env: {{N: '{revision // 5}'}}"
    return f"""
logging: {{level: critical, invocations: false}}
defaults: {{timeout: {30 + revision % 2}s}}
functions:
  enter_sync: {{target: main.py:enter_sync, {many}}}
  enter_async: {{target: main.py:enter_async, {many}}}
  price: {{target: main.py:price, {many}}}
  stock: {{target: main.py:stock, concurrency: 1, {waits}}}
  parse: {{target: main.py:parse, {apart}, {waits}}}
  slow: {{target: main.py:slow, timeout: {SLOW_SECONDS:.0f}s, {many}}}
  crash: {{target: main.py:crash, {many}}}
  circle_a: {{target: main.py:circle_a, {many}}}
  circle_b: {{target: main.py:circle_b, {many}}}
  only: {{target: main.py:only, concurrency: 1, queue: {QUEUE}, queue_timeout: 30s}}
  burst: {{target: main.py:burst}}
  watch: {{target: main.py:watch}}
  state: {{target: main.py:state}}
"""


def expected(number: int) -> dict[str, tuple[int, Any]]:
    """Return status and value of each call that request *number* makes; None for any value."""
    found: dict[str, tuple[int, Any]] = {
        "price": (200, {"cents": number * 2}),
        "stock": (200, {"left": number + 1}),
        "parse": (200, {"parsed": number * 2 + 1}),
        "slow": (504, None) if number % SLOW_EVERY == 0 else (200, {"slow": True}),
        "crash": (500, None) if number % CRASH_EVERY == 0 else (200, {"whole": True}),
    }
    if number % CIRCLE_EVERY == 0:
        found["circle_a"] = (200, {"depth": CHAIN_LIMIT})
    return found


def calls_of(number: int) -> int:
    """Return how many calls by name request *number* makes; *parse* makes one of its own."""
    return 6 + (CHAIN_LIMIT + 1 if number % CIRCLE_EVERY == 0 else 0)


@dataclass
class Findings:
    """What a run found."""

    calls: int = 0
    reloads: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    bursts: int = 0
    refused: int = 0
    longest_slow_seconds: float = 0.0
    left: dict[str, int] = field(default_factory=dict)
    busy_threads: int = 0
    stood_still_seconds: float = 0.0


class Graph(Protocol):
    """The host that is tried."""

    def get(self, path: str) -> tuple[int, str]:
        """Call once; give status and body."""

    def reload(self, revision: int) -> None:
        """Serve the configuration after so many reloads."""


class InProcess:
    """A host in this process."""

    def __init__(self, host: Client, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def get(self, path: str) -> tuple[int, str]:
        answer = self._host.get(path)
        return answer.status, answer.text

    def reload(self, revision: int) -> None:
        (self._folder / "functions.yaml").write_text(configuration(revision))
        assert self._host.service.reload(), self._host.service.reload_error


class Served:
    """``ffhost serve``, which is called by HTTP and told to reload by a signal."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._clients = threading.local()

    def get(self, path: str) -> tuple[int, str]:
        if not hasattr(self._clients, "kept"):
            self._clients.kept = self._server.connection(timeout=120)
        kept: HTTPConnection = self._clients.kept
        # The run is longer than the server keeps a connection that does nothing.
        once = path in (WATCH, STATE)
        kept.request("GET", path, headers={"Connection": "close"} if once else {})
        answer = kept.getresponse()
        return answer.status, answer.read().decode()

    def reload(self, revision: int) -> None:
        reloaded = len(self._server.entries("config_reloaded"))
        (self._server.folder / "functions.yaml").write_text(configuration(revision))
        self._server.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(self._server.entries("config_reloaded")) > reloaded, "a reload", 60)


def soak(requests: int) -> Findings:
    """Make so many requests over all clients, beside bursts and reloads, and say what was found."""
    with tempfile.TemporaryDirectory(prefix="ffhost-soak-") as name:
        folder = Path(name)
        (folder / "main.py").write_text(CODE)
        (folder / "functions.yaml").write_text(configuration(0))
        with client(folder) as host:
            return _soak(InProcess(host, folder), requests)


def soak_served(requests: int) -> Findings:
    """Do the same to a real server."""
    more = ("server.workers=1", "logging.level=info")
    with serving(CODE, configuration(0), *more) as server:
        return _soak(Served(server), requests)


def _soak(graph: Graph, requests: int) -> Findings:
    found = Findings()
    graph.get(WATCH)
    _load(graph, requests, found)

    def state() -> dict[str, Any]:
        told: dict[str, Any] = json.loads(graph.get(STATE)[1])
        return told

    # Those that are told 504 have ended when their slot is free.
    eventually(lambda: not any(state()["taken"].values()), "free slots")
    told = state()
    found.left, found.refused = told["taken"], told["rejected"]
    found.busy_threads, found.stood_still_seconds = told["busy"], told["stood_still"]
    return found


def _load(graph: Graph, requests: int, found: Findings) -> None:
    done = threading.Event()
    beside = [
        threading.Thread(target=_reload, args=(graph, found, done)),
        threading.Thread(target=_burst, args=(graph, found, done)),
    ]
    for each in beside:
        each.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number, answer in enumerate(clients.map(lambda n: _ask(graph, n), range(requests))):
                _judge(number, answer, found)
    finally:
        done.set()
        for each in beside:
            each.join()


def _ask(graph: Graph, number: int) -> Any:
    status, text = graph.get(f"/enter_{'async' if number % 2 else 'sync'}?n={number}")
    return json.loads(text) if status == 200 else status


def _judge(number: int, answer: Any, found: Findings) -> None:
    found.calls += calls_of(number)
    if not isinstance(answer, dict) or answer.keys() != expected(number).keys():
        found.wrong.append(f"request {number}: {answer!r}")
        return
    for name, (status, value) in expected(number).items():
        given, said, seconds = answer[name]
        found.statuses[given] += 1
        if name == "slow" and given == 504 and seconds >= SLOW_SECONDS:
            status, value = 504, None  # the machine stood still: its time had passed
        if given != status or (value is not None and said != value):
            found.wrong.append(f"request {number}: {name} answered {given} {said!r}")
        if name == "slow":
            found.longest_slow_seconds = max(found.longest_slow_seconds, seconds)


def _reload(graph: Graph, found: Findings, done: threading.Event) -> None:
    while not done.wait(0.2):
        try:
            graph.reload(found.reloads + 1)
        except AssertionError as error:
            found.wrong.append(f"a reload: {error}")
            return
        found.reloads += 1


def _burst(graph: Graph, found: Findings, done: threading.Event) -> None:
    necessary = [200] * (1 + QUEUE) + [429] * (BURST - 1 - QUEUE)
    while not done.is_set() or not found.bursts:
        status, text = graph.get("/burst")
        found.bursts += 1
        found.calls += BURST
        if status != 200 or json.loads(text) != necessary:
            found.wrong.append(f"a burst: {status} {text}")


def run(report: Report, quick: bool) -> None:
    """Make 50,000 calls in this process, and as many to a real server."""
    requests = int(os.environ.get("GRAPH_REQUESTS", "500" if quick else "5300"))
    for title, way in (("in process", soak), ("a real server", soak_served)):
        _report(report, title, way(requests))


def _report(report: Report, title: str, found: Findings) -> None:
    report.say(
        f"{title}: {found.calls} calls, {found.reloads} reloads; answers: {dict(found.statuses)}"
    )
    report.expect(not found.wrong, f"{len(found.wrong)} wrong answers {found.wrong[:3]}")
    necessary = found.bursts * (BURST - 1 - QUEUE)
    report.expect(
        found.refused == necessary,
        f"{found.refused} refused of {found.bursts} bursts, which makes {necessary} necessary",
    )
    report.expect(
        found.longest_slow_seconds <= SLOW_SECONDS + 1 + found.stood_still_seconds,
        f"longest call of a function with {SLOW_SECONDS} s: {found.longest_slow_seconds:.2f} s; "
        f"the loop stood still for {found.stood_still_seconds:.2f} s at most",
    )
    report.expect(not any(found.left.values()), f"slots that are taken in the end: {found.left}")
    report.expect(not found.busy_threads, f"{found.busy_threads} threads still busy")
