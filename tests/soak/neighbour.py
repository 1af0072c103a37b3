"""One function hangs in all its slots; another is called fifty times a second beside it."""

from __future__ import annotations

import http.client
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.soak.reports import Report, milliseconds, percentile
from tests.soak.servers import Server, eventually, serving

CODE = """
import socket, time

pair = socket.socketpair()

def hello(request): return "hello"
def sleeps(request): time.sleep(600)
def reads(request): pair[0].recv(1)
def loops(request):
    while True: pass
"""
SLOTS = 4
CONFIG = f"""
defaults: {{timeout: 120s, concurrency: {SLOTS}, queue: 10}}
server: {{graceful_timeout: 1s, drain_delay: 0s}}
functions:
  hello: {{target: "main.py:hello"}}
  sleeps: {{target: "main.py:sleeps"}}
  reads: {{target: "main.py:reads"}}
  loops: {{target: "main.py:loops", isolation: process, processes: 1}}
"""
PER_SECOND = 50
ALLOWED_RISE_SECONDS = 0.020
ALLOWED_PROBE_SECONDS = 0.100


def run(report: Report, quick: bool) -> None:
    """Measure alone and then beside each kind of hanging function, on the same server."""
    seconds = 4 if quick else 20
    for neighbour, slots in (("sleeps", SLOTS), ("reads", SLOTS), ("loops", 1)):
        with serving(CODE, CONFIG) as server:
            time.sleep(1)
            alone, _, _ = measure(server, seconds)
            hanging = hang(server, neighbour, slots)
            calls, probes, failed = measure(server, seconds)
            hung = sum(not select.select([each.sock], [], [], 0)[0] for each in hanging)
        for name, times in (("alone", alone), (f"beside {neighbour}", calls)):
            report.say(
                f"{name}: {len(times)} calls, median {milliseconds(percentile(times, 0.5))}, "
                f"p99 {milliseconds(percentile(times, 0.99))}, worst {milliseconds(max(times))}"
            )
        rise = percentile(calls, 0.99) - percentile(alone, 0.99)
        report.expect(hung == slots, f"{hung} calls of {slots} hung all the time")
        report.expect(failed == 0, f"{failed} calls failed")
        report.expect(rise <= ALLOWED_RISE_SECONDS, f"p99 rises by {milliseconds(rise)}")
        report.expect(
            max(probes) <= ALLOWED_PROBE_SECONDS,
            f"{len(probes)} probes, worst {milliseconds(max(probes))}",
        )


def hang(server: Server, function: str, slots: int) -> list[http.client.HTTPConnection]:
    """Occupy all slots of *function*; give the connections, on which nothing answers."""
    hanging = []
    for _ in range(slots):
        connection = server.connection(timeout=600)
        connection.request("GET", f"/{function}")
        hanging.append(connection)
    time.sleep(0.5)
    eventually(lambda: server.get("/hello")[0] == 200, "the neighbour answers")
    return hanging


def measure(server: Server, seconds: int) -> tuple[list[float], list[float], int]:
    """Call at a fixed rate, and probe beside it; give the latencies, and how many calls failed."""
    calls: list[float] = []
    probes: list[float] = []
    failures: list[str] = []
    local = threading.local()

    def call(path: str, due: float, into: list[float]) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        if not hasattr(local, "connection"):
            local.connection = server.connection()
        try:
            local.connection.request("GET", path)
            answer = local.connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(str(answer.status))
        except OSError as error:
            failures.append(repr(error))
        into.append(time.monotonic() - due)

    with ThreadPoolExecutor(16) as pool, ThreadPoolExecutor(4) as prober:
        start = time.monotonic() + 0.2
        for number in range(PER_SECOND * seconds):
            pool.submit(call, "/hello", start + number / PER_SECOND, calls)
            if number % 5 == 0:
                prober.submit(call, "/_ffhost/ready", start + number / PER_SECOND, probes)
    return calls, probes, len(failures)
