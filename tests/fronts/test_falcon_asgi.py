"""The ASGI application as servers call it: tasks that are cancelled, requests that never end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ffhost.asgi import FalconAsgiApp, create_app
from ffhost.config import ConfigSources
from ffhost.execution.threads import ThreadPool
from ffhost.host.service import Service
from ffhost.invocation.slots import Slots

CODE = """
def f(request):
    return request.data
"""
CONFIG = """
server: {read_timeout: 50ms}
functions:
  f: {target: "main.py:f", concurrency: 1, queue: 2, queue_timeout: 5s}
"""
ON_THREADS = "unlimited, timeout: unlimited"
"""Without a deadline the thread that ends a call begins the next."""
WAITS = pytest.mark.parametrize("queue_timeout", ["5s", "unlimited", ON_THREADS])
STUCK = """
import threading
free, lock = threading.Event(), threading.Lock()
running = 0

def f(request):
    global running
    with lock:
        running += 1
        assert running <= 2
    try:
        if request.data == b"free":
            free.set()
        elif request.data == b"stuck":
            free.wait(10)
    finally:
        with lock:
            running -= 1
    return ""
"""
Sent = list[dict[str, Any]]


def run(
    folder: Path,
    use: Callable[[FalconAsgiApp, Slots], Awaitable[None]],
    queue_timeout: str = "5s",
    code: str = CODE,
    config: str = CONFIG,
) -> None:
    """Run *use* on a loop of its own, with the application and the slots of ``f``."""
    (folder / "main.py").write_text(code)
    (folder / "functions.yaml").write_text(config.replace("5s", queue_timeout))
    service = Service(ConfigSources(config="functions.yaml", cwd=folder), embedded=True)
    app = create_app(service)

    async def main() -> None:
        await service.start_async()
        try:
            await asyncio.wait_for(use(app, service.host.functions["f"].slots), 10)
        finally:
            await service.stop_async()

    asyncio.run(main())


async def call(
    app: FalconAsgiApp, *pieces: bytes, sent: Sent | None = None, whole: bool = True
) -> int:
    """Send a POST in *pieces*; without *whole* more is announced, and never comes."""
    events: Sent = [] if sent is None else sent
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return {
            "type": "http.request",
            "body": left.pop(0),
            "more_body": bool(left) or not whole,
        }

    async def send(event: dict[str, Any]) -> None:
        events.append(event)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/f",
        "raw_path": b"/f",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return int(events[0]["status"])


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


@WAITS
def test_a_call_that_is_cancelled_in_the_queue_leaves_its_place(
    tmp_path: Path, queue_timeout: str
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert slots.try_acquire()
        queued = asyncio.create_task(call(app, b""))
        await until(lambda: slots.waiting == 1)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        assert (slots.waiting, slots.running) == (0, 1)
        slots.release()
        assert await call(app, b"") == 200

    run(tmp_path, use, queue_timeout)


@WAITS
def test_calls_get_slots_in_the_order_in_which_they_came_and_too_many_are_refused(
    tmp_path: Path, queue_timeout: str
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert slots.try_acquire()
        ended: list[int] = []

        async def ask(number: int) -> int:
            status = await call(app, b"")
            ended.append(number)
            return status

        queued = []
        for number in range(2):
            queued.append(asyncio.create_task(ask(number)))
            await until(lambda: slots.waiting == len(queued))
        assert await ask(2) == 429
        slots.release()
        assert await asyncio.gather(*queued) == [200, 200]
        assert ended == [2, 0, 1]

    run(tmp_path, use, queue_timeout)


@WAITS
@pytest.mark.parametrize("is_queued", [False, True])
def test_a_call_for_which_no_thread_can_be_started_is_503_and_leaves_nothing_behind(
    tmp_path: Path, queue_timeout: str, is_queued: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        if is_queued:
            assert slots.try_acquire()
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", start_no_late_thread)
            asked = asyncio.create_task(call(app, b""))
            if is_queued:
                await until(lambda: slots.waiting == 1)
                slots.release()
            assert await asked == 503
        assert (slots.waiting, slots.running) == (0, 0)
        assert await call(app, b"") == 200

    monkeypatch.setattr(
        "ffhost.fronts.falcon_asgi.pool", ThreadPool("late")
    )  # without idle threads
    run(tmp_path, use, queue_timeout)


START = threading.Thread.start


def start_no_late_thread(thread: threading.Thread) -> None:
    if thread.name.startswith("late"):
        raise RuntimeError("can't start new thread")
    START(thread)


@WAITS
@pytest.mark.parametrize("is_on_loop", [True, False])
def test_a_slot_that_a_cancelled_call_was_just_granted_is_given_back(
    tmp_path: Path, is_on_loop: bool, queue_timeout: str
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert slots.try_acquire()
        queued = asyncio.create_task(call(app, b""))
        await until(lambda: slots.waiting == 1)
        release = threading.Thread(target=slots.release)  # the slot is the queued call's
        if is_on_loop:
            slots.release()
        else:
            release.start()
            release.join()
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        await until(lambda: (slots.waiting, slots.running) == (0, 0))
        assert await call(app, b"") == 200

    run(tmp_path, use, queue_timeout)


@WAITS
def test_a_stuck_call_holds_up_none_that_waits_for_another_slot(
    tmp_path: Path, queue_timeout: str
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        stuck = asyncio.create_task(call(app, b"stuck"))
        await until(lambda: slots.running == 1)
        answers = await asyncio.gather(*(call(app, b"") for _ in range(20)))
        assert answers == [200] * 20
        assert await call(app, b"free") == 200
        assert await stuck == 200
        assert (slots.waiting, slots.running) == (0, 0)

    config = CONFIG.replace("concurrency: 1, queue: 2", "concurrency: 2, queue: 20")
    run(tmp_path, use, queue_timeout, STUCK, config)


ISOLATED = """
functions:
  f: {target: "main.py:f", isolation: process, processes: 1, queue_timeout: 5s}
