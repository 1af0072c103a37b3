"""What a thread waits on until another thread wakes it.

A thread that is woken by the release of a lock wants the interpreter, which its waker still has,
and sleeps again at once: a call and its answer take six switches between threads. A write to an
eventfd is made without the interpreter: two switches are enough, and a call by name is a sixth
faster. Where there is no eventfd, or there are too many already, it is a lock all the same.

A wait may end early: look for what was waited for, and wait again. So a signal that comes late, for
a wait that is over, does no harm.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from functools import partial
from typing import Protocol

MOST_EVENTS = 64
"""How many threads of a process wait on an eventfd; each takes two descriptors of often 1,024."""
LONGEST_SECONDS = 1e6
"""The longest wait. An epoll counts milliseconds in 32 bits."""


class ThreadSignal(Protocol):
    """Wakes the one thread that waits on it."""

    def wake(self) -> object:
        """End the present wait, or the next one; from any thread."""

    def wait(self, seconds: float, _most: int = 1, /) -> object:
        """Wait to be woken, for ever if *seconds* is negative; false if the time is over."""


class _Event:
    """An eventfd. Nobody reads it: each write to it ends one wait of the epoll."""

    made = 0

    def __init__(self) -> None:
        self._event = os.eventfd(0)
        _Event.made += 1
        epoll = select.epoll()
        epoll.register(self._event, select.EPOLLIN | select.EPOLLET)
        # Bound here: a method would cost each of them a Python call.
        self.wake = partial(os.eventfd_write, self._event, 1)
        self.wait = epoll.poll

    def __del__(self) -> None:
        # Not before the last reference is gone: the number may be a client's connection then.
        if hasattr(self, "_event"):
            _Event.made -= 1
            os.close(self._event)


class _Lock:
    """A lock that is free for as long as the signal is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # it is set
            return

    def wait(self, seconds: float, _most: int = 1, /) -> bool:
        return self._lock.acquire(timeout=seconds)


def make_thread_signal() -> ThreadSignal:
    """Make a signal for one thread to wait on."""
    if sys.platform == "linux" and _Event.made < MOST_EVENTS:
        try:
            return _Event()
        except OSError:  # no descriptor is left
            pass
    return _Lock()


class _OwnSignal(threading.local):
    def __init__(self) -> None:
        self.signal = make_thread_signal()


own = _OwnSignal()
"""Its attribute ``signal`` is what the present thread waits on."""


def _make_anew() -> None:
    # A forked child would wait on the epoll of its parent, and take what wakes the parent.
    global own
    own = _OwnSignal()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_make_anew)
