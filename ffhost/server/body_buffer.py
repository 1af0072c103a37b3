"""A large body, read from the socket into the memory in which the function gets it.

Through the parser each byte is copied three times, into memory that the system hands out anew
for each piece. Here a body whose length is known is as long as that from the beginning, and the
socket writes into it.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any, Protocol


class ReadingConnection(Protocol):
    """A connection that reads by its parser before and after the body."""

    transport: Any

    def data_received(self, data: bytes) -> None:
        """Parse *data*."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""

    def eof_received(self) -> Any:
        """Take note that the client sends nothing more."""

    def pause_writing(self) -> None:
        """Wait: more is to be written than the client takes."""

    def resume_writing(self) -> None:
        """Write on."""

    def on_body_collected(self) -> None:
        """Continue after the body, with a new parser."""


class SocketBodyBuffer(asyncio.BufferedProtocol):
    """The protocol of a connection for as long as one body is read.

    The pages of its memory are taken from the system when the socket writes them: a client that
    announces much and sends little costs little.
    """

    def __init__(self, connection: ReadingConnection, length: int) -> None:
        self._connection = connection
        # Neither this nor `getvalue` copies: the file is the only owner of what it is made of.
        self._file = BytesIO(bytes(length))
        self._view = self._file.getbuffer()
        self._filled = 0
        self._parsed = 0

    def add(self, piece: bytes) -> None:
        """Append what the parser has read."""
        end = self._filled + len(piece)
        self._view[self._filled : end] = piece
        self._filled = self._parsed = end

    def begin(self) -> None:
        """Read in the place of the connection."""
        self._become(self)

    def end(self) -> None:
        """Return to the connection; its parser gets what it missed of an unfinished body."""
        transport = self._connection.transport
        if transport.get_protocol() is self and not transport.is_closing():
            self._become(self._connection)
            self._connection.data_received(bytes(self._view[self._parsed : self._filled]))
        self._view.release()  # a file in a cycle with its view cannot be closed by the collector

    def whole(self) -> bytes:
        """Return the body; reading must have ended, else it would be copied."""
        return self._file.getvalue()

    def _become(self, protocol: Any) -> None:
        transport = self._connection.transport
        transport.pause_reading()  # uvloop asks for the kind of the protocol when it begins to read
        transport.set_protocol(protocol)
        transport.resume_reading()

    # What the transport calls

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to write what arrives."""
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of what has arrived."""
        self._filled += nbytes
        if self._filled == len(self._view):
            self._become(self._connection)
            self._connection.on_body_collected()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connection.connection_lost(exc)

    def eof_received(self) -> Any:
        """Take note that the client sends nothing more."""
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        """Wait."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Write on."""
        self._connection.resume_writing()
