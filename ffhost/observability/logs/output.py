"""Output of whole entries into a file descriptor. Knows nothing of their content.

An entry is never mixed with other writes into the same pipe:

- one process: a lock, and one ``write`` an entry; an entry that is made while another is
  being written by the same thread (a signal handler, a finalizer) waits for its end.
- several processes: a POSIX record lock on the pipe or socket itself. Up to 4 KiB
  (PIPE_BUF) a write into a pipe is never torn, but it may still land in the middle of a
  longer one, so every write takes the lock. ``flock`` would not do: a descriptor that came
  through ``fork`` shares its lock with the parent. Record locks belong to the process, also
  to one that shares nothing with us but the pipe. Files and terminals need none: the kernel
  does one write after the other.

Entries may be held back for a moment, so that a busy host makes one write for many of them.
Any other entry, `flush`, the end of the interpreter and a fork write what is held first.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import stat
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from ffhost import _file_locks

_UNMADE_AT_MOST = 64
_HELD_FOR_SECONDS = 0.1

# One lock for all outputs: stdout and stderr may be the same pipe, and a record lock does
# not keep threads of one process apart.
_guard = threading.RLock()
_outputs: list[weakref.ref[LogOutput]] = []
"""All that are in use. `flush_log_outputs` runs after each call of an isolated function, and going
through a `WeakSet` would take it ten times as long."""


class LogOutput:
    """An output for entries: a file descriptor that is open for writing.

    A reader that has gone away, a full disk and a closed descriptor lose entries, which are
    counted in `lost`; a call never fails because of that.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.lost = 0
        # Few at a time: with thousands of objects the allocator would return memory to the system
        # and fetch it again, at ten times the cost of the rest.
        self._held = bytearray()
        self._unmade: deque[tuple[Callable[[Any], bytes], Any]] = deque()
        self._nested: list[bytes] = []
        self._writing = False
        self._flusher: threading.Thread | None = None
        self._wake = threading.Event()
        self._awake = False
        self._lock_descriptor, self._lock_file = _find_lock(descriptor)
        _outputs.append(weakref.ref(self, _outputs.remove))

    def write(self, entry: bytes) -> None:
        """Write *entry*, which ends with a newline, after the buffered entries."""
        with _guard:
            if self._writing:
                self._nested.append(entry)
                return
            self._write(entry)

    def hold(self, make: Callable[[Any], bytes], facts: Any) -> None:
        """Write what *make* makes of *facts* soon: within a fraction of a second, and before any
        later `write`.

        Entries are made together: made one by one between calls, each takes twice as long.
        """
        unmade = self._unmade
        unmade.append((make, facts))
        if len(unmade) >= _UNMADE_AT_MOST:
            self.flush()
        elif not self._awake:
            self._wake_flusher()

    def flush(self) -> None:
        """Write all buffered entries."""
        with _guard:
            if (self._unmade or self._held) and not self._writing:
                self._write(b"")

    def _write(self, entry: bytes) -> None:
        self._writing = True
        try:
            self._make()
            self._held.extend(entry)
            data = bytes(self._held)
            self._held.clear()
            self._write_locked(data)
            while self._nested:
                data = b"".join(self._nested)
                self._nested.clear()
                self._write_locked(data)
        finally:
            self._writing = False

    def _make(self) -> None:
        """Render the entries that are not rendered yet. Other threads may add more meanwhile."""
        unmade = self._unmade
        for _ in range(len(unmade)):
            make, facts = unmade[0]
            self._held.extend(make(facts))
            unmade.popleft()  # not before: an exception may be raised into this thread

    def _write_locked(self, data: bytes) -> None:
        lock = self._lock_descriptor
        if lock is None:
            self._write_whole(data)
            return
        try:
            try:
                _file_locks.lock_bytes(lock)
            except OSError:
                lock = None  # an entry that may be torn is better than none
            self._write_whole(data)
        finally:
            if lock is not None:
                with contextlib.suppress(OSError):
                    _file_locks.unlock_bytes(lock)

    def _write_whole(self, data: bytes) -> None:
        try:
            written = os.write(self.descriptor, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            if error.errno is None:  # not the write's: a TimeoutError raised into this thread
                raise
            self.lost += 1
            return
        if written < len(data):
            self._write_rest(memoryview(data)[written:])

    def _write_rest(self, rest: memoryview) -> None:
        # An exception that somebody raises in this thread (a deadline) waits for the end of
        # the entry, which would otherwise stay cut in the pipe.
        interrupted: BaseException | None = None
        while rest:
            try:
                rest = rest[os.write(self.descriptor, rest) :]
            except BlockingIOError:
                _wait_until_writable(self.descriptor)
            except BaseException as error:
                if isinstance(error, OSError) and error.errno is not None:
                    self.lost += 1
                    break
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _wake_flusher(self) -> None:
        self._awake = True
        if self._flusher is None:
            with _guard:
                if self._flusher is None and not self._start_flusher():
                    return
        self._wake.set()

    def _start_flusher(self) -> bool:
        flusher = threading.Thread(
            target=_flush_now_and_then, args=(weakref.ref(self),), name="ffhost-logs", daemon=True
        )
        try:
            flusher.start()
        except RuntimeError:  # the interpreter is ending, or the host has no thread left
            self._awake = False
            self.flush()
            return False
        self._flusher = flusher
        return True

    def _after_fork_in_child(self) -> None:
        self._held = bytearray()  # the parent writes these
        self._unmade = deque()
        self._nested = []
        self._writing = False
        self._flusher = None
        self._wake = threading.Event()
        self._awake = False


def _flush_now_and_then(reference: weakref.ref[LogOutput]) -> None:
    while True:
        output = reference()
        if output is None:
            return
        wake = output._wake
        del output  # do not keep an unused output alive
        if not wake.wait(60):
            continue
        time.sleep(_HELD_FOR_SECONDS)
        output = reference()
        if output is None:
            return
        wake.clear()
        # In this order: who adds after this wakes us again, what was added before is written.
        output._awake = False
        output.flush()


def flush_log_outputs() -> None:
    """Write all buffered entries of all outputs; for the end of a worker."""
    for reference in tuple(_outputs):
        output = reference()
        if output is not None:
            output.flush()


def _find_lock(descriptor: int) -> tuple[int | None, object]:
    """Return a descriptor to lock, and the file behind it if it is ours; None: not needed."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None, None
    if not (_file_locks.AVAILABLE and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))):
        return None, None
    try:
        if _file_locks.try_lock_bytes(descriptor):
            _file_locks.unlock_bytes(descriptor)
    except OSError:
        # Not every system can lock a pipe. An unnamed file that workers get through fork
        # keeps at least those apart.
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the output
        return file.fileno(), file
    return descriptor, None


def _wait_until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(1000)


def _before_fork() -> None:
    _guard.acquire()


def _after_fork_in_parent() -> None:
    _guard.release()


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.RLock()
    for reference in tuple(_outputs):
        output = reference()
        if output is not None:
            output._after_fork_in_child()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
atexit.register(flush_log_outputs)
