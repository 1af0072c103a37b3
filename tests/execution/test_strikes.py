"""Exceptions raised in threads that are stuck in C: they harm nobody else, and arrive once."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from ffhost.errors import DeadlineExceeded
from ffhost.execution.strikes import (
    DeadlineStrike,
    DeadlineStrikes,
    kernel_waits_of_thread,
    raise_in_thread,
    strikes,
)
from ffhost.execution.threads import PoolThread, ThreadPool
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually


class Job:
    """The least that a pool runs, and what became of it."""

    deadline = 0.0

    def __init__(self) -> None:
        self.context = contextvars.copy_context()
        self.job: Any = None
        self.strikes = 0
        self.begun = threading.Event()
        self.ended = threading.Event()

    def note(self, _errand: object, _result: object) -> None:
        self.ended.set()


def blocked_in_c(job: Job, seconds: float) -> None:
    """Block as often as it takes, without a line of Python in between."""
    lock = threading.Lock()
    lock.acquire()
    any(map(lock.acquire, repeat(True, int(seconds / 0.01)), repeat(0.01)))


def until_struck(job: Job, seconds: float = 10.0) -> None:
    """Run Python code until an exception has arrived, for *seconds* at most."""
    end = time.monotonic() + seconds
    while not job.strikes and time.monotonic() < end:
        time.sleep(0.001)


@contextmanager
def a_call(*parts: Callable[[Job], None], pool: ThreadPool | None = None) -> Iterator[Job]:
    """Run *parts* on a thread of a pool, counting the exceptions that arrive in them."""
    own = pool or ThreadPool("test")
    job = Job()

    def work(job: Job) -> None:
        job.begun.set()
        for part in parts:
            try:
                part(job)
            except DeadlineExceeded:
                job.strikes += 1

    own.submit(work, job, job.note)
    assert job.begun.wait(5)
    try:
        yield job
    finally:
        assert job.ended.wait(30)
        if pool is None:
            own.close()


@contextmanager
def no_new_threads() -> Iterator[None]:
    """Have the system refuse every new thread: no address space holds a stack of this size."""
    before = threading.stack_size(1 << 47)
    try:
        yield
    finally:
        threading.stack_size(before)


NEIGHBOURS = """
import socket, threading, time
from itertools import repeat

released = threading.Event()
lock = threading.Lock()
lock.acquire()

def one_wait():
    lock.acquire()

def many_waits():
    any(map(lock.acquire, repeat(True), repeat(0.01)))

def sending():
    sender, reader = socket.socketpair()
    sender.settimeout(30)

    def read():
        while not released.is_set():
            time.sleep(0.005)
            reader.recv(1 << 18)
        reader.close()

    threading.Thread(target=read, daemon=True).start()
    try:
        sender.sendall(bytes(1 << 30))
    except OSError:
        pass

def nothing():
    pass

def stuck(request):
    globals()[request.args["how"]]()
    return "no longer stuck"

def profiled(request):
    return "".join(part for part in ("pro", "filed"))

def release(request):
    released.set()
    lock.release()
    return "released"
"""
NEIGHBOURING = """
functions:
  stuck: {target: "main.py:stuck", timeout: 100ms}
  release: {target: "main.py:release"}
  profiled:
    target: "main.py:profiled"
    timeout: 5s
    tracing: {enabled: true, hooks: {profile: {options: {longer_than: 1h}}}}
