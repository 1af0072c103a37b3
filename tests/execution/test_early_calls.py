"""Calls that are sent to isolated processes before these are free, on a running host."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ffhost.execution.channels import LoopWaiter
from ffhost.execution.isolation import early_calls
from ffhost.execution.isolation.process_pool import ProcessPool
from ffhost.invocation.slots import Slots
from ffhost.testing import Answer, Client, client
from tests.execution.test_deadlines import eventually

CODE = """
import os, time
import ffhost

def f(request):
    n = request.args["n"]
    with open(os.path.join(os.path.dirname(__file__), "begun"), "a") as file: file.write(n + "\\n")
    while "for" in request.args and not os.path.exists(request.args["for"]): time.sleep(0.001)
    match request.args.get("do"):
        case "exit": os._exit(3)
        case "loop": sum(iter(int, 1))
        case "remaining": return str(ffhost.current().remaining)
    return n
"""
CONFIG = """
logging: {format: json, invocations: false}
functions:
  f: {target: "main.py:f", isolation: process, processes: 1, timeout: 20s}
"""


class Early:
    """A host whose calls wait behind one that waits for a file."""

    def __init__(self, host: Client, folder: Path, threads: ThreadPoolExecutor) -> None:
        self.host = host
        self.folder = folder
        self._threads = threads
        for n in range(2):  # short ones: calls may be sent early from now on
            assert host.get(f"/f?n=short{n}").status == 200
        self.begun()

    @property
    def slots(self) -> Slots:
        return self.host.service.host.functions["f"].slots

    @property
    def pool(self) -> ProcessPool:
        pool = self.host.service.host.functions["f"].processes
        assert isinstance(pool, ProcessPool)
        return pool

    def sent(self) -> int:
        """Count what the processes were sent and have not answered."""
        return sum(len(each.calls.sent) for each in self.pool.processes if each.calls)

    def ask(self, n: str, more: str = "") -> Future[Answer]:
        return self._threads.submit(self.host.get, f"/f?n={n}{more}")

    def ask_first(self, do: str = "", n: str = "first", file: str = "go") -> Future[Answer]:
        """Make a call that its process begins, and which then waits."""
        before = self.sent()
        first = self.ask(n, f"&for={self.folder / file}&do={do}")
        # The process may begin it before the host has taken note that it was sent.
        assert eventually(lambda: n in self.begun_so_far() and self.sent() > before)
        return first

    def ask_early(self, count: int, more: str = "") -> list[Future[Answer]]:
        """Make calls, all of which are sent while the first one runs."""
        before = self.sent()
        calls = [self.ask(str(n), more) for n in range(count)]
        assert eventually(lambda: self.sent() == before + count)
        assert not self.slots.line
        assert self.slots.waiting == count
        return calls

    def go(self, file: str = "go") -> None:
        (self.folder / file).touch()

    def begun_so_far(self) -> list[str]:
        return (self.folder / "begun").read_text().split()

    def begun(self) -> list[str]:
        """Return what has begun since this was asked last."""
        found = self.begun_so_far()
        (self.folder / "begun").write_text("")
        return found


Start = Callable[..., Early]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a host that takes nothing back because of the time, unless asked to."""
    with ThreadPoolExecutor(12) as threads:
        clients: list[Client] = []

        def start(config: str = CONFIG, *, late_seconds: float = 60) -> Early:
            monkeypatch.setattr(early_calls, "LATE_SECONDS", late_seconds)
            monkeypatch.setattr(early_calls, "SHORT_SECONDS", 60)  # however busy the machine is
            (tmp_path / "main.py").write_text(CODE)
            (tmp_path / "functions.yaml").write_text(config)
            clients.append(client("functions.yaml", cwd=tmp_path, front="asgi"))
            return Early(clients[-1].__enter__(), tmp_path, threads)

        yield start
        for file in ("go", "go2"):  # what still waits would hold up the end
            (tmp_path / file).touch()
        for each in clients:
            each.__exit__(None, None, None)


def answers_of(calls: list[Future[Answer]]) -> list[tuple[int, str]]:
    return [(answer.status, answer.text) for answer in (call.result() for call in calls)]


RIGHT = [(200, str(n)) for n in range(5)]
ALL = sorted(str(n) for n in range(5))


def test_calls_wait_in_the_process_and_each_gets_its_own_answer(start: Start) -> None:
    early = start()
    first, calls = early.ask_first(), early.ask_early(5)
    assert (early.slots.running, early.begun_so_far()) == (1, ["first"])
    early.go()
    assert answers_of([first, *calls]) == [(200, "first"), *RIGHT]
    assert sorted(early.begun()) == [*ALL, "first"]
    assert eventually(lambda: early.slots.running == 0)
    assert (early.slots.waiting, len(early.pool.idle)) == (0, 1)


