"""Threads that run functions, and how one is interrupted at a deadline.

The threads are ours and daemons: those of `concurrent.futures` are joined when the process
exits, so one stuck function would keep a worker from ending.

Python cannot stop a thread, but it can raise an exception in one, at its next bytecode.
Raised carelessly, that exception hits the next call, or the thread itself. So it is set under
the worker's lock and only while the call is running. The end of user code takes the same lock
and absorbs an exception that has been set but not yet raised.

User code calls the host back: `ffhost.call_sync` takes slots and wakes threads. An exception in the
middle of that would lose a slot or a wake-up for ever, so it is held back until the host returns.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from ffhost.errors import DeadlineExceeded
from ffhost.execution.strikes import ATTENDED, absorb_deadline_strike, strikes

IDLE_SECONDS = 10.0
"""How long a thread waits for work before it ends."""

Work = Callable[[Any], Any]
"""The work of a thread for an invocation; its result is passed to the end callback."""
Done = Callable[[Any, Any], None]
_Call: TypeAlias = tuple[Work, Any, Done]


class Threads(Protocol):
    """What runs calls on threads."""

    def submit(self, work: Work, invocation: Any, done: Done) -> None:
        """Run *work* on a thread in the invocation's own context, then *done* with its result.

        An invocation here is any object that has a ``context``, a ``deadline`` (None: it is never
        interrupted) and a ``job``, which is set to the `PoolThread`.

        Raises:
            RuntimeError: no thread can be started; *work* will not run
        """

    def leave(self, leave: Callable[..., None]) -> None:
        """Run *leave*, which does not return, when a call returns in a forked child.

        No other thread has come along, and what waits for one is the parent's.
        """


thread_pools: weakref.WeakSet[Threads] = weakref.WeakSet()
"""All of this process."""


def leave_thread_pools(leave: Callable[..., None]) -> None:
    """Run *leave*, which does not return, when a call returns in a forked child."""
    for threads in list(thread_pools):
        threads.leave(leave)


class LeavingCall:
    """What a thread of a forked child runs when its call has returned."""

    deadline = None
    job: Any = None
    context = contextvars.Context()


class PoolThread:
    """One thread of a pool.

    Attributes:
        running: what its user code runs for; None while it runs the host's
        held: what it runs for while the host's code runs that user code has called
        struck: whether an exception has been raised in it, or is held back
        owed: whether it is held back
        unreachable: whether exceptions no longer reach it
    """

    __slots__ = (
        "held",
        "ident",
        "leave",
        "lock",
        "native_id",
        "owed",
        "running",
        "struck",
        "unreachable",
    )

    def __init__(self) -> None:
        self.ident = 0
        self.native_id = 0
        self.lock = threading.Lock()
        self.running: Any = None
        self.held: Any = None
        self.leave: Callable[[], object] | None = None
        self.struck = False
        self.owed = False
        self.unreachable = False

    def interrupt(self, invocation: Any) -> bool:
        """Raise `DeadlineExceeded` in the thread if it still runs *invocation*."""
        with self.lock:
            if self.struck or (invocation is not self.running and invocation is not self.held):
                return False
            self.struck = True
            leave = self.leave
            self.owed = leave is not None
            if not (ATTENDED or self.owed):
                strikes.strike_once(self, invocation)
        if leave is not None:
            leave()
        elif ATTENDED:
            # Not under the lock: this thread may spin here until `strikes` clears the flag.
            strikes.add(self, invocation)
        return True

    def hold(self, invocation: Any, leave: Callable[[], object]) -> bool:
        """Keep exceptions back while the host's code runs in this thread.

        Args:
            invocation: what the user code runs for that has called the host
            leave: called, from another thread, if an exception is held back: ends what the host
                waits for

        Returns:
            whether `resume` must be called; not in another thread, nor if the host's code runs
            already

        Raises:
            DeadlineExceeded: an exception was on its way
        """
        if self.ident != threading.get_ident():
            return False
        with self.lock:
            if self.running is not invocation:
                return False
            self.running = None
            is_coming = self.struck and not strikes.have_delivered(self, invocation)
            if not is_coming:
                self.held, self.leave = invocation, leave
        if is_coming:
            self.unreachable = not absorb_deadline_strike()
            raise DeadlineExceeded
        return True

    def resume(self) -> None:
        """Return to the user code.

        Raises:
            DeadlineExceeded: this exception was held back; there is never a second one
        """
        with self.lock:
            invocation, self.held, self.leave = self.held, None, None
            owed, self.owed = self.owed, False
            if not owed:
                self.running = invocation
        if owed:
            raise DeadlineExceeded

    def run(self, invocation: Any, work: Work) -> Any:
        """Run *work* in the invocation's own context; None if it raises, which is written.

        A thread survives whatever a call raises.
        """
        invocation.job = self
        try:
            if invocation.deadline is None:
                return invocation.context.run(work, invocation)
            return invocation.context.run(self.guard, invocation, work)
        except BaseException as error:
            report_thread_error(error)
            return None

    def guard(self, invocation: Any, work: Work) -> Any:
        """Run *work*, interruptible from its first to its last line and no longer.

        Return what *work* returned, or None if the exception was raised outside of the
        function's own handler.
        """
        result = None
        try:
            try:
                self.running = invocation
                result = work(invocation)
            finally:
                with self.lock:
                    self.running = None
                    is_struck, self.struck = self.struck, False
                if is_struck:
                    self._absorb()
        except DeadlineExceeded:
            # It may have been raised at the very end. There is never a second one.
            with self.lock:
                self.running = None
                is_struck, self.struck = self.struck, False
            if is_struck:
                self._absorb()
        return result

    def _absorb(self) -> None:
        self.unreachable = not absorb_deadline_strike()


class HostCode:
    """Holds exceptions back, in a ``with`` statement, while user code waits for the host.

    Args:
        invocation: what the user code runs for; its ``job`` may be another thread or a task, and
            nothing is held back then
        leave: as for `PoolThread.hold`
    """

    __slots__ = ("_invocation", "_leave", "_thread")

    def __init__(self, invocation: Any, leave: Callable[[], object]) -> None:
        self._invocation = invocation
        self._leave = leave
        self._thread: PoolThread | None = None

    def __enter__(self) -> None:
        job = self._invocation.job
        if job.__class__ is PoolThread and job.hold(self._invocation, self._leave):
            self._thread = job

    def __exit__(self, *_error: object) -> None:
        if self._thread is not None:
            self._thread.resume()


class ThreadPool:
    """Threads for the calls that hold a slot: as many as needed, fewer when idle.

    The pool does not limit the calls; the slots do.

    Threads are woken one after the other: a thread that takes a call and leaves others behind
    sends the next thread to them before it begins. So a burst of short calls is done by one
    or two threads that stay awake, instead of by one thread for each call, which would be woken
    only to wait for the interpreter's lock. That saves a third of a call.
    """

    def __init__(self, name: str = "ffhost", idle_seconds: float = IDLE_SECONDS) -> None:
        thread_pools.add(self)
        self._name = name
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._calls: deque[_Call] = deque()
        self._idle: list[threading.Lock] = []
        self._coming = False  # a thread is on its way to the calls; it will send the next
        self._threads = 0
        self._made = 0

    @property
    def size(self) -> int:
        """Count the threads that exist."""
        return self._threads

    def submit(self, work: Work, invocation: Any, done: Done) -> None:
        """Run *work* on a thread, then *done* with its result; as for `Threads`."""
        call = work, invocation, done
        self._calls.append(call)
        if self._coming:
            return  # it says that it has come before it looks
        with self._lock:
            start = bool(self._calls) and not self._coming and self._send_one()
        if start:
            self._start(call)

    def leave(self, leave: Callable[..., None]) -> None:
        """Run *leave* when a call returns in a forked child; as for `Threads`."""
        self._lock = threading.Lock()
        self._calls = deque([(leave, LeavingCall(), leave)])
        self._coming = True

    def close(self) -> None:
        """End idle threads now; busy ones end after their call."""
        self._idle_seconds = 0.0
        with self._lock:
            while self._idle:
                self._idle.pop().release()

    def _send_one(self) -> bool:
        """Wake the thread that was idle for the shortest time; True if one must be started."""
        self._coming = True
        if self._idle:
            self._idle.pop().release()
            return False
        self._threads += 1
        self._made += 1
        return True

    def _start(self, own: _Call | None = None) -> None:
        """Start a thread. If none can be, and there is none, no call that waits will run.

        Raises:
            RuntimeError: *own* is one of them; the others are ended without a result
        """
        name = f"{self._name}-{self._made}"
        if ATTENDED:
            strikes.start()  # now, because at a deadline it may be the thread too many
        try:
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._coming = False
                self._threads -= 1
                stranded = [] if self._threads else list(self._calls)
                if stranded:
                    self._calls.clear()
            for _, invocation, done in (each for each in stranded if each is not own):
                done(invocation, None)
            if any(each is own for each in stranded):
                raise

    def _take(self, idle: threading.Lock, *, came: bool) -> _Call | None:
        """Take the next call; without one the thread counts as idle from here on."""
        calls = self._calls
        if self._coming and not came:
            try:
                return calls.popleft()
            except IndexError:  # whoever comes finds nothing, too
                pass
        start = False
        with self._lock:
            if came:
                self._coming = False
            try:
                call = calls.popleft()
            except IndexError:
                self._idle.append(idle)
                return None
            if calls and not self._coming:
                start = self._send_one()
        if start:
            self._start()
        return call

    def _wait(self, idle: threading.Lock) -> bool:
        """Wait to be woken; False if it is time to end."""
        if idle.acquire(timeout=self._idle_seconds):
            return True
        with self._lock:
            if idle in self._idle:
                self._idle.remove(idle)
                self._threads -= 1
                return False
        return idle.acquire()  # woken at the last moment

    def _leave(self) -> None:
        """Remove a thread that ends after its call, and send another to the calls that wait."""
        with self._lock:
            self._threads -= 1
            start = bool(self._calls) and not self._coming and self._send_one()
        if start:
            self._start()

    def _serve(self) -> None:
        worker = PoolThread()
        worker.ident = threading.get_ident()
        worker.native_id = threading.get_native_id()
        idle = threading.Lock()
        idle.acquire()
        call = self._take(idle, came=True)
        while True:
            if call is None:
                if not self._wait(idle):
                    return
                call = self._take(idle, came=True)
                continue
            work, invocation, done = call
            result = worker.run(invocation, work)
            # Idle before the end is reported: a call that follows at once finds this thread.
            call = None if worker.unreachable else self._take(idle, came=False)
            try:
                done(invocation, result)
            except BaseException as error:
                report_thread_error(error)
            # No reference to the call is kept while the thread waits for the next one.
            work = invocation = done = result = None  # type: ignore[assignment]
            if worker.unreachable:
                self._leave()
                return


def report_thread_error(error: BaseException) -> None:
    """Write an exception that left a call as that of a thread is written."""
    args: Any = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(args))
