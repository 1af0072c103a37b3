"""The frames that go between the host and the processes of isolated functions.

A frame is a prefix of fixed size, a head and a body of bytes. The prefix holds the lengths,
the number of the call, the kind of the frame and its direction. An answer has number and
direction of what it answers, so that none can reach another call.

Heads of answers are JSON: the host never unpickles what a function's process has sent. Memory
corrupted by an extension must not harm the host, and neither must an exception that cannot
be unpickled. Heads from the host, which its processes trust, are what `marshal` makes: it is
five times as fast.

Nothing here reads a socket.
"""

from __future__ import annotations

import json
import marshal
import struct
from typing import Any, NamedTuple

LOAD, START, CALL, LOGS, STOP, ANSWER = range(1, 7)
"""The kinds of frames."""
TO_PROCESS, TO_HOST = 1, 2
"""The directions: who is asked. An answer to the host's call goes back in ``TO_PROCESS``."""

PIECE_BYTES = 8 << 10
"""How much is read and written at once; a call and its answer seldom have more."""
LARGEST_PIECE_BYTES = 1 << 20
"""How much is read at once of a large body."""
LARGEST_HEAD_BYTES = 16 << 20
LARGEST_BODY_BYTES = 256 << 20
"""How large an answer may be. It is in the host's memory as a whole."""

_PREFIX = struct.Struct("!BBQIQ")
to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_read_json = json.JSONDecoder().raw_decode


class Misfit(ConnectionError):
    """Bytes that are not the frame that was awaited; nothing more can be read after them."""


class Frame(NamedTuple):
    """One frame as it arrived."""

    kind: int
    direction: int
    call: int
    head: bytes
    body: bytes

    def trusted_head(self) -> Any:
        """Return the head of a frame from the host."""
        return marshal.loads(self.head)

    def json_head(self) -> Any:
        """Return the head of a frame from a process.

        Raises:
            Misfit: it is not JSON
        """
        try:
            return _read_json(self.head.decode())[0]
        except (ValueError, RecursionError) as error:
            raise Misfit("the head of a frame is not JSON") from error


def start_of(kind: int, call: int, head: bytes, body_length: int) -> bytes:
    """Return a frame of a call of the host, or its answer, without its body."""
    return _PREFIX.pack(kind, TO_PROCESS, call, len(head), body_length) + head


class FrameReader:
    """Makes frames of the pieces that a socket delivers, one frame at a time.

    Each side sends only when the other waits for it, so a frame never begins in the piece in
    which another ends.
    """

    __slots__ = ("_frame", "_missing", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._missing = 0
        self._frame: Frame | None = None
        """The frame whose body is still to come."""

    @property
    def piece_bytes(self) -> int:
        """Return how much to read next."""
        return min(max(self._missing, PIECE_BYTES), LARGEST_PIECE_BYTES)

    def feed(self, data: bytes) -> Frame | None:
        """Return the frame that *data* completes, or None if there is more to come.

        Raises:
            Misfit: it is not a frame, it is too large, or something follows it
        """
        if self._frame is not None:
            self._pieces.append(data)
            self._missing -= len(data)
            return self._whole() if self._missing <= 0 else None
        if self._pieces:
            data = b"".join([*self._pieces, data])
        if len(data) < _PREFIX.size:
            self._keep(data, _PREFIX.size)
            return None
        kind, direction, call, head_length, body_length = _PREFIX.unpack_from(data)
        begun = _PREFIX.size + head_length
        if len(data) == begun + body_length and not self._pieces:
            return Frame(kind, direction, call, data[_PREFIX.size : begun], data[begun:])
        if head_length > LARGEST_HEAD_BYTES or body_length > LARGEST_BODY_BYTES:
            raise Misfit("a frame is too large")
        if len(data) < begun:
            self._keep(data, begun)
            return None
        self._frame = Frame(kind, direction, call, data[_PREFIX.size : begun], b"")
        self._pieces, self._missing = [data[begun:]], begun + body_length - len(data)
        return self._whole() if self._missing <= 0 else None

    def _keep(self, data: bytes, wanted: int) -> None:
        self._pieces, self._missing = [data], wanted - len(data)

    def _whole(self) -> Frame:
        frame, body, excess = self._frame, b"".join(self._pieces), self._missing
        self._frame, self._pieces, self._missing = None, [], 0
        if excess or frame is None:
            raise Misfit("something follows a frame")
        return frame._replace(body=body)