"""


@pytest.mark.parametrize("how", ["one_wait", "many_waits", "sending"])
def test_a_function_is_profiled_while_a_neighbour_is_stuck_in_c(serve: Serve, how: str) -> None:
    host = serve(NEIGHBOURS, NEIGHBOURING)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(host.get, f"/stuck?how={how}").result().status == 504
        for _ in range(3):
            assert host.get("/profiled").text == "profiled"
            time.sleep(0.1)
        assert host.service.in_flight == 1  # still stuck
        host.get("/release")
    assert eventually(lambda: host.service.in_flight == 0)
    assert host.get("/profiled").text == "profiled"


def test_an_exception_waits_for_a_thread_that_is_blocked_in_one_call() -> None:
    def sleep(_errand: Job) -> None:
        time.sleep(0.5)

    with a_call(sleep) as job:
        job.job.interrupt(job)
    assert job.strikes == 1


def test_an_exception_is_raised_again_until_it_arrives() -> None:
    def stuck(job: Job) -> None:
        blocked_in_c(job, 1.0)

    with a_call(stuck, until_struck) as job:
        job.job.interrupt(job)
    assert job.strikes == 1


def test_a_function_that_cleans_up_for_long_is_not_struck_again() -> None:
    def clean_up(_errand: Job) -> None:
        for _ in range(300):
            time.sleep(0.002)

    with a_call(until_struck, clean_up) as job:
        job.job.interrupt(job)
    assert job.strikes == 1


class StrikingLock:
    """A lock at whose *nth* release an exception strikes its thread."""

    def __init__(self, worker: PoolThread, nth: int) -> None:
        self.worker, self.nth, self.releases = worker, nth, 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.releases += 1
        if self.releases == self.nth:
            self.worker.struck = True
            raise_in_thread(self.worker.ident, DeadlineExceeded)


@pytest.mark.parametrize("nth", [1, 2])
def test_an_exception_at_the_first_or_last_moment_of_a_call_ends_with_it(nth: int) -> None:
    worker = PoolThread()
    worker.ident = threading.get_ident()
    worker.lock = StrikingLock(worker, nth)  # type: ignore[assignment]
    worker.guard(Job(), lambda _: "done")
    assert (worker.running, worker.struck, worker.unreachable) == (None, False, False)
    assert worker.guard(Job(), lambda _: "done") == "done"


def test_what_arrives_is_the_public_exception_by_name() -> None:
    arrived: list[BaseException] = []

    def catch(job: Job) -> None:
        try:
            until_struck(job)
        except BaseException as error:
            arrived.append(error)

    with a_call(catch) as job:
        job.job.interrupt(job)
    (error,) = arrived
    assert isinstance(error, DeadlineExceeded)
    named = f"{type(error).__module__}.{type(error).__qualname__}"
    assert named == "ffhost.errors.DeadlineExceeded"


def test_a_waiting_exception_stays_with_a_thread_that_is_blocked_in_one_call() -> None:
    gate = threading.Lock()
    gate.acquire()

    def one_wait(_errand: Job) -> None:
        gate.acquire()

    with a_call(one_wait) as job:
        strikes.add(job.job, job)
        strike = strike_of(job)
        assert eventually(lambda: strike.raised)
        time.sleep(0.5)
        assert strike.raised
        gate.release()


def test_a_waiting_exception_is_withdrawn_from_a_thread_that_moves_and_raised_again() -> None:
    gate = threading.Lock()
    gate.acquire()

    def many_waits(_errand: Job) -> None:
        any(map(gate.acquire, repeat(True), repeat(0.01)))

    with a_call(many_waits) as job:
        strikes.add(job.job, job)
        strike = strike_of(job)
        for _ in range(3):
            assert eventually(lambda: strike.raised)
            assert eventually(lambda: not strike.raised)
        gate.release()


def strike_of(job: Job) -> DeadlineStrike:
    ident = job.job.ident

    def found() -> bool:
        return ident in strikes.waiting and strikes.waiting[ident].invocation is job

    assert eventually(found)
    return strikes.waiting[ident]


def test_where_the_system_does_not_count_turns_the_exception_is_raised_again() -> None:
    def sleep(_errand: Job) -> None:
        time.sleep(0.5)

    assert kernel_waits_of_thread(0) is None
    with a_call(sleep, until_struck) as job:
        job.job.native_id = 0
        strikes.add(job.job, job)
        strike = strike_of(job)
        assert eventually(lambda: not strike.raised)
    assert job.strikes == 1


def test_a_thread_takes_a_turn_each_time_it_blocks() -> None:
    native_id = threading.get_native_id()
    before = kernel_waits_of_thread(native_id)
    time.sleep(0.001)
    after = kernel_waits_of_thread(native_id)
    assert (before is None) == (not Path("/proc/self/task").exists())
    if before is not None and after is not None:
        assert after > before


def test_a_call_is_interrupted_although_no_thread_can_be_started() -> None:
    with ThreadPoolExecutor(1) as helper, a_call(until_struck) as job:
        helper.submit(int).result()
        with no_new_threads():
            helper.submit(DeadlineStrikes().add, job.job, job).result()
    assert job.strikes == 1


def test_a_thread_that_exceptions_no_longer_reach_is_replaced() -> None:
    """CPython 3.11 raises in nobody once the thread has failed to start another."""
    pool = ThreadPool("test")

    def start_a_thread(_errand: Job) -> None:
        with no_new_threads(), pytest.raises(RuntimeError):
            threading.Thread(target=int).start()

    def wait_for_the_strike(job: Job) -> None:
        assert eventually(lambda: job.job.struck)

    with a_call(start_a_thread, wait_for_the_strike, pool=pool) as first:
        first.job.interrupt(first)
    with a_call(until_struck, pool=pool) as second:
        second.job.interrupt(second)
    assert second.strikes == 1
    pool.close()


def test_a_deadline_is_answered_although_no_thread_can_be_started(serve: Serve) -> None:
    host = serve(NEIGHBOURS, NEIGHBOURING)
    with ThreadPoolExecutor(1) as other:
        other.submit(host.get, "/stuck?how=nothing").result()
        with no_new_threads():
            assert other.submit(host.get, "/stuck?how=one_wait").result().status == 504
        host.get("/release")
    assert eventually(lambda: host.service.in_flight == 0)


FORKING = """
import os, threading
from tests.execution.test_strikes import a_call, until_struck

def strike():
    with a_call(until_struck) as job:
        job.job.interrupt(job)
    return job.strikes

assert strike() == 1
pid = os.fork()
if not pid:
    os._exit(strike())
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
"""


def test_a_forked_process_strikes_as_well() -> None:
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=60)
