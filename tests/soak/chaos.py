"""Calls while workers are killed, and functions crash, fork and take signals: only those in flight
in a killed worker fail.

Workers are killed 0.2 s apart, whether they serve or still load. Every
call has an answer of its own. A client asks first, on each new connection, which worker
it is talking to; a call that fails is excused if that worker was killed while it ran.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from collections import Counter

from tests.soak.reports import Report
from tests.soak.servers import Server, serving

CODE = """
import asyncio, ctypes, multiprocessing, os, signal, ffhost, time

signal.signal(signal.SIGTERM, lambda number, frame: time.sleep(0.01))
fork = multiprocessing.get_context("fork")

def forks(request):
    child = fork.Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    child.join(10)
    return answer(request) if child.exitcode == -15 else f"exit code {child.exitcode}"
async def splits(request):
    os.fork()  # only the parent's answer may arrive
    return answer(request)
def splits_isolated(request):
    os.fork()
    return answer(request)

def answer(request): return f"{ffhost.current().function_name} {request.args.get('n')}"

def whoami(request): return str(os.getpid())
def s1(request): return answer(request)
def s2(request):
    time.sleep(0.002)
    return answer(request)
async def a1(request): return answer(request)
async def a2(request):
    await asyncio.sleep(0.002)
    return answer(request)
def stream(request):
    yield answer(request)[:3]
    yield answer(request)[3:]
def i1(request):
    if request.args.get("crash"): ctypes.string_at(0)
    return answer(request)
async def i2(request):
    if request.args.get("crash"): ctypes.string_at(0)
    return answer(request)
"""
CONFIG = """
logging: {invocations: false}
server: {workers: 2}
defaults: {queue: unlimited, queue_timeout: 30s}
functions:
  whoami: {target: "main.py:whoami"}
  s1: {target: "main.py:s1"}
  s2: {target: "main.py:s2"}
  a1: {target: "main.py:a1"}
  a2: {target: "main.py:a2"}
  stream: {target: "main.py:stream"}
  i1: {target: "main.py:i1", isolation: process, processes: 2}
  i2: {target: "main.py:i2", isolation: process, processes: 2}
  forks: {target: "main.py:forks"}
  splits: {target: "main.py:splits"}
  splits_isolated: {target: "main.py:splits_isolated", isolation: process, processes: 2}
"""
NAMES = ["s1", "s2", "a1", "a2", "stream", "i1", "i2"]
FORKING = ["forks", "splits", "splits_isolated"]
FORKS_EACH = 25
"""One call of so many is of a function that forks."""
CLIENTS = 12
KILLS_APART_SECONDS = 0.2
KILLS_IN_A_ROW = 5
MOST_SECONDS = 600.0
"""After this long the run ends, whatever is left to do."""


class Chaos:
    """One run: its clients, the killer, and what they count."""

    def __init__(self, server: Server, calls: int, kills: int, crashes: int) -> None:
        self.server = server
        self.counts: Counter[str] = Counter()
        self.unexplained: list[str] = []
        self.killed: dict[int, float] = {}
        self._calls, self._kills = calls, kills
        self._crashes = set(random.Random(7).sample(range(calls), crashes))
        self._lock = threading.Lock()
        self._next = 0
        self._give_up_at = time.monotonic() + MOST_SECONDS
        self.ended_early = False

    def run(self) -> None:
        """Call from all clients, and kill meanwhile; end when the server has ended."""
        clients = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for number in range(1, self._kills + 1):
            if number % KILLS_IN_A_ROW == 1:
                at = number * self._calls // (self._kills + 1)
                while self._next < at and not self._over():
                    time.sleep(0.01)
            if self._over():
                break
            self._kill()
            time.sleep(KILLS_APART_SECONDS)
        for client in clients:
            client.join()
        self.ended_early = self._next < self._calls

    def _kill(self) -> None:
        """Kill a worker, one that still loads too; during a pause there may be none."""
        while not (workers := self.server.workers()) and not self._over():
            time.sleep(0.01)
        if workers:
            victim = random.choice(workers)
            with self._lock:
                self.killed[victim] = time.monotonic()
            os.kill(victim, signal.SIGKILL)

    def _over(self) -> bool:
        """Whether there is nobody to call, or no time."""
        return self.server.process.poll() is not None or time.monotonic() > self._give_up_at

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self._calls or self._over():
                return None
            self._next += 1
            return self._next - 1

    def _client(self) -> None:
        connection: http.client.HTTPConnection | None = None
        worker = 0
        while (number := self._take()) is not None:
            while connection is None:
                if self._over():
                    return
                connection, worker = self._connect()
            name = NAMES[number % len(NAMES)]
            if number % FORKS_EACH == 0:
                name = FORKING[number // FORKS_EACH % len(FORKING)]
            crash = number in self._crashes
            if crash:
                name = ("i1", "i2")[number % 2]
            path = f"/{name}?n={number}{'&crash=1' if crash else ''}"
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                found = (answer.status, answer.read().decode())
            except (OSError, http.client.HTTPException) as error:
                self._failed(worker, path, error)
                connection.close()
                connection = None
                continue
            self._judge(crash, found, f"{name} {number}")

    def _connect(self) -> tuple[http.client.HTTPConnection | None, int]:
        connection = self.server.connection(timeout=20)
        try:
            connection.request("GET", "/whoami")
            return connection, int(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            # Nobody was asked for an answer yet; how often is told.
            self._count("connections that a killed worker had")
            time.sleep(0.01)
            return None, 0

    def _judge(self, crash: bool, found: tuple[int, str], right: str) -> None:
        if crash:
            if found[0] == 502:
                self._count("crashes answered with 502")
            else:
                self._count("crashes answered otherwise")
                self.unexplained.append(f"{right}: {found}")
        elif found == (200, right):
            self._count("right answers")
        else:
            self._count("wrong answers")
            self.unexplained.append(f"{right}: {found}")

    def _failed(self, worker: int, path: str, error: Exception) -> None:
        time.sleep(0.05)  # the killer takes note before it kills
        if worker in self.killed:
            self._count("cut off in a killed worker")
        else:
            self._count("cut off elsewhere")
            self.unexplained.append(f"{path}: {error!r}")

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


def run(report: Report, quick: bool) -> None:
    """Make the calls."""
    calls, kills, crashes = (2_000, 2, 10) if quick else (20_000, 10, 50)
    with serving(CODE, CONFIG) as server:
        time.sleep(2)
        chaos = Chaos(server, calls, kills, crashes)
        chaos.run()
        died = len(server.entries("isolated_process_died"))
    counts = chaos.counts
    report.expect(not chaos.ended_early, "all calls were made")
    report.say(
        f"{calls} calls over {len(NAMES) + len(FORKING) + 1} functions, {kills} workers killed, "
        f"{crashes} segmentation faults ordered, {died} logged"
    )
    for name, number in sorted(counts.items()):
        report.say(f"{number} {name}")
    for name in ("wrong answers", "cut off elsewhere", "crashes answered otherwise"):
        report.expect(counts[name] == 0, f"{counts[name]} {name}")
    for line in chaos.unexplained[:5]:
        report.say(line)
    report.expect(
        counts["cut off in a killed worker"] <= kills * CLIENTS,
        "no more calls failed than were in flight",
    )
