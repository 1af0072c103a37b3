"""Deadlines, slots and stuck calls, through the host on both fronts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import pytest

from ffhost.execution import stuck_calls as stuck
from ffhost.execution.stuck_calls import StuckCalls, stuck_calls
from ffhost.execution.threads import PoolThread, ThreadPool
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.web.messages import Message
from tests.conftest import Serve


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until *holds*, at most so long."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


CONFIG = """
functions:
  f: {target: "main.py:f", timeout: 200ms, concurrency: 1, queue: 1, queue_timeout: 100ms}
  g: {target: "main.py:g"}
"""


@pytest.mark.parametrize(
    "body",
    [
        "while True: time.sleep(0.01)",
        "time.sleep(1)",
        "[sum(range(10_000)) for _ in iter(int, 1)]",
    ],
)
def test_a_sync_function_is_answered_for_at_its_deadline(serve: Serve, body: str) -> None:
    host = serve(f"import time\ndef f(request):\n    {body}\ndef g(request): return 'g'", CONFIG)
    answer = host.get("/f", headers={"Function-Execution-Id": "late"})
    assert answer.status == 504
    assert answer.json() == {
        "type": "about:blank",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": "f did not answer in time",
        "execution_id": "late",
    }
    assert eventually(lambda: host.service.in_flight == 0)
    assert host.get("/g").text == "g"


def test_except_exception_does_not_swallow_the_deadline(serve: Serve) -> None:
    host = serve(
        """
        import time
        def f(request):
            while True:
                try:
                    while True: time.sleep(0.005)
                except Exception:
                    pass
        def g(request): return "g"
        """,
        CONFIG,
    )
    assert host.get("/f").status == 504
    assert eventually(lambda: host.service.in_flight == 0)


def test_a_coroutine_that_swallows_its_cancellation_cannot_hold_the_answer(serve: Serve) -> None:
    host = serve(
        """
        import asyncio
        async def f(request):
            for _ in range(3):
                try:
                    await asyncio.sleep(0.4)
                except asyncio.CancelledError:
                    pass
            return "late"
        def g(request): return "g"
        """,
        CONFIG,
    )
    assert host.get("/f").status == 504
    assert host.service.in_flight == 1  # answered, although it runs on
    assert eventually(lambda: host.service.in_flight == 0)


def test_a_late_coroutine_that_returns_a_stream_sends_none_of_it(serve: Serve) -> None:
    host = serve(
        """
        import asyncio
        async def f(request):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                pass
            async def chunks():
                yield "late"
            return chunks()
        def g(request): return "g"
        """,
        CONFIG,
    )
    answer = host.get("/f", headers={"Function-Execution-Id": "late"})
    assert (answer.status, answer.headers["function-execution-id"]) == (504, "late")
    assert answer.json()["detail"] == "f did not answer in time"
    assert eventually(lambda: host.service.in_flight == 0)


def test_a_coroutines_stream_that_is_late_is_cut_off(serve: Serve) -> None:
    host = serve(
        """
        import asyncio
        async def f(request):
            yield "one"
            await asyncio.sleep(5)
        def g(request): return "g"
        """,
        CONFIG.replace("200ms", "600ms"),  # for the first chunk, on a busy machine
    )
    answer = host.get("/f")
    assert (answer.status, answer.text, answer.cut) == (200, "one", True)
    assert eventually(lambda: host.service.in_flight == 0)


def test_the_slot_stays_taken_until_the_function_really_ends(serve: Serve) -> None:
    host = serve(
        """
        import threading
        release = threading.Event()
        blocked = threading.Lock(); blocked.acquire()
        def f(request):
            if request.args.get("block"):
                blocked.acquire(timeout=1.0)  # blocks in C: no exception reaches it
            return "done"
        def g(request):
            blocked.release()
            return "g"
        """,
        CONFIG,
    )
    assert host.get("/f?block=1").status == 504
    refused = host.get("/f")
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    assert host.get("/g").text == "g"
    assert eventually(lambda: host.service.in_flight == 0)
    assert host.get("/f").text == "done"


def test_calls_queue_for_a_slot_and_what_exceeds_the_queue_is_refused(serve: Serve) -> None:
    host = serve(
        """
        import time
        def f(request):
            time.sleep(0.05)
            return "done"
        def g(request): return "g"
        """,
        CONFIG,
    )
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda _: host.get("/f").status, range(6)))
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert set(statuses) == {200, 429}


def test_a_function_can_ask_how_long_it_has(serve: Serve) -> None:
    host = serve(
        """
        import ffhost
        def f(request):
            return str(0.1 < ffhost.current().remaining <= 0.2)
        def g(request):
            return str(ffhost.current().deadline is None)
        """,
        CONFIG.replace('"main.py:g"', '"main.py:g", timeout: unlimited'),
    )
    assert host.get("/f").text == "True"
    assert host.get("/g").text == "True"


def test_a_stuck_call_counts_until_it_ends(serve: Serve) -> None:
    host = serve(
        """
        import threading
        lock = threading.Lock(); lock.acquire()
        def f(request):
            lock.acquire()
            return ""
        def g(request):
            lock.release()
            return ""
        """,
        CONFIG,
    )
    assert host.get("/f").status == 504
    assert eventually(lambda: stuck_calls.count("f") == 1)
    host.get("/g")
    assert eventually(lambda: stuck_calls.count("f") == 0)


class Stuck:
    """A function of which calls are stuck."""

    def __init__(self, name: str, stuck_limit: float) -> None:
        self.name, self.stuck_limit = name, stuck_limit


def past_its_deadline(function: Any, seconds: float = 10.0) -> Call:
    call = Call(function, Message("GET", "/"), "late")
    call.deadline = Deadline()
    call.deadline.at = time.monotonic() - seconds
    call.move("running")
    return call


def test_as_many_stuck_calls_as_are_allowed_do_no_harm_and_one_more_is_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stuck, "GRACE_SECONDS", 0.02)
    calls, limit_passed = StuckCalls(), threading.Event()
    calls.on_limit = limit_passed.set
    function = Stuck("f", 2)
    stuck_for_good = [past_its_deadline(function) for _ in range(2)]
    for call in stuck_for_good:
        calls.add(call)
    assert calls.count("f") == calls.count() == 2
    assert calls.count("g") == 0
    assert not limit_passed.wait(0.2)
    calls.add(past_its_deadline(Stuck("g", 2)))  # the limit counts what the worker has lost
    assert limit_passed.wait(5)
    limit_passed.clear()
    calls.add(past_its_deadline(function))
    assert not limit_passed.wait(0.1)  # it is said once


def test_a_call_that_is_only_late_or_has_ended_is_not_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stuck, "GRACE_SECONDS", 0.05)
    calls, limit_passed = StuckCalls(), threading.Event()
    calls.on_limit = limit_passed.set
    function = Stuck("f", 1)
    calls.add(past_its_deadline(function))
    late, ended = past_its_deadline(function, -10), past_its_deadline(function)
    ended.end(keep_context=False)
    calls.add(late)
    calls.add(ended)
    assert calls.count() == 1
    assert not limit_passed.wait(0.2)
    calls.add(over := past_its_deadline(function))
    calls.discard(over)
    assert calls.count() == 1


class Job:
    """The least that a pool runs."""

    def __init__(self, deadline: float | None = 0.0) -> None:
        import contextvars

        self.context = contextvars.copy_context()
        self.deadline = deadline
        self.job: Any = None


def compute() -> None:
    end = time.perf_counter() + 0.0005
    while time.perf_counter() < end:
        pass


def wait_in_c() -> None:
    time.sleep(0.0005)


def wait_in_c_many_times() -> None:
    any(map(time.sleep, repeat(0.00005, 5)))


@pytest.mark.parametrize("work", [compute, wait_in_c, wait_in_c_many_times])
def test_no_exception_strikes_another_call_and_no_thread_dies(work: Callable[[], None]) -> None:
    """1,000 calls that end within a moment of their deadline."""
    pool = ThreadPool("test")
    ended: list[str] = []
    struck_after: list[str] = []
    done = threading.Semaphore(0)

    def near_its_deadline(job: Job) -> str:
        work()
        return "ended"

    def innocent(job: Job) -> str:
        try:
            sum(range(200))
        except BaseException:
            struck_after.append("struck")
            raise
        return "ended"

    def note(job: Job, result: object) -> None:
        ended.append(str(result))
        done.release()

    for _ in range(1000):
        job = Job()
        pool.submit(near_its_deadline, job, note)
        pool.submit(innocent, Job(), note)
        target = time.perf_counter() + 0.0005
        while time.perf_counter() < target:
            pass
        if isinstance(job.job, PoolThread):
            job.job.interrupt(job)
        assert done.acquire(timeout=5)
        assert done.acquire(timeout=5)
    assert struck_after == []
    assert len(ended) == 2000
    assert pool.size >= 1
    pool.close()


def test_the_pool_grows_with_the_calls_and_shrinks_when_idle() -> None:
    pool = ThreadPool("test", idle_seconds=0.05)
    gate = threading.Event()
    done = threading.Semaphore(0)
    for _ in range(20):
        pool.submit(lambda _: gate.wait(5), Job(None), lambda *_: done.release())
    assert pool.size == 20
    gate.set()
    for _ in range(20):
        assert done.acquire(timeout=5)
    assert eventually(lambda: pool.size == 0)


def test_interrupting_a_call_that_has_ended_does_nothing() -> None:
    worker = PoolThread()
    worker.ident = threading.get_ident()
    first, second = Job(), Job()
    assert worker.guard(first, lambda _: "first") == "first"
    assert not worker.interrupt(first)
    assert worker.guard(second, lambda _: worker.interrupt(first)) is False
