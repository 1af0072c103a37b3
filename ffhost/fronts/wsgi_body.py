"""A reader for the bodies of WSGI requests, limited in size, and under gunicorn in time.

WSGI servers do not limit how long a body may take: a client that sends a byte now and then
would occupy a thread of the server for ever. gunicorn puts the socket of a request into the
environ. When the time is over, its reading side is shut down, and whoever reads finds the end.
A timeout of the socket is not enough: it begins again with every byte.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from ffhost.config.units import UNLIMITED
from ffhost.errors import BadRequest, ContentTooLarge, RequestTimeout

Environ: TypeAlias = dict[str, Any]

_SOCKET = "gunicorn.socket"
_READ_SIZE = 64 * 1024
_LARGE_READ_SIZE = 1024 * 1024
_CLOSE = {"Connection": "close"}


def read_wsgi_body(environ: Environ, limit: float, seconds: float) -> bytes:
    """Read the whole body, with or without a length.

    Args:
        limit: the most bytes that a body may have
        seconds: how long it may take; only enforced under gunicorn

    Raises:
        ContentTooLarge: it is longer than *limit* bytes
        RequestTimeout: it did not arrive within *seconds*
        BadRequest: the client left, or its framing is wrong
    """
    declared = environ.get("CONTENT_LENGTH")
    if declared:
        if not declared.isdecimal():
            raise BadRequest("Content-Length is not a number")
        length = int(declared)
        if length > limit:
            raise _too_large(limit)
        if not length:
            return b""
        with _in_time(environ, seconds):
            return _of_length(environ, length)
    if environ.get("HTTP_TRANSFER_ENCODING"):
        with _in_time(environ, seconds):
            return _to_the_end(environ, limit)
    return _to_the_end(environ, limit) if environ.get("wsgi.input_terminated") else b""


def _of_length(environ: Environ, length: int) -> bytes:
    body = b"".join(_chunks(environ, length, length))
    if len(body) < length:
        raise BadRequest("the client left while it sent the request")
    return body


def _to_the_end(environ: Environ, limit: float) -> bytes:
    chunks, length = [], 0
    for chunk in _chunks(environ, None, limit):
        length += len(chunk)
        if length > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _chunks(environ: Environ, length: int | None, limit: float) -> Iterator[bytes]:
    """Read *length* bytes, or to the end, but one more than *limit* at most.

    A server may wait until it has all that was asked for, so no more is asked for than counts.
    """
    stream = environ["wsgi.input"]
    size, left = (_READ_SIZE, limit + 1) if length is None else (_LARGE_READ_SIZE, length)
    try:
        while left > 0:
            chunk = stream.read(int(min(left, size)))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
    except TimeoutError as error:
        raise _too_late() from error
    except Exception as error:
        # Servers raise exceptions of their own for chunks that are cut or malformed.
        raise BadRequest("the body could not be read to its end") from error


def _too_large(limit: float) -> ContentTooLarge:
    return ContentTooLarge(f"the body is larger than {limit:.0f} bytes", headers=_CLOSE)


def _too_late() -> RequestTimeout:
    return RequestTimeout("the request did not arrive in time", headers=_CLOSE)


@contextmanager
def _in_time(environ: Environ, seconds: float) -> Iterator[None]:
    """Shut the reading side of the connection down if the block takes longer than *seconds*."""
    connection = environ.get(_SOCKET)
    if connection is None or seconds == UNLIMITED:
        yield
        return
    reading = slow_bodies.add(connection, seconds)
    try:
        yield
    except BadRequest as error:
        if reading.late:
            raise _too_late() from error
        raise
    finally:
        slow_bodies.discard(reading)


class _Reading:
    """One body that is being read."""

    __slots__ = ("connection", "deadline", "late")

    def __init__(self, connection: Any, seconds: float) -> None:
        self.connection = connection
        self.deadline = time.monotonic() + seconds
        self.late = False

    def end(self) -> None:
        """Shut the reading side, so that whoever reads finds the end of the connection."""
        self.late = True
        with suppress(OSError):
            # Not the method of a TLS socket, which would answer in plain text afterwards.
            socket.socket.shutdown(self.connection, socket.SHUT_RD)


class SlowWsgiBodies:
    """The bodies that are being read in this process. Its thread runs only while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readings: set[_Reading] = set()
        self._watching = False

    def add(self, connection: Any, seconds: float) -> _Reading:
        """End the reading from *connection* after *seconds*, unless it is discarded before."""
        reading = _Reading(connection, seconds)
        with self._lock:
            self._readings.add(reading)
            start, self._watching = not self._watching, True
        if start:
            interval = max(0.05, min(1.0, seconds / 4))
            threading.Thread(
                target=self._watch, args=(interval,), name="ffhost-bodies", daemon=True
            ).start()
        return reading

    def discard(self, reading: _Reading) -> None:
        """Stop watching the connection of *reading*: it may be used for another request."""
        with self._lock:
            self._readings.discard(reading)

    def _watch(self, interval: float) -> None:
        while True:
            time.sleep(interval)
            now = time.monotonic()
            with self._lock:
                if not self._readings:
                    self._watching = False
                    return
                for reading in self._readings:
                    if now >= reading.deadline and not reading.late:
                        reading.end()


slow_bodies = SlowWsgiBodies()
