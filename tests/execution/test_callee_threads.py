"""Threads for calls by name, and what they and their callers wait on."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ffhost.errors import DeadlineExceeded
from ffhost.execution import thread_signals
from ffhost.execution.callee_threads import CalleeThreads
from ffhost.execution.thread_signals import OwnSignals, ThreadSignal, own_events, own_locks
from ffhost.execution.threads import ThreadPool
from ffhost.invocation.deadline import Deadline


class Call:
    """A call, as far as a thread looks at it."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.context = contextvars.Context()
        self.deadline = deadline
        self.job: Any = None


def made(threads: CalleeThreads, work: Callable[[Any], Any], call: Any = None) -> Any:
    """Run *work* on a thread and wait for it, as a caller does."""
    results: list[Any] = []
    signal = own_events.signal

    def done(_call: Any, result: Any) -> None:
        results.append(result)
        with suppress(RuntimeError):  # it was woken before: a lock says so, an eventfd does not
            signal.wake()

    threads.submit(work, call or Call(), done)
    while not results:
        signal.wait(timeout=5)
    return results[0]


def waited_until(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not is_so() and time.monotonic() < end:
        time.sleep(0.001)
    return is_so()


@pytest.fixture
def threads() -> CalleeThreads:
    return CalleeThreads(ThreadPool("none"))


def test_calls_one_after_the_other_run_on_the_same_thread(threads: CalleeThreads) -> None:
    used = {made(threads, lambda _call: threading.get_ident()) for _ in range(100)}
    assert len(used) == 1
    assert threading.get_ident() not in used
    assert threads.busy == 0


def test_a_call_of_a_callee_runs_on_a_thread_of_its_own(threads: CalleeThreads) -> None:
    def nested(depth: int) -> list[int]:
        deeper = made(threads, lambda _call: nested(depth - 1)) if depth else []
        return [threading.get_ident(), *deeper]

    used = nested(5)
    assert len(set(used)) == len(used)
    assert threads.busy == 0


def test_many_threads_call_at_once_and_each_gets_its_own_answer(threads: CalleeThreads) -> None:
    wrong: list[int] = []

    def call(number: int) -> None:
        wrong.extend(each for each in range(50) if made(threads, lambda _call, n=each: n) != each)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert wrong == []
    assert threads.busy == 0


def test_a_thread_that_is_idle_for_long_ends() -> None:
    threads = CalleeThreads(ThreadPool("none"), idle_seconds=0.01)
    ident = made(threads, lambda _call: threading.get_ident())
    assert waited_until(lambda: ident not in {each.ident for each in threading.enumerate()})
    assert made(threads, lambda _call: "again") == "again"


def test_a_thread_survives_what_a_call_raises(
    threads: CalleeThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def fail(_call: Any) -> None:
        raise KeyError("mine")

    assert made(threads, fail) is None
    assert [each.exc_type for each in told] == [KeyError]
    assert made(threads, lambda _call: "next") == "next"


def test_a_call_is_interrupted_at_its_deadline_and_the_next_one_is_not(
    threads: CalleeThreads,
) -> None:
    def late(call: Any) -> str:
        try:
            threading.Thread(target=call.job.interrupt, args=(call,)).start()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                pass
        except DeadlineExceeded:
            return "struck"
        return "not struck"

    assert made(threads, late, Call(Deadline())) == "struck"
    assert made(threads, lambda _call: "whole", Call(Deadline())) == "whole"


def test_a_call_for_which_no_thread_can_be_started_is_left_to_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = ThreadPool("pool")
    done = threading.Event()
    pool.submit(lambda _call: None, Call(), lambda *_outcome: done.set())
    assert done.wait(5)

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert made(CalleeThreads(pool), lambda _call: "by the pool") == "by the pool"
    with pytest.raises(RuntimeError, match="new thread"):
        CalleeThreads(ThreadPool("none")).submit(str, Call(), lambda *_outcome: None)


@pytest.mark.parametrize("own", [own_locks, own_events], ids=["lock", "event"])
def test_a_signal_that_comes_before_the_wait_ends_it(own: OwnSignals) -> None:
    signal = own.signal
    while signal.wait(timeout=0):  # what came too late for a wait of another test
        pass
    signal.wake()
    assert signal.wait(timeout=5)
    assert not signal.wait(timeout=0)
    assert own.signal is signal


def test_each_thread_has_a_signal_of_its_own() -> None:
    theirs: list[ThreadSignal] = []
    thread = threading.Thread(target=lambda: theirs.append(own_events.signal))
    thread.start()
    thread.join()
    assert theirs[0] is not own_events.signal


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no eventfd")
def test_descriptors_are_few_and_closed_with_their_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_before = thread_signals._EventSignal.made
    monkeypatch.setattr(thread_signals, "MOST_EVENTS", made_before + 2)
    signals = [thread_signals._make_event_signal() for _ in range(6)]
    for each in signals:
        each.wake()
        assert each.wait(timeout=5)
    events = [each for each in signals if isinstance(each, thread_signals._EventSignal)]
    assert len(events) == 2
    descriptor = events[0]._event
    os.fstat(descriptor)
    del each
    events.clear()
    signals.clear()
    assert thread_signals._EventSignal.made == made_before
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no eventfd")
def test_a_thread_for_which_no_descriptor_is_left_waits_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_left(_value: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "eventfd", none_left)
    signal = thread_signals._make_event_signal()
    signal.wake()
    assert signal.wait(timeout=5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_takes_nothing_that_wakes_its_parent() -> None:
    signal = own_events.signal
    child = os.fork()
    if not child:
        os._exit(0 if own_events.signal is not signal else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert own_events.signal is signal


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_child_that_a_call_has_forked_leaves_when_the_call_returns(
    threads: CalleeThreads,
) -> None:
    def fork(_call: Any) -> int:
        child = os.fork()
        if not child:
            threads.leave(lambda *_: os._exit(7))
        return child

    assert os.waitstatus_to_exitcode(os.waitpid(made(threads, fork), 0)[1]) == 7


def test_a_process_that_ends_closes_the_signals_of_its_threads_without_a_word() -> None:
    code = (
        "import threading\n"
        "from ffhost.execution import thread_signals\n"
        "signal = thread_signals.own_events.signal\n"
        "thread_signals.__dict__.update(_EventSignal=None, os=None)\n"
        "del signal, thread_signals.own_events\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
