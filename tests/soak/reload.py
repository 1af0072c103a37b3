"""Configurations swapped under load, as a ConfigMap swaps them: nothing is lost."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.soak.reports import Report, milliseconds
from tests.soak.servers import Server, Wrk, eventually

CODE = """
def steady(request): return "steady"
async def other(request): return "other"
def one(request): return "one"
def two(request): return "two"
"""
WORKERS = 2
LONGEST_SECONDS = 1.2
"""The interval, and a second."""


def config(number: int) -> str:
    """Give the configuration of swap *number*; every fifth is wrong."""
    wrong = "  broken: {target: 'main.py:one', timeuot: 5s}\n" if number % 5 == 4 else ""
    return f"""
config_reload: {{interval: 200ms}}
logging: {{invocations: false}}
functions:
  steady: {{target: "main.py:steady", queue: unlimited}}
  other: {{target: "main.py:other", queue: unlimited}}
  moving:
    target: "main.py:{"one" if number % 2 else "two"}"
    path: /moving/{number}
    concurrency: {1 + number % 7}
    timeout: {1 + number % 9}s
{wrong}"""


def swap(folder: Path, number: int) -> None:
    """Turn the link ``..data`` to a new folder, as the kubelet does."""
    version = folder / f"..v{number}"
    version.mkdir()
    (version / "functions.yaml").write_text(config(number))
    (version / "main.py").write_text(CODE)
    (folder / "..tmp").symlink_to(version.name)
    os.replace(folder / "..tmp", folder / "..data")


def run(report: Report, quick: bool) -> None:
    """Swap a hundred times."""
    swaps = 10 if quick else 100
    with tempfile.TemporaryDirectory(prefix="ffhost-soak-") as name:
        folder = Path(name)
        mounted = folder / "mounted"
        mounted.mkdir()
        swap(mounted, 0)
        for file in ("functions.yaml", "main.py"):
            (mounted / file).symlink_to(f"..data/{file}")
        server = Server(
            folder,
            mounted / "functions.yaml",
            f"server.workers={WORKERS}",
        )
        try:
            _swap_under_load(report, server, mounted, swaps)
        finally:
            server.close()


def _swap_under_load(report: Report, server: Server, mounted: Path, swaps: int) -> None:
    eventually(lambda: len(server.workers()) == WORKERS, "both workers")
    time.sleep(2)  # the second worker begins after the first is ready
    wrk = Wrk(server, ["/steady", "/other"])
    counts = {"config_reload_failed": 0, "config_reloaded": 0}
    waits = []
    for number in range(1, swaps + 1):
        swap(mounted, number)
        started = time.monotonic()
        event = "config_reload_failed" if number % 5 == 4 else "config_reloaded"
        counts[event] += WORKERS
        told = counts[event]
        eventually(
            lambda event=event, told=told: len(server.entries(event)) >= told,
            f"{event} in all workers after swap {number}",
        )
        waits.append(time.monotonic() - started)
    # The last valid one is in force in whichever worker answers.
    last = swaps if swaps % 5 != 4 else swaps - 1
    right = b"one" if last % 2 else b"two"
    answers = {server.get(f"/moving/{last}") for _ in range(20)}
    load = wrk.stop()
    report.say(
        f"{swaps} swaps, {len(server.entries('config_reloaded'))} reloads and "
        f"{len(server.entries('config_reload_failed'))} refusals in {WORKERS} workers"
    )
    report.say(f"{load['requests']} requests over 16 connections meanwhile")
    report.expect(load["socket errors"] == 0, f"{load['socket errors']} socket errors")
    report.expect(load["not 2xx"] == 0, f"{load['not 2xx']} answers that are no 2xx")
    report.expect(answers == {(200, right)}, f"the last configuration answers: {answers}")
    report.expect(
        max(waits) <= LONGEST_SECONDS,
        f"longest until every worker had a swap: {milliseconds(max(waits))}",
    )