def test_a_process_has_a_bounded_number_of_calls(start: Start) -> None:
    early = start()
    first = early.ask_first()
    calls = [early.ask(str(n)) for n in range(10)]
    assert eventually(lambda: early.slots.waiting == 10)
    assert (early.sent(), len(early.slots.line)) == (early_calls.MOST_SENT, 3)
    early.go()
    assert {call.result().status for call in [first, *calls]} == {200}


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_what_a_process_has_not_begun_when_it_dies_runs_once_in_another_one(
    start: Start, end: str
) -> None:
    early = start()
    first, calls = early.ask_first(do="exit"), early.ask_early(5)
    if end == "exit":
        early.go()
    else:
        os.kill(early.pool.processes[0].pid, signal.SIGKILL)
    assert first.result().status == 502
    assert answers_of(calls) == RIGHT
    assert sorted(early.begun()) == [*ALL, "first"]
    assert early.pool.replaced == 1


def test_the_deadline_strikes_the_call_that_runs_and_none_behind_it(start: Start) -> None:
    early = start(CONFIG.replace("20s", "700ms"))
    first = early.ask("first", "&do=loop")
    assert eventually(lambda: "first" in early.begun_so_far())
    calls = early.ask_early(5)
    assert first.result().status == 504
    assert answers_of(calls) == RIGHT
    assert sorted(early.begun()) == [*ALL, "first"]


def test_the_deadline_of_a_call_begins_with_the_call_and_not_in_the_queue(start: Start) -> None:
    early = start()
    first, (call,) = early.ask_first(), early.ask_early(1, "&do=remaining")
    assert eventually(lambda: early.pool.processes[0].busy)
    early.go()
    assert first.result().status == 200
    assert 19.5 < float(call.result().text) <= 20


def test_a_call_whose_time_in_the_queue_is_over_is_refused_and_never_begins(start: Start) -> None:
    early = start(CONFIG.replace("timeout: 20s", "timeout: 20s, queue_timeout: 200ms"))
    first, calls = early.ask_first(), early.ask_early(3)
    assert [status for status, _ in answers_of(calls)] == [429] * 3
    assert (early.slots.waiting, early.slots.rejected, early.sent()) == (0, 3, 1)
    early.go()
    assert first.result().text == "first"
    assert early.host.get("/f?n=last").text == "last"
    assert early.begun() == ["first", "last"]


def test_the_queue_is_no_longer_than_it_may_be(start: Start) -> None:
    early = start(CONFIG.replace("timeout: 20s", "timeout: 20s, queue: 3"))
    first, calls = early.ask_first(), early.ask_early(3)
    assert early.host.get("/f?n=4").status == 429
    early.go()
    assert {call.result().status for call in [first, *calls]} == {200}


def test_a_long_call_does_not_hold_up_those_behind_it(start: Start) -> None:
    early = start(CONFIG.replace("processes: 1", "processes: 2"), late_seconds=0.2)
    first = early.ask_first()
    second = early.ask_first(n="second", file="go2")
    calls = [early.ask(str(n)) for n in range(5)]
    assert eventually(lambda: len(early.slots.line) == 5)  # sent, and taken back
    early.go("go2")
    assert second.result().text == "second"
    assert answers_of(calls) == RIGHT
    assert not first.done()
    early.go()
    assert first.result().text == "first"
    assert sorted(early.begun()) == [*ALL, "first", "second"]


def test_large_calls_and_those_of_long_functions_are_not_sent_early(start: Start) -> None:
    early = start()
    first = early.ask_first()
    large = early._threads.submit(early.host.post, "/f?n=large", body=bytes(9000))
    assert eventually(lambda: early.slots.waiting == 1)
    assert early.sent() == 1
    early.go()
    assert (first.result().status, large.result().text) == (200, "large")
    for _ in range(3):
        early.pool.early.note(99.0)
    first = early.ask_first(n="again", file="go2")
    call = early.ask("1")
    assert eventually(lambda: early.slots.waiting == 1)
    assert early.sent() == 1
    early.go("go2")
    assert (first.result().status, call.result().text) == (200, "1")


def test_a_reload_keeps_what_was_sent(start: Start) -> None:
    early = start()
    first, calls = early.ask_first(), early.ask_early(5)
    config = CONFIG.replace("20s", "20s, config: {new: true}")
    (early.folder / "functions.yaml").write_text(config)
    assert early.host.service.reload()
    early.go()
    assert answers_of([first, *calls]) == [(200, "first"), *RIGHT]
    assert early.host.get("/f?n=last").text == "last"
    assert sorted(early.begun()) == [*ALL, "first", "last"]


class Leaving(LoopWaiter):
    """Leaves the line at once when it is woken, as its task may on another thread."""

    def __init__(self, pool: ProcessPool, woken: list[Leaving]) -> None:
        self._pool = pool
        self._woken = woken

    def wake(self) -> None:
        self._pool.leasing.discard(self)
        self._woken.append(self)


def test_who_leaves_while_all_are_woken_keeps_nobody_asleep(start: Start) -> None:
    pool = start().pool
    woken: list[Leaving] = []
    waiting = [Leaving(pool, woken) for _ in range(3)]
    pool.leasing.update(waiting)
    pool._wake()
    assert set(woken) == set(waiting)
    assert not pool.leasing
