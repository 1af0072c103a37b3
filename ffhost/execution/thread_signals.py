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
from collections.abc import Callable
from functools import partial
from typing import Any

MOST_EVENTS = 64
"""How many threads of a process wait on an eventfd; each takes two descriptors of often 1,024."""
LONGEST_SECONDS = 1e6
"""The longest wait. An epoll counts milliseconds in 32 bits."""


class ThreadSignal:
    """Wakes the one thread that waits on it: a lock that is free while the signal is set.

    Attributes:
        wake: ends the present wait, or the next one; RuntimeError if that has been done
        wait: waits for *timeout* seconds, or for ever if that is negative; false if they are over
    """

    # Functions of C and no methods, each of which would cost a Python call.
    wake: Callable[[], object]
    wait: Callable[..., Any]

    def __init__(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        self.wake, self.wait = lock.release, lock.acquire


class _EventSignal(ThreadSignal):
    """An eventfd. Nobody reads it: each write to it ends one wait of the epoll."""

    made = 0
    _close = staticmethod(os.close)

    def __init__(self) -> None:
        self._event = os.eventfd(0)
        _EventSignal.made += 1
        epoll = select.epoll()
        epoll.register(self._event, select.EPOLLIN | select.EPOLLET)
        self.wake, self.wait = partial(os.eventfd_write, self._event, 1), epoll.poll

    def __del__(self) -> None:
        # Not before the last reference is gone: the number may be a client's connection then. The
        # names of this module may be gone, too: the process is exiting.
        if hasattr(self, "_event"):
            type(self).made -= 1
            self._close(self._event)


class OwnSignals(threading.local):
    """A signal for each thread.

    Attributes:
        signal: what the present thread waits on
    """

    def __init__(self) -> None:
        self.signal = ThreadSignal()


class _OwnEvents(OwnSignals):
    def __init__(self) -> None:
        self.signal = _make_event_signal()


def _make_event_signal() -> ThreadSignal:
    if sys.platform == "linux" and _EventSignal.made < MOST_EVENTS:
        try:
            return _EventSignal()
        except OSError:  # no descriptor is left
            pass
    return ThreadSignal()


own_locks = OwnSignals()
own_events: OwnSignals = _OwnEvents()


def _wait_for_nothing_of_the_parent() -> None:
    # A forked child would wait on the epoll of its parent, and take what wakes the parent.
    own_events.signal = ThreadSignal()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_wait_for_nothing_of_the_parent)
