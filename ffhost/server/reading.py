"""Connections of the wsgi interface: what has arrived, and how long more may take.

A connection belongs to the worker's loop while its client is slow or idle, and to a thread
only from the moment when the head of a request is complete. So nobody holds a thread by
sending half a header. The body is read by the thread, at most until the same deadline.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader

from ffhost.server.listeners import Kind
from ffhost.server.worker import now

HEAD_LIMIT = 256 * 1024
_READ_SIZE = 64 * 1024
_END = b"\r\n\r\n"


class BodyReader(SocketUnreader):  # type: ignore[misc]
    """What a thread reads the body from; raises TimeoutError when the time is over."""

    deadline = float("inf")

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read what is there, or wait for it until the deadline."""
        left = self.deadline - now()
        if left <= 0:
            raise TimeoutError("the request did not arrive in time")
        if left == float("inf"):
            data: bytes = super().chunk(size_hint)
            return data
        self.sock.settimeout(left)
        try:
            data = super().chunk(size_hint)
        finally:
            self.sock.settimeout(None)
        return data


class ClientConnection:
    """One connection, its parser, and the bytes of a request whose head is not complete."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, kind: Kind) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.kind = kind
        self.sockname = sock.getsockname()
        self.parser = RequestParser(cfg, sock, client)
        self.parser.unreader = self.body = BodyReader(sock)
        self.head = bytearray()
        self._searched = 0

    def receive(self) -> bool:
        """Take what has arrived; False if the client has left."""
        try:
            data = self.sock.recv(_READ_SIZE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._add(data)
        return bool(data)

    def _add(self, data: bytes) -> None:
        if self.head:
            self.head += data
        else:
            # RFC 9112, section 2.2: empty lines before a request are to be ignored.
            self.head = bytearray(data.lstrip(b"\r\n"))

    def take_rest(self) -> None:
        """Begin the next request with what a thread has read too much."""
        self._searched = 0
        self.head = bytearray()
        rest = self.parser.unreader.take_buffered()
        if rest:
            self._add(rest)

    @property
    def is_complete(self) -> bool:
        """Whether the head has its end."""
        if self.head.find(_END, self._searched) >= 0:
            return True
        self._searched = max(0, len(self.head) - len(_END) + 1)
        return False

    @property
    def is_malformed(self) -> bool:
        """Whether an incomplete head can have no end: a parser would wait for one.

        It has a bare line feed (RFC 9112, section 2.2), or begins with a byte that is no text,
        as TLS does.
        """
        return bool(self.head) and (
            self.head[0] < 0x20 or self.head.count(b"\n") != self.head.count(b"\r\n")
        )

    @property
    def is_too_large(self) -> bool:
        """Whether the head is longer than any that is read."""
        return len(self.head) > HEAD_LIMIT

    def hand_over(self, deadline: float) -> None:
        """Give what has arrived to the parser; the rest is to be there by *deadline*."""
        self.body.deadline = deadline
        self.parser.unreader.unread(bytes(self.head))


class Threads:
    """The threads that answer; as many as are asked for, all alike, from the start on."""

    def __init__(self, count: int) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._run, name=f"ffhost-server-{number}", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> None:
        """Have *job*, which raises nothing, run by the next thread that is free."""
        self._work.put(job)

    def _run(self) -> None:
        while True:
            self._work.get()()

    def shutdown(self, wait: bool = True) -> None:
        """Do nothing: the threads end with the process."""
