"""Exceptions raised in other threads, with a workaround for CPython 3.11.

Such an exception waits until its thread runs Python code again. On CPython 3.11 it keeps a
flag of the interpreter set meanwhile, and while that flag is set a thread with a profile or
trace function cannot enter a Python function: it spins. One call that is stuck in C would so
stop every call that is profiled, and everything under coverage or a debugger.

The flag is cleared when any thread takes an exception, so a thread of ours raises one in
itself. The exception of the stuck thread stays in place: a thread that comes back from C sets
the flag again and takes it at once. Only C code that takes the interpreter's lock now and then
without running Python code, like `socket.sendall` with a timeout, sets the flag and goes on.
From such a thread the exception is withdrawn, and raised again after a pause.

docs/decisions/exceptions-in-threads.md says what was measured.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ffhost.errors import DeadlineExceeded

if TYPE_CHECKING:
    from ffhost.execution.threads import PoolThread

ATTENDED = sys.version_info < (3, 12)
"""Whether a waiting exception needs attention. CPython 3.12 and 3.13 were seen to need none."""
LOOK_SECONDS = 0.005
"""Seconds until a waiting exception is checked: the interpreter's switch interval."""
LONGEST_LOOK_SECONDS = 0.1
LOOKS = 4
"""How often a thread may be seen to move without taking its exception before it is withdrawn.

A thread that waits for its turn among many others moves as well, and takes it in a few turns.
"""
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def raise_in_thread(ident: int, exception: type[BaseException] | None) -> None:
    """Raise *exception* in the thread *ident* at its next bytecode; None withdraws it."""
    import ctypes

    _async_exception_setter()(ident, ctypes.py_object() if exception is None else exception)


@cache
def _async_exception_setter() -> Callable[[int, Any], int]:
    import ctypes

    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
    set_exception.restype = ctypes.c_int
    return set_exception


def absorb_deadline_strike() -> bool:
    """Take an exception that may be waiting for this thread here, where it does no harm.

    To withdraw it instead would leave the flag of CPython 3.11 set. Return False if nothing was
    raised: exceptions no longer reach a thread in which CPython 3.11 could not start another.
    """
    try:
        raise_in_thread(_thread.get_ident(), DeadlineExceeded)
        # Not `while condition: pass`: on CPython 3.13.0 an exception escapes the try around it.
        for _ in range(1000):
            pass
    except DeadlineExceeded:
        return True
    return False