"""
WAITING = """
import os, time

def f(request):
    with open("begun", "a") as file: file.write(".")
    while request.data and not os.path.exists(request.data): time.sleep(0.001)
    return "OK"
"""


@WAITS
def test_a_cancelled_call_that_waits_for_a_process_is_taken_back(
    tmp_path: Path, queue_timeout: str
) -> None:
    code = WAITING.replace("begun", str(tmp_path / "begun"))

    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert [await call(app, b"") for _ in range(2)] == [
            200
        ] * 2  # short: sent early from now on
        go = tmp_path / "go"
        first = asyncio.create_task(call(app, str(go).encode()))
        await until(lambda: len((tmp_path / "begun").read_text()) == 3)
        second = asyncio.create_task(call(app, b""))
        await until(lambda: slots.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (slots.waiting, slots.running) == (0, 1)
        go.touch()
        assert await first == 200
        assert await call(app, b"") == 200
        assert (tmp_path / "begun").read_text() == "...."

    run(tmp_path, use, queue_timeout, config=ISOLATED, code=code)


@pytest.mark.parametrize("pieces", [(), (b"begun",)])
def test_a_request_that_does_not_arrive_in_time_is_408_and_its_task_lives_on(
    tmp_path: Path, pieces: tuple[bytes, ...]
) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert await call(app, *pieces, whole=False) == 408
        task = asyncio.current_task()
        assert task is not None
        # A cancellation that is not taken back breaks timeouts and groups of tasks later on.
        assert task.cancelling() == 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.sleep(1)

    run(tmp_path, use)


def test_a_server_that_cancels_a_task_while_it_reads_gets_its_cancellation(tmp_path: Path) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        sent: Sent = []
        reading = asyncio.create_task(call(app, b"begun", sent=sent, whole=False))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert sent == []

    run(tmp_path, use)


def test_the_time_for_reading_is_over_once_the_request_is_there(tmp_path: Path) -> None:
    async def use(app: FalconAsgiApp, slots: Slots) -> None:
        assert slots.try_acquire()
        whole = asyncio.create_task(call(app, b"be", b"gun"))
        await until(lambda: slots.waiting == 1)
        slow = asyncio.create_task(call(app, b"begun", whole=False))
        assert await slow == 408
        slots.release()
        assert await whole == 200

    run(tmp_path, use)
