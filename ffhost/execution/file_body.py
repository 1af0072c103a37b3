"""A large file as one chunk of a stream: the thread of the call writes it into the socket itself.

The server's loop only lends its socket, and does nothing else with it meanwhile. The kernel copies
the file (``sendfile``), which costs a quarter of reading it and writing it; a slow disk holds up
nobody else; and a file that becomes shorter is an error, not a signal.

Where the server can tell by other means what the client takes, one call sends all: each call more
is a fight with other threads for the interpreter. The socket is blocking then, for the loop as
well, which must not read from it meanwhile.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from ffhost.errors import ResultError
from ffhost.signatures.file_parts import RequestFilePart

AVAILABLE = sys.platform == "linux"
"""Whether ``sendfile`` takes what is given to it here; elsewhere its arguments differ."""
_COPIED_BYTES = 64 * 1024
_UNSENT_BYTES = 256 * 1024
"""How much of a file may wait in the kernel to be sent, beside what is on its way.

Otherwise it takes up to 4 MiB, more than the processor's caches hold: 4 MiB cost a sixth more time
with 4 clients, and nearly twice as much with 16. A thread that waits in the kernel is woken soon
enough to keep a network busy.
"""
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What some file systems answer; their files are read and written."""


class FileBody:
    """The bytes of a file, between the thread that sends them and the loop that has the socket.

    Args:
        part: the file

    Attributes:
        sent: how many bytes have been written
        has_lost_client: whether the rest cannot be written because the client has left
    """

    def __init__(self, part: RequestFilePart) -> None:
        self.sent = 0
        self.has_lost_client = False
        self._part = part
        self._head = b""
        self._blocks = False
        self._poll = select.poll()
        self._socket: socket.socket | None = None
        self._done: Callable[[], object] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._lent = threading.Lock()
        self._lent.acquire()

    def __len__(self) -> int:
        return self._part.length

    # On the loop

    def begin(
        self, client: socket.socket, head: bytes, done: Callable[[], object], *, blocks: bool
    ) -> None:
        """Start to write *head* and the file into *client*, which is closed at the end.

        Args:
            client: a socket that does not block
            head: what comes before the file
            done: called at the end, on any thread
            blocks: whether the socket may be one that blocks until the end
        """
        with self._lock:
            self._done = done
            if not self._stopped:
                self._socket, self._head, self._blocks = client, head, blocks
                self._lent.release()
                return
        client.close()
        done()

    def stop(self) -> None:
        """Stop sending: nothing is written any more when this returns."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            if self._socket is None:
                if self._lent.locked():
                    self._lent.release()
            else:
                with suppress(OSError):  # the client has gone
                    self._socket.shutdown(socket.SHUT_RDWR)
            done = self._done
        if done is not None:
            done()

    # In the thread of the call

    def send(self) -> None:
        """Wait for the socket, and write the file into it; `return_socket` has to follow.

        Raises:
            ResultError: the file ends too early
            OSError: it cannot be read
        """
        self._lent.acquire()
        client = self._socket
        if client is None:
            return
        if self._blocks:
            _set_blocking(client, True)
        else:
            self._poll.register(client, select.POLLOUT)
        try:
            self._send_head(client)
            self._send_file(client.fileno())
        except (ConnectionError, TimeoutError):
            self.has_lost_client = True

    def _send_head(self, client: socket.socket) -> None:
        """Write the head into the packet that the file begins in."""
        while self._head and not self._stopped:
            try:
                self._head = self._head[client.send(self._head, socket.MSG_MORE) :]
            except BlockingIOError:
                self._poll.poll()

    def _send_file(self, client: int) -> None:
        send: Callable[[int, int, int, int], int] = os.sendfile
        while (left := len(self) - self.sent) and not self._stopped:
            try:
                sent = send(client, self._part.descriptor, self._part.start + self.sent, left)
            except BlockingIOError:
                self._poll.poll()
                continue
            except OSError as error:
                if send is _copy or error.errno not in _UNSUPPORTED:
                    raise
                send = _copy
                continue
            if not sent:
                raise ResultError(
                    f"a file that became shorter while it was sent: {left} of {len(self)} bytes "
                    "are missing"
                )
            self.sent += sent

    def return_socket(self) -> None:
        """Return the connection to the loop, which goes on."""
        with self._lock:
            client, self._socket = self._socket, None
            stopped, self._stopped = self._stopped, True
            if client is not None:
                if self._blocks:
                    _set_blocking(client, False)
                client.close()
        if self._done is not None and not stopped:
            self._done()


def _set_blocking(client: socket.socket, blocks: bool) -> None:
    """Make a TCP socket block, and keep little of what it has to send; or undo that."""
    os.set_blocking(client.fileno(), blocks)
    with suppress(OSError):  # the client has gone, or the system does not have it
        kept = _UNSENT_BYTES if blocks else 0
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, kept)


def _copy(client: int, file: int, position: int, count: int) -> int:
    """Write as ``sendfile`` does, for a file system that does not have it."""
    data = os.pread(file, min(count, _COPIED_BYTES), position)
    return os.write(client, data) if data else 0
