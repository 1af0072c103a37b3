"""Schedules under real servers: one worker of a host ticks, and another when it is gone.

A schedule cannot name seconds; a variable for tests makes every schedule due more often.
``FFHOST_TEST_KILLS`` says how often the worker that ticks is killed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.serving import Running, eventually, free_port, gunicorn, server

PERIOD = 0.2
ENVIRON = {"FFHOST_TEST_TICK_SECONDS": str(PERIOD)}
SOURCE = """
import os, time
from datetime import datetime

def tick(request):
    due = datetime.fromisoformat(request.headers["ce-time"]).timestamp()
    line = f"{request.headers['ce-id']} {due} {os.getpid()} {time.time()}\\n"
    descriptor = os.open("ticks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)
    return "ticked"

def hello(request):
    return "hello"

async def tock(request):
    return tick(request)
"""
SCHEDULE = "=[{cron: '* * * * *', overlap: allow}]"


class Ran(NamedTuple):
    """One tick, as the function wrote it."""

    id: str
    due: float
    pid: int
    at: float


def ran(folder: Path) -> list[Ran]:
    try:
        lines = (folder / "ticks").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [
        Ran(name, float(due), int(pid), float(at)) for name, due, pid, at in map(str.split, lines)
    ]


def missing(ticks: list[Ran]) -> list[float]:
    """The times between the first and the last tick that none of them was for."""
    numbers = {round(each.due / PERIOD) for each in ticks}
    return [
        number * PERIOD for number in range(min(numbers), max(numbers)) if number not in numbers
    ]


def assert_ticks_went_on(folder: Path, since: float) -> None:
    eventually(lambda: any(each.at > since for each in ran(folder)), f"a tick after {since}")


@pytest.mark.parametrize("function", ["tick", "tock"])
def test_four_workers_tick_as_one(tmp_path: Path, function: str) -> None:
    sets = ("server.workers=4", f"functions.{function}.schedules{SCHEDULE}")
    with server(tmp_path, *sets, source=SOURCE, functions=function, environ=ENVIRON) as running:
        running.urls()
        eventually(lambda: len(ran(tmp_path)) > 10, "ten ticks")
        ticks = ran(tmp_path)
        assert len({each.id for each in ticks}) == len(ticks)
        assert missing(ticks) == []
        assert len({each.pid for each in ticks}) == 1


def test_when_the_worker_that_ticks_is_killed_another_goes_on(tmp_path: Path) -> None:
    kills = int(os.environ.get("FFHOST_TEST_KILLS", "3"))
    killed: list[float] = []
    pauses: list[float] = []
    sets = ("server.workers=4", f"functions.tick.schedules{SCHEDULE}")
    with server(tmp_path, *sets, source=SOURCE, functions="tick", environ=ENVIRON) as running:
        running.urls()
        eventually(lambda: len(ran(tmp_path)) > 2, "the first ticks")
        for number in range(kills):
            last = ran(tmp_path)[-1]
            # Just before, in, and just after a tick.
            time.sleep(PERIOD - time.time() % PERIOD + (number % 3 - 1) * 0.01)
            time.sleep(random.random() * 0.005)
            with suppress(ProcessLookupError):
                os.kill(last.pid, signal.SIGKILL)
            killed.append(time.time())
            assert_ticks_went_on(tmp_path, killed[-1] + 0.05)
            pauses.append(min(e.at for e in ran(tmp_path) if e.at > killed[-1] + 0.05) - killed[-1])
            eventually(lambda: len(running.workers()) == 4, "the worker is replaced")
        ticks = ran(tmp_path)
    assert len({each.id for each in ticks}) == len(ticks), "a tick ran twice"
    # Lost is only what was written down and not begun when the worker was killed.
    lost = missing(ticks)
    assert all(any(0 <= at - due < PERIOD for at in killed) for due in lost), (lost, killed)
    print(f"{kills} kills, {len(ticks)} ticks, lost {len(lost)}, pauses {sorted(pauses)}")
    assert len(lost) <= kills


def test_a_worker_that_drains_leaves_the_ticking_to_another(tmp_path: Path) -> None:
    sets = (
        *("server.workers=2", "server.drain_delay=1s", "server.graceful_timeout=5s"),
        f"functions.tick.schedules{SCHEDULE}",
    )
    with server(tmp_path, *sets, source=SOURCE, functions="tick", environ=ENVIRON) as running:
        running.urls()
        eventually(lambda: len(ran(tmp_path)) > 2, "the first ticks")
        running.send(signal.SIGTERM)
        told = time.time()
        assert running.wait() == 0
        assert [each for each in ran(tmp_path) if each.at > told + 0.5] == []


def test_a_reload_neither_repeats_nor_loses_a_tick(tmp_path: Path) -> None:
    sets = ("config_reload.interval=100ms",)
    with server(tmp_path, *sets, source=SOURCE, functions="tock", environ=ENVIRON) as running:
        running.urls()
        file = tmp_path / "functions.yaml"
        plain = file.read_text()
        for number in range(1, 6):
            schedules = "[{cron: '* * * * *', overlap: allow}]"
            entry = f"{{target: 'main.py:tick', timeout: {number}s, schedules: {schedules}}}"
            file.write_text(f"{plain}\n  tick: {entry}\n")
            expect_reloads(running, number)
            expect_ticks(tmp_path, 4 * number)
        ticks = ran(tmp_path)
    assert len({each.id for each in ticks}) == len(ticks)
    assert missing(ticks) == []


def expect_reloads(running: Running, number: int) -> None:
    eventually(lambda: len(running.entries("config_reloaded")) >= number, f"reload {number}")


def expect_ticks(folder: Path, number: int) -> None:
    eventually(lambda: len(ran(folder)) > number, f"{number} ticks")


def test_switched_off_nothing_ticks(tmp_path: Path) -> None:
    sets = ("schedules.enabled=false", f"functions.tick.schedules{SCHEDULE}")
    with server(tmp_path, *sets, source=SOURCE, functions="tick hello", environ=ENVIRON) as running:
        assert running.get("/hello") == "hello"
        time.sleep(5 * PERIOD)
        assert ran(tmp_path) == []


def test_without_a_folder_for_temporary_files_the_host_does_not_start(tmp_path: Path) -> None:
    sets = (f"functions.tick.schedules{SCHEDULE}",)
    (tmp_path / f"ffhost-{os.geteuid()}").write_text("in the way")
    environ = {**ENVIRON, "TMPDIR": str(tmp_path)}
    with server(tmp_path, *sets, source=SOURCE, functions="tick", environ=environ) as running:
        assert running.wait() == 1
        assert "schedules need a folder for temporary files" in running.output + running.errors


def test_the_workers_of_somebodys_own_gunicorn_tick_as_one(tmp_path: Path) -> None:
    sets = (f"functions.tick.schedules{SCHEDULE}",)
    with gunicorn(
        tmp_path,
        *sets,
        source=SOURCE,
        functions="tick",
        environ=ENVIRON,
        options=("--workers", "3"),
    ) as running:
        running.urls()
        eventually(lambda: len(ran(tmp_path)) > 10, "ten ticks")
        ticks = ran(tmp_path)
    assert len({each.id for each in ticks}) == len(ticks)
    assert missing(ticks) == []


def test_the_workers_of_somebodys_own_uvicorn_tick_as_one(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SOURCE)
    (tmp_path / "functions.yaml").write_text(
        "functions:\n  tick: {target: 'main.py:tick', schedules: "
        "[{cron: '* * * * *', overlap: allow}]}\n"
    )
    port = str(free_port())
    command = ["-m", "uvicorn", "--workers", "3", "--port", port, "ffhost.asgi:app"]
    running = Running(tmp_path, command, {**ENVIRON, "PORT": port})
    try:
        expect_ticks(tmp_path, 10)
        ticks = ran(tmp_path)
    finally:
        running.send(signal.SIGTERM)
        running.wait()
        running.close()
    assert len({each.id for each in ticks}) == len(ticks)
    assert missing(ticks) == []
