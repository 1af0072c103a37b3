"""Threads for functions that are called by threads which wait for them.

Whoever calls waits, so nothing is gained by letting calls wait in a line for a thread that is
awake, as `ThreadPool` does: each call is handed to the thread that was idle for the shortest time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.execution.strikes import ATTENDED, strikes
from ffhost.execution.thread_signals import ThreadSignal, own_events
from ffhost.execution.threads import (
    IDLE_SECONDS,
    Done,
    LeavingCall,
    PoolThread,
    ThreadPool,
    Work,
    report_thread_error,
    thread_pools,
)

_Task: TypeAlias = tuple[Work, Any, Done]


class _Seat:
    """Where an idle thread waits for its next task."""

    __slots__ = ("signal", "task")

    def __init__(self) -> None:
        self.signal: ThreadSignal = own_events.signal
        self.task: _Task | None = None


class CalleeThreads:
    """As many threads as there are calls, fewer when idle.

    Args:
        pool: runs a call for which no further thread can be started
        idle_seconds: how long a thread waits for work before it ends
    """

    def __init__(self, pool: ThreadPool, idle_seconds: float = IDLE_SECONDS) -> None:
        thread_pools.add(self)
        self._pool = pool
        self._idle_seconds = idle_seconds
        self._idle: list[_Seat] = []
        """Taken from and added to in one step each, which needs no lock."""
        self._seats: set[_Seat] = set()
        self._made = 0
        self._can_start = True

    @property
    def busy(self) -> int:
        """Count the threads that run a call."""
        return len(self._seats) - len(self._idle)

    def submit(self, work: Work, invocation: Any, done: Done) -> None:
        """Run *work* on a thread in the invocation's own context, then *done* with its result.

        Raises:
            RuntimeError: no thread can be started; *work* will not run
        """
        try:
            seat = self._idle.pop()
        except IndexError:
            self._start((work, invocation, done))
            return
        seat.task = work, invocation, done
        try:
            seat.signal.wake()
        except RuntimeError:  # it is awake
            return

    def leave(self, leave: Callable[..., None]) -> None:
        """Run *leave* when a call returns in a forked child, and start no thread there."""
        self._idle = []
        self._can_start = False
        for seat in self._seats:
            seat.task = leave, LeavingCall(), leave

    def _start(self, task: _Task) -> None:
        if not self._can_start:
            return
        self._made += 1
        name = f"ffhost-callee-{self._made}"
        if ATTENDED:
            strikes.start()  # now, because at a deadline it may be the thread too many
        try:
            threading.Thread(target=self._serve, args=(task,), name=name, daemon=True).start()
        except RuntimeError:
            self._pool.submit(*task)

    def _serve(self, task: _Task | None) -> None:
        worker, seat = PoolThread(), _Seat()
        worker.ident = threading.get_ident()
        worker.native_id = threading.get_native_id()
        self._seats.add(seat)
        while task is not None:
            work, invocation, done = task
            task = seat.task = None
            result = worker.run(invocation, work)
            # Idle before the end is reported: a call that follows at once finds this thread.
            if not worker.unreachable:
                seat.signal = own_events.signal
                self._idle.append(seat)
            try:
                done(invocation, result)
            except BaseException as error:
                report_thread_error(error)
            # No reference to the call is kept while the thread waits for the next one.
            work = invocation = done = result = None  # type: ignore[assignment]
            if worker.unreachable:
                break
            wait = seat.signal.wait
            while seat.task is None:
                if not wait(timeout=self._idle_seconds) and self._retires(seat):
                    break
            task = seat.task
        self._seats.discard(seat)

    def _retires(self, seat: _Seat) -> bool:
        """Whether the thread may end: nobody has just taken it."""
        try:
            self._idle.remove(seat)
        except ValueError:
            return False
        return True
