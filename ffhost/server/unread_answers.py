"""Answers that clients do not take: how much of one is left, and what ends it.

What a client has not taken is in the transport's buffer and in the kernel's. The first alone
says little: uvloop's falls in steps of more than a megabyte, because the kernel takes that much
at once. Together they fall with each packet that the client acknowledges, unless more is written
meanwhile. So the system is asked, too, how much was acknowledged in all.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from ffhost.config.units import UNLIMITED

_LOOKS = 8
"""How many times one looks while nothing is taken: it is noticed an eighth too late at most."""
_LEAST_PAUSE_SECONDS = 0.05
_RESET = struct.pack("ii", 1, 0)
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_ACKNOWLEDGED = struct.Struct("120xQ")
"""Where Linux has ``tcpi_bytes_acked`` in its ``tcp_info``."""


class WritingConnection(Protocol):
    """A connection that writes."""

    transport: Any
    file: Any
    """What a thread writes into the socket by itself, with a count `sent`; mostly None."""

    def on_all_taken(self) -> None:
        """Continue: the client has taken everything."""

    def on_nothing_taken(self, unsent_bytes: int) -> None:
        """End: the client has taken nothing for too long."""


class _Left(NamedTuple):
    """What changes whenever the client takes something, and since when it has not.

    Args:
        measure: the unsent bytes, less what a thread has written meanwhile
        taken: what the client has acknowledged, as far as the system tells
        since: on the loop's clock
    """

    measure: float
    taken: int
    since: float


class UnreadSocketAnswers:
    """Connections whose client has something to take. There is a timer only while there are any.

    Args:
        loop: whose clock counts
        seconds: how long a client may take nothing; `UNLIMITED` switches it off
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.is_bounded = seconds != UNLIMITED
        self._loop = loop
        self._seconds = seconds
        self._pause = max(_LEAST_PAUSE_SECONDS, seconds / _LOOKS)
        self._left: dict[WritingConnection, _Left] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._left)

    def watch(self, connection: WritingConnection) -> None:
        """Watch *connection* until its client has taken everything; it has just made progress."""
        if not self.is_bounded:
            return
        # The first look takes the measure.
        self._left[connection] = _Left(UNLIMITED, 0, self._loop.time())
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._look)

    def forget(self, connection: WritingConnection) -> None:
        """Stop watching *connection*."""
        self._left.pop(connection, None)

    def _look(self) -> None:
        self._timer = None
        for connection, left in list(self._left.items()):
            self._look_at(connection, left)
        if self._left and self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._look)

    def _look_at(self, connection: WritingConnection, left: _Left) -> None:
        now, unsent = self._loop.time(), unsent_socket_bytes(connection.transport)
        measure = unsent - (connection.file.sent if connection.file else 0)
        taken = taken_socket_bytes(connection.transport.get_extra_info("socket"))
        if not unsent and connection.file is None:
            del self._left[connection]
            connection.on_all_taken()
        elif measure < left.measure or taken > left.taken or not unsent:
            self._left[connection] = _Left(measure, taken, now)
        elif now - left.since >= self._seconds:
            del self._left[connection]
            connection.on_nothing_taken(unsent)


def unsent_socket_bytes(transport: Any) -> int:
    """Count what the client has not taken, in the transport's buffer and in the kernel's."""
    waiting: int = transport.get_write_buffer_size()
    return waiting + _in_kernel(transport.get_extra_info("socket"))


def _in_kernel(connection: Any) -> int:
    if connection is None:
        return 0
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):  # it is closed, or the system does not count
        return 0
    count: int = struct.unpack("i", answer)[0]
    return count


def taken_socket_bytes(connection: Any) -> int:
    """Count what the client of a socket has taken since it connected; 0 if the system does not."""
    if connection is None or _TCP_INFO is None:
        return 0
    try:
        answer = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKNOWLEDGED.size)
        count: int = _ACKNOWLEDGED.unpack(answer)[0]
    except (OSError, ValueError, struct.error):  # it is closed, or the system does not count
        return 0
    return count


def reset_connection(transport: Any) -> None:
    """Close at once. Otherwise the kernel keeps megabytes for a client that does not read."""
    connection = transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
