"""A client for large answers that costs less than the server which sends them.

``wrk`` copies an answer out of the kernel in pieces of 8 KiB and looks at each byte: for 10 MiB
that is twice what a server needs to send them, so it would measure itself. This one lets the
kernel throw a body away where it lies (Linux; elsewhere it is copied in large pieces), and is
woken only when much of it has come.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.load import LoadError

_WOKEN_AT_BYTES = 256 * 1024
_DISCARD = socket.MSG_TRUNC if sys.platform == "linux" else 0
_PATIENCE_SECONDS = 10


class Answers(NamedTuple):
    """What came: how many whole answers, and within how many seconds."""

    count: int
    seconds: float


class _Client:
    """One connection, which asks again as soon as it has an answer."""

    def __init__(self, connection: socket.socket, request: bytes) -> None:
        self._socket = connection
        self._request = request
        self._buffer = bytearray(1024 * 1024)
        self._left = 0
        self._ask()

    def _ask(self) -> None:
        self._wake_at(1)
        self._socket.sendall(self._request)

    def _wake_at(self, size: int) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def read(self) -> bool:
        """Take what has come; return whether an answer is complete.

        Raises:
            LoadError: an answer was no 2xx, or is cut off
        """
        if not self._left:
            self._left = self._read_head()
        else:
            most = min(self._left, len(self._buffer))
            taken = self._socket.recv_into(self._buffer, most, _DISCARD)
            if not taken:
                raise LoadError(f"an answer ends {self._left} bytes too early")
            self._left -= taken
        if self._left:
            self._wake_at(min(self._left, _WOKEN_AT_BYTES))
            return False
        self._ask()
        return True

    def _read_head(self) -> int:
        """Take the head alone; return the length of the body."""
        begin = self._socket.recv(4096, socket.MSG_PEEK)
        head, end, _ = begin.partition(b"\r\n\r\n")
        if not end or not head.startswith(b"HTTP/1.1 2"):
            raise LoadError(f"the answer was {begin[:60]!r}")
        self._socket.recv(len(head) + len(end))
        return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def ask(url: str, connections: int, seconds: float) -> Answers:
    """Ask *url* for large answers, on all connections at once.

    Raises:
        LoadError: an answer was no 2xx, is cut off, or none came
    """
    where = urlsplit(url)
    request = f"GET {where.path or '/'} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    address = (where.hostname or "", where.port or 80)
    count, begun = 0, time.perf_counter()
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection(address, timeout=10))
            selector.register(connection, selectors.EVENT_READ, _Client(connection, request))
        while (now := time.perf_counter()) < begun + seconds:
            ready = selector.select(_PATIENCE_SECONDS)
            if not ready:
                raise LoadError(f"{url} did not answer for {_PATIENCE_SECONDS} s")
            for key, _ in ready:
                count += key.data.read()
    if not count:
        raise LoadError(f"{url} did not answer")
    return Answers(count, now - begun)
