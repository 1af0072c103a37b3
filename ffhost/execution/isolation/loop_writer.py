"""Writing to a socket from the event loop: at once what it takes, the rest when it has room."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable


class LoopWriter:
    """Writes to one socket that does not block.

    Args:
        failed: called with the error if the rest cannot be written

    Attributes:
        rest: what is still to be written
    """

    __slots__ = ("_failed", "_loop", "_socket", "rest")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: socket.socket,
        failed: Callable[[OSError], object],
    ) -> None:
        self._loop = loop
        self._socket = socket
        self._failed = failed
        self.rest: list[memoryview] = []

    def write(self, data: bytes) -> None:
        """Write *data* after all that was written before; for packets, one packet.

        Raises:
            OSError: the other side is gone
        """
        if self.rest:
            self.rest.append(memoryview(data))
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.rest = [memoryview(data)[sent:]]
            self._loop.add_writer(self._socket, self._write_rest)

    def _write_rest(self) -> None:
        rest = self.rest
        try:
            while rest:
                sent = self._socket.send(rest[0])
                rest[0] = rest[0][sent:]
                if not rest[0]:
                    del rest[0]
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(error)
            return
        self._loop.remove_writer(self._socket)

    def stop(self) -> None:
        """Write no more; the socket stays open."""
        if self.rest:
            self.rest = []
            self._loop.remove_writer(self._socket)