class _Delivered(DeadlineExceeded):
    """A `DeadlineExceeded` that notes its delivery, so that no call is struck twice.

    Python makes the instance when it looks for the first handler: before any `except` or
    `finally` of user code runs.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        strike = strikes.waiting.get(_thread.get_ident())
        if strike is not None:
            strike.delivered = True


_Delivered.__name__ = _Delivered.__qualname__ = DeadlineExceeded.__name__
_Delivered.__module__ = DeadlineExceeded.__module__


class DeadlineStrike:
    """A `DeadlineExceeded` for one call, until it is delivered or the call has ended."""

    def __init__(self, worker: PoolThread, invocation: Any) -> None:
        self.worker = worker
        self.invocation = invocation
        self.raised = False
        self.delivered = False
        self.next_step = 0.0
        self._turns: int | None = None
        self._looks_left = LOOKS
        self._look_seconds = LOOK_SECONDS
        self._pause_seconds = PAUSE_SECONDS

    def step(self) -> float | None:
        """Raise the exception, leave it or withdraw it.

        Returns:
            the seconds until the next step; None when the strike is over
        """
        with self.worker.lock:
            if self.delivered or self.worker.running is not self.invocation:
                return None
            if not self.raised:
                return self._raise()
            if self._has_moved():
                self._looks_left -= 1
                self._look_seconds = LOOK_SECONDS
                return self._look_seconds if self._looks_left else self._withdraw()
        self._look_seconds = min(2 * self._look_seconds, LONGEST_LOOK_SECONDS)
        return self._look_seconds

    def _raise(self) -> float:
        self.raised = True
        self._looks_left = LOOKS
        self._look_seconds = LOOK_SECONDS
        self._turns = None
        raise_in_thread(self.worker.ident, _Delivered)
        return LOOK_SECONDS

    def _withdraw(self) -> float:
        self.raised = False
        raise_in_thread(self.worker.ident, None)
        pause = self._pause_seconds
        self._pause_seconds = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return pause

    def _has_moved(self) -> bool:
        before, self._turns = self._turns, kernel_waits_of_thread(self.worker.native_id)
        return self._turns is None or before not in (None, self._turns)


def kernel_waits_of_thread(native_id: int) -> int | None:
    """Return how often a thread has waited in the kernel; None where the system does not say.

    The number stays the same while the thread is blocked in a single system call.
    """
    try:
        file = os.open(f"/proc/self/task/{native_id}/status", os.O_RDONLY)
        try:
            counted = os.read(file, 4096).partition(b"\nvoluntary_ctxt_switches:")[2]
        finally:
            os.close(file)
        return int(counted.partition(b"\n")[0])
    except (OSError, ValueError):
        return None


class DeadlineStrikes:
    """The strikes of this process, and the thread that takes their steps.

    It is a raw thread. One made by `threading` gets the trace function of coverage or of a
    debugger, and would spin itself.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, DeadlineStrike] = {}
        self._lock = threading.Lock()
        self._new: SimpleQueue[DeadlineStrike] = SimpleQueue()
        self._pid = 0

    def start(self) -> bool:
        """Start the thread unless this process has it. Return False if it cannot be started."""
        if self._pid == os.getpid():
            return True
        with self._lock:
            if self._pid != os.getpid():
                self.waiting, self._new = {}, SimpleQueue()
                try:
                    _thread.start_new_thread(self._run, (self._new,))
                except RuntimeError:
                    return False
                self._pid = os.getpid()
        return True

    def add(self, worker: PoolThread, invocation: Any) -> None:
        """Raise the exception in *worker* until it is delivered or *invocation* ends."""
        strike = DeadlineStrike(worker, invocation)
        if self.start():
            self._new.put(strike)
        else:
            strike.step()

    def strike_once(self, worker: PoolThread, invocation: Any) -> None:
        """Raise the exception in *worker*; under its lock."""
        strike = self.waiting[worker.ident] = DeadlineStrike(worker, invocation)
        strike.raised = True
        raise_in_thread(worker.ident, _Delivered)

    def have_delivered(self, worker: PoolThread, invocation: Any) -> bool:
        """Whether *worker* has got the exception that was raised in it for *invocation*."""
        strike = self.waiting.get(worker.ident)
        return strike is not None and strike.delivered and strike.invocation is invocation

    def _run(self, new: SimpleQueue[DeadlineStrike]) -> None:
        try:
            open_strikes: list[DeadlineStrike] = []
            while True:
                open_strikes += _wait(new, open_strikes)
                open_strikes = [strike for strike in open_strikes if self._goes_on(strike)]
        finally:
            self._pid = 0  # the next strike starts another thread

    def _goes_on(self, strike: DeadlineStrike) -> bool:
        now = time.monotonic()
        if now < strike.next_step:
            return True
        if not strike.raised:
            self.waiting[strike.worker.ident] = strike
        flag_is_set = strike.raised
        seconds = strike.step()
        if flag_is_set:
            absorb_deadline_strike()
        if seconds is None:
            return False
        strike.next_step = now + seconds
        return True


def _wait(
    new: SimpleQueue[DeadlineStrike], open_strikes: list[DeadlineStrike]
) -> list[DeadlineStrike]:
    """Wait for the next step of a strike, or for a new strike; return the new one."""
    seconds = None
    if open_strikes:
        due = min(strike.next_step for strike in open_strikes)
        seconds = max(0.0, due - time.monotonic())
    try:
        return [new.get(timeout=seconds)]
    except Empty:
        return []


strikes = DeadlineStrikes()
