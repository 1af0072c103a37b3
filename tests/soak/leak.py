"""Many calls with timeouts among them: memory and threads come back to where they were."""

from __future__ import annotations

import time
from pathlib import Path

from tests.soak.reports import Report
from tests.soak.servers import Server, Wrk, serving

CODE = """
import asyncio, time
def hello(request): return "hello"
async def ahello(request): return request.data or "hello"
def late(request): time.sleep(0.05)
async def alate(request): await asyncio.sleep(0.05)
def failing(request): raise ValueError("no")
def streamed(request): yield from "abc"
"""
CONFIG = """
logging: {invocations: false}
defaults: {queue: unlimited, queue_timeout: 30s}
functions:
  hello: {target: "main.py:hello"}
  ahello: {target: "main.py:ahello"}
  late: {target: "main.py:late", timeout: 20ms}
  alate: {target: "main.py:alate", timeout: 20ms}
  failing: {target: "main.py:failing"}
  streamed: {target: "main.py:streamed"}
"""
PATHS = ["/hello", "/ahello"] * 45 + ["/streamed"] * 6 + ["/late", "/alate", "/failing"]
SETTLE_SECONDS = 13
"""Idle threads end after ten."""


def run(report: Report, quick: bool) -> None:
    """Compare after a first share of the calls, and after all of them."""
    calls = 20_000 if quick else 200_000
    with serving(CODE, CONFIG) as server:
        call(server, calls // 10)
        before = state(server)
        made = call(server, calls)
        after = state(server)
    report.say(
        f"{made} calls; memory {before[0] / 1024:.1f} to {after[0] / 1024:.1f} MiB, "
        f"threads {before[1]} to {after[1]}"
    )
    rise = after[0] / before[0] - 1
    report.expect(rise <= 0.10, f"memory rises by {rise:.1%}")
    report.expect(after[1] <= before[1] * 1.1, f"{after[1]} threads after, {before[1]} before")


def call(server: Server, count: int) -> int:
    """Make about *count* calls."""
    made = 0
    while made < count:
        wrk = Wrk(server, PATHS)
        time.sleep(3)
        made += wrk.stop()["requests"]
    return made


def state(server: Server) -> tuple[int, int]:
    """Give the resident KiB and the threads of the worker, once it is idle."""
    time.sleep(SETTLE_SECONDS)
    (worker,) = server.workers()
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmRSS"].split()[0]), int(fields["Threads"])
