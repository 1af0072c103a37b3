"""The exception that tells a thread its time is up, and where it must not strike.

Each test meets one moment exactly; `tests.execution.test_deadlines` tries a thousand of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from ffhost.errors import DeadlineExceeded
from ffhost.execution.threads import PoolThread, ThreadPool
from ffhost.testing import client


class Call:
    """A call, as far as a worker looks at it."""


class MeetingLock:
    """A lock that lets *meet* run at the moment when *thread* wants it.

    Whatever asks for the lock later, such as a deadline, may have it first.
    """

    def __init__(self, thread: int, meet: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._thread = thread
        self._meet: Callable[[], None] | None = meet

    def __enter__(self) -> None:
        if threading.get_ident() == self._thread and self._meet is not None:
            meet, self._meet = self._meet, None
            meet()
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()


def spin(seconds: float = 5.0) -> str:
    """Run bytecode, so that an exception can strike; it should never come to the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "not struck"


def in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join(10)
    assert results, "the thread has died or hangs"
    return results[0]


def this_threads_worker() -> PoolThread:
    worker = PoolThread()
    worker.ident = threading.get_ident()
    return worker


def test_a_call_past_its_deadline_is_struck_wherever_it_is() -> None:
    worker, call = this_threads_worker(), Call()

    def work(call: Call) -> str:
        threading.Thread(target=worker.interrupt, args=(call,)).start()
        return spin()

    assert worker.guard(call, work) is None
    assert spin(0.01) == "not struck"


def test_only_one_exception_is_set_however_often_a_call_is_interrupted() -> None:
    worker, call = this_threads_worker(), Call()
    answers: list[bool] = []

    def work(call: Call) -> str:
        try:
            answers.append(in_thread(lambda: worker.interrupt(call)))
            return spin()
        finally:
            answers.append(in_thread(lambda: worker.interrupt(call)))
            spin(0.01)

    assert worker.guard(call, work) is None
    assert answers[-1] is False


def test_an_exception_that_comes_while_a_call_leaves_goes_no_further() -> None:
    def leave() -> tuple[Any, str, bool]:
        worker, call = this_threads_worker(), Call()

        def work(call: Call) -> str:
            # The call has ended; the deadline comes while its thread takes the lock.
            worker.lock = MeetingLock(  # type: ignore[assignment]
                worker.ident, lambda: in_thread(lambda: worker.interrupt(call))
            )
            return "ended"

        return worker.guard(call, work), spin(0.01), worker.interrupt(call)

    assert in_thread(leave) == ("ended", "not struck", False)


def test_a_thread_that_was_struck_can_be_struck_again_in_its_next_call() -> None:
    worker = this_threads_worker()

    def work(call: Call) -> str:
        threading.Thread(target=worker.interrupt, args=(call,)).start()
        return spin()

    assert [worker.guard(Call(), work) for _ in range(3)] == [None, None, None]
    assert worker.guard(Call(), lambda _: "innocent") == "innocent"


def test_an_exception_is_held_back_while_user_code_waits_for_the_host() -> None:
    worker, call = this_threads_worker(), Call()
    seen: list[Any] = []

    def work(call: Call) -> str:
        assert worker.hold(call, lambda: seen.append("left"))
        seen.append(in_thread(lambda: worker.interrupt(call)))
        seen.append(spin(0.01))
        try:
            worker.resume()
        except DeadlineExceeded:
            seen.append("struck")
        seen.append(in_thread(lambda: worker.interrupt(call)))
        return spin(0.01)

    assert worker.guard(call, work) == "not struck"
    assert seen == ["left", True, "not struck", "struck", False]
    assert worker.guard(Call(), lambda _: "innocent") == "innocent"


def test_an_exception_that_is_on_its_way_comes_before_the_host_begins() -> None:
    worker, call = this_threads_worker(), Call()

    def work(call: Call) -> str:
        worker.lock = MeetingLock(  # type: ignore[assignment]
            worker.ident, lambda: in_thread(lambda: worker.interrupt(call))
        )
        try:
            worker.hold(call, lambda: None)
        except DeadlineExceeded:
            return spin(0.01)
        return "begun"

    assert worker.guard(call, work) == "not struck"


def test_a_call_is_struck_as_ever_after_it_has_waited_for_the_host() -> None:
    worker, call = this_threads_worker(), Call()

    def work(call: Call) -> str:
        assert worker.hold(call, lambda: None)
        assert not worker.hold(call, lambda: None)  # the host's code calls user code's API
        worker.resume()
        threading.Thread(target=worker.interrupt, args=(call,)).start()
        return spin()

    assert worker.guard(call, work) is None


def test_calls_that_no_thread_will_take_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ThreadPool("none")
    ended: list[object] = []

    def start(_thread: threading.Thread) -> None:
        """Fail, and not before another thread has left its call to this one."""
        if not ended:
            ended.append("asked")
            pool.submit(str, "other", lambda *outcome: ended.append(outcome))
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="new thread"):
        pool.submit(str, "own", lambda *outcome: ended.append(outcome))
    assert ended == ["asked", ("other", None)]
    assert pool.size == 0


def test_a_call_of_a_wsgi_server_for_which_no_thread_can_be_started_is_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_no_late_thread(thread: threading.Thread) -> None:
        if thread.name.startswith("late"):
            raise RuntimeError("can't start new thread")
        start(thread)

    (tmp_path / "main.py").write_text("def f(request): return 'OK'\n")
    (tmp_path / "functions.yaml").write_text("functions: {f: {target: 'main.py:f'}}\n")
    monkeypatch.setattr("ffhost.fronts.falcon_wsgi.pool", ThreadPool("late"))
    with client(tmp_path, front="wsgi") as host:
        slots = host.service.host.functions["f"].slots
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", start_no_late_thread)
            assert host.get("/f").status == 503
        assert (slots.waiting, slots.running) == (0, 0)
        assert host.get("/f").status == 200
