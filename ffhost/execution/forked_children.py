"""Processes that user code forks from one that runs functions: they keep nothing of the server.

A forked child would hold the server's sockets: the port would stay taken after the server has
ended, and a client would wait for the end of its connection. It would have the server's signal
handlers: `Process.terminate` would do nothing. And a function that returns in the child
would go on in a copy of the server.

So signals are blocked while Python forks, for one that came before the child is ready would be
handled as in the server. In the child ``/dev/null`` takes the place of the sockets, handlers are
the default ones, and the child ends when its function returns.

Programs (`subprocess`, `os.posix_spawn`) inherit nothing of that in the first place.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import socket
import stat
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from ffhost.execution.threads import leave_thread_pools
from ffhost.invocation.call import Call

_HANDLED = tuple(
    getattr(signal, f"SIG{name}")
    for name in ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH", "ABRT", "CHLD"]
    if hasattr(signal, f"SIG{name}")
)
"""Signals that a server handles."""
_FOLDERS = ("/proc/self/fd", "/dev/fd")
"""Where a system lists the descriptors of a process."""
_AS_IT_IS = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)
"""The type to make an object of somebody's socket with: for any other Python would make the socket
itself non-blocking if user code has called `socket.setdefaulttimeout`."""

_masks = threading.local()
_addresses: set[Any] = set()
"""What the server listens on: ports, and paths of unix sockets."""
_descriptors: set[int] = set()
_binds_late = False
_loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
_registered_in = 0
"""The process that the children are forked from; hooks cannot be removed in other ones."""


def separate_forked_children(descriptors: Iterable[int] = (), *, binds_late: bool = False) -> None:
    """Keep the server's sockets and handlers from children that are forked from now on.

    Only the first call in a process counts.

    Args:
        descriptors: those that no child may keep, beside sockets that are bound now and
            what they accept
        binds_late: whether the server may bind after this; if nothing is bound now, whatever
            listens when a child is forked counts as the server's
    """
    global _registered_in, _binds_late
    if not hasattr(os, "register_at_fork") or _registered_in == os.getpid():
        return
    if not _registered_in:
        os.register_at_fork(before=_before, after_in_parent=_restore_mask, after_in_child=_in_child)
    _registered_in, _binds_late = os.getpid(), binds_late
    _descriptors.clear()
    _descriptors.update(descriptors)
    _addresses.clear()
    _addresses.update(_bound_addresses())


def end_forked_child(loop: asyncio.AbstractEventLoop) -> None:
    """End a child that is forked on *loop* when it comes back to the loop."""
    _loops.add(loop)


def _before() -> None:
    _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _restore_mask() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _in_child() -> None:
    global _registered_in
    try:
        if _registered_in == os.getppid():
            _registered_in = -1
            _close_sockets()
            _set_default_handlers()
            _leave_when_it_returns()
    finally:
        _restore_mask()


def _set_default_handlers() -> None:
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        if callable(signal.getsignal(number)):
            default = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if default else signal.SIG_DFL)


def _close_sockets() -> None:
    if _binds_late and not _addresses:
        _addresses.update(_address(each) for each in _sockets() if _listens(each))
    null = os.open(os.devnull, os.O_RDWR)
    ours = [each.fileno() for each in _sockets() if _is_servers(each)]
    for descriptor in (*ours, *_descriptors):
        with suppress(OSError):
            os.fstat(descriptor)  # or it would be opened
            os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def _leave_when_it_returns() -> None:
    leave_thread_pools(_leave)
    Call.end = _leave  # type: ignore[method-assign]
    for loop in list(_loops):
        _forget_events(loop)
        with suppress(RuntimeError):
            loop.call_soon(_leave)
        _leave_after_step(asyncio.current_task(loop))


def _leave_after_step(task: asyncio.Task[Any] | None) -> None:
    """End the child as soon as the running step of *task* is over, be it at an ``await``.

    libuv shares a ring of io_uring with the parent, in memory that a fork does not copy. One turn
    of the child's loop would write into it, and the parent would abort.
    """
    outermost = None if task is None else getattr(task.get_coro(), "cr_frame", None)
    here: FrameType | None = sys._getframe()
    while here is not None and here is not outermost:
        if here.f_globals.get("__name__") == "multiprocessing.popen_fork":
            return  # its child ends there, and is not to be slowed down
        here = here.f_back
    if here is None:  # forked by another thread, or by a callback
        return

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "return" and frame is outermost:
            _leave()

    sys.setprofile(watch)


def _forget_events(loop: Any) -> None:
    """Keep a loop from what its copy in the parent waits for: it would take that away."""
    if not hasattr(select, "epoll"):
        return
    with suppress(KeyError, TypeError, ValueError, OSError), select.epoll() as nothing:
        own = getattr(loop, "_get_backend_id", None) or vars(loop)["_selector"].fileno
        os.dup2(nothing.fileno(), own(), inheritable=False)


def _leave(*_arguments: object, **_named: object) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)


def _sockets() -> Iterator[socket.socket]:
    """Yield each stream socket of this process; it is not closed."""
    folder = next((each for each in _FOLDERS if os.path.isdir(each)), None)
    for name in [] if folder is None else os.listdir(folder):
        with suppress(OSError, ValueError):
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            each = socket.socket(type=_AS_IT_IS, fileno=int(name))
            try:
                if each.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM:
                    yield each
            finally:
                each.detach()


def _address(each: socket.socket) -> Any:
    """Return the port or the path that *each* is bound to; None if it is not bound."""
    name = each.getsockname()
    return (name[1] if isinstance(name, tuple) else name) or None


def _bound_addresses() -> Iterator[Any]:
    """Yield the address of each socket that is bound and not connected: it listens or will.

    Other threads go on meanwhile: they close connections, and their descriptors are used again.
    """
    for each in _sockets():
        with suppress(OSError):
            address = _address(each)
            if address is not None and not _is_connected(each):
                yield address


def _is_connected(each: socket.socket) -> bool:
    try:
        each.getpeername()
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return False
        raise
    return True


def _listens(each: socket.socket) -> bool:
    return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _is_servers(each: socket.socket) -> bool:
    """Whether *each* listens for the server, or was accepted by it."""
    return _address(each) in _addresses
