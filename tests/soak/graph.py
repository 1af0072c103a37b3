"""Functions that call functions, eight of them, under load and with reloads: every answer is right.

Each answer is computed from the number of its request. What is refused is what the limits make
necessary, no more and no less, and nothing is left behind in the end.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ffhost.execution.shared_threads import pool
from ffhost.host.call_request import CHAIN_LIMIT
from ffhost.testing import Client, client
from tests.soak.reports import Report
from tests.soak.servers import eventually

CLIENTS = 8
BURST, QUEUE = 5, 2
SLOW_SECONDS = 1.0
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


def soak(requests: int) -> Findings:
    """Make so many requests over all clients, beside bursts and reloads, and say what was found."""
    found = Findings()
    with tempfile.TemporaryDirectory(prefix="ffhost-soak-") as name:
        folder = Path(name)
        (folder / "main.py").write_text(CODE)
        (folder / "functions.yaml").write_text(configuration(0))
        with client(folder) as host:
            _load(host, folder, requests, found)
            functions = host.service.host.functions
            slots = {name: each.slots for name, each in functions.items()}
            # Those that are told 504 have ended when their slot is free.
            eventually(lambda: not any(each.running for each in slots.values()), "free slots")
            found.left = {name: s.running + s.waiting for name, s in slots.items()}
            found.refused = slots["only"].rejected
            found.busy_threads = pool.size - len(pool._idle)
    return found


def _load(host: Client, folder: Path, requests: int, found: Findings) -> None:
    done = threading.Event()
    beside = [
        threading.Thread(target=_reload, args=(host, folder, found, done)),
        threading.Thread(target=_burst, args=(host, found, done)),
    ]
    for each in beside:
        each.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number, answer in enumerate(clients.map(lambda n: _ask(host, n), range(requests))):
                _judge(number, answer, found)
    finally:
        done.set()
        for each in beside:
            each.join()


def _ask(host: Client, number: int) -> Any:
    answer = host.get(f"/enter_{'async' if number % 2 else 'sync'}?n={number}")
    return answer.json() if answer.status == 200 else answer.status


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


def _reload(host: Client, folder: Path, found: Findings, done: threading.Event) -> None:
    while not done.wait(0.2):
        (folder / "functions.yaml").write_text(configuration(found.reloads + 1))
        if not host.service.reload():
            found.wrong.append(f"a reload was refused: {host.service.reload_error}")
            return
        found.reloads += 1


def _burst(host: Client, found: Findings, done: threading.Event) -> None:
    necessary = [200] * (1 + QUEUE) + [429] * (BURST - 1 - QUEUE)
    while not done.is_set() or not found.bursts:
        answer = host.get("/burst")
        found.bursts += 1
        found.calls += BURST
        if answer.status != 200 or answer.json() != necessary:
            found.wrong.append(f"a burst: {answer.status} {answer.text}")


def run(report: Report, quick: bool) -> None:
    """Make 50,000 calls."""
    found = soak(500 if quick else 5_300)
    report.say(f"{found.calls} calls, {found.reloads} reloads; answers: {dict(found.statuses)}")
    report.expect(not found.wrong, f"{len(found.wrong)} wrong answers {found.wrong[:3]}")
    necessary = found.bursts * (BURST - 1 - QUEUE)
    report.expect(
        found.refused == necessary,
        f"{found.refused} refused of {found.bursts} bursts, which makes {necessary} necessary",
    )
    report.expect(
        found.longest_slow_seconds <= SLOW_SECONDS + 1,
        f"longest call of a function with {SLOW_SECONDS} s: {found.longest_slow_seconds:.2f} s",
    )
    report.expect(not any(found.left.values()), f"slots that are taken in the end: {found.left}")
    report.expect(not found.busy_threads, f"{found.busy_threads} threads still busy")
