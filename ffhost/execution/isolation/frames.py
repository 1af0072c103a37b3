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

import orjson

LOAD, START, CALL, LOGS, STOP, ANSWER, CANCEL, STREAM, CHUNK, MORE = range(1, 11)
"""The kinds of frames.

A process may send CALL, ANSWER and CANCEL. Before the answer of a call that streams it sends STREAM
with the head, and a CHUNK for each chunk. A host sends MORE when chunks have been read, CANCEL when
nobody reads them any longer, and all others but STREAM and CHUNK.
"""
TO_PROCESS, TO_HOST = 1, 2
"""The directions: who is asked. An answer to the host's call goes back in ``TO_PROCESS``."""

PACKET_BYTES = 32 << 10
"""How much the host sends to a process at once; a process takes a packet as a whole."""
PIECE_BYTES = 8 << 10
"""How much is read and written at once; a call and its answer seldom have more."""
LARGEST_PIECE_BYTES = 1 << 20
"""How much is read at once of a large body."""
LARGEST_HEAD_BYTES = 16 << 20
LARGEST_BODY_BYTES = 256 << 20
"""How large an answer may be. It is in the host's memory as a whole."""

WINDOW_BYTES = 256 * 1024
"""How many bytes of chunks may be on their way: a process sends the next one while there are fewer.

As many as a stream of a thread may be ahead of its client.
"""
CHUNK_COST_BYTES = 64
"""What each chunk counts beside its bytes, so that empty ones are bounded too."""

_PREFIX = struct.Struct("!BBQIQ")
_write_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class FrameMisfit(ConnectionError):
    """Bytes that are not the frame that was awaited; nothing more can be read after them."""


class ProcessFrame(NamedTuple):
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
            return orjson.loads(self.head)
        except ValueError:  # text that is not Unicode, such as a path, is read by the other one
            pass
        try:
            return json.loads(self.head)
        except (ValueError, RecursionError) as error:
            raise FrameMisfit("the head of a frame is not JSON") from error


def frame_head_as_json(head: Any) -> bytes:
    """Return *head* as JSON, which may hold text that is not Unicode, such as a path."""
    try:
        return orjson.dumps(head)
    except TypeError:
        return _write_json(head).encode()


def number_in_frame(start: bytes) -> int:
    """Return the number of the call in the *start* of a frame."""
    return int.from_bytes(start[2:10], "big")


def frame_without_body(
    kind: int, call: int, head: bytes, body_length: int, direction: int = TO_PROCESS
) -> bytes:
    """Return a frame without its body.

    Args:
        call: the number of the call, which the side that asks has chosen
    """
    return _PREFIX.pack(kind, direction, call, len(head), body_length) + head


class ProcessFrameReader:
    """Makes frames of the pieces that a socket delivers, one frame at a time.

    Attributes:
        rest: what followed the last frame in its piece; to be fed before anything else is
        piece_bytes: how much to read next
    """

    __slots__ = ("_frame", "_missing", "_pieces", "piece_bytes", "rest")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._missing = 0
        self._frame: ProcessFrame | None = None
        """The frame whose body is still to come."""
        self.rest = b""
        self.piece_bytes = PIECE_BYTES

    def feed(self, data: bytes) -> ProcessFrame | None:
        """Return the frame that *data* completes, or None if there is more to come.

        Raises:
            Misfit: it is not a frame, or it is too large
        """
        if self._frame is not None:
            return self._feed_body(self._frame, data)
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces = []
            self._await(0)
        if len(data) < _PREFIX.size:
            self._keep(data, _PREFIX.size)
            return None
        kind, direction, call, head_length, body_length = _PREFIX.unpack_from(data)
        begun = _PREFIX.size + head_length
        end = begun + body_length
        if len(data) >= end:
            if len(data) > end:
                self.rest = data[end:]
            return ProcessFrame(kind, direction, call, data[_PREFIX.size : begun], data[begun:end])
        if head_length > LARGEST_HEAD_BYTES or body_length > LARGEST_BODY_BYTES:
            raise FrameMisfit("a frame is too large")
        if len(data) < begun:
            self._keep(data, begun)
            return None
        frame = ProcessFrame(kind, direction, call, data[_PREFIX.size : begun], b"")
        self._missing = body_length
        return self._feed_body(frame, data[begun:])

    def _keep(self, data: bytes, wanted: int) -> None:
        self._pieces = [data]
        self._await(wanted - len(data))

    def _await(self, missing: int) -> None:
        self._missing = missing
        self.piece_bytes = min(max(missing, PIECE_BYTES), LARGEST_PIECE_BYTES)

    def _feed_body(self, frame: ProcessFrame, data: bytes) -> ProcessFrame | None:
        missing = self._missing - len(data)
        if missing > 0:
            self._pieces.append(data)
            self._frame = frame
            self._await(missing)
            return None
        if missing < 0:
            data, self.rest = data[:missing], data[missing:]
        body = b"".join([*self._pieces, data])
        self._frame, self._pieces = None, []
        self._await(0)
        return frame._replace(body=body)
