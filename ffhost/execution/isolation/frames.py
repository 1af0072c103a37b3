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
from collections.abc import Iterator
from functools import partial
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
PREFIX_BYTES = _PREFIX.size
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
            FrameMisfit: it is not JSON
        """
        return json_of_process(self.head)


_frame = partial(tuple.__new__, ProcessFrame)
"""Makes a frame of a tuple, without the Python call that a named tuple needs."""


def json_of_process(text: bytes) -> Any:
    """Return what a process has written as JSON.

    Raises:
        FrameMisfit: it is not JSON
    """
    try:
        return orjson.loads(text)
    except ValueError:  # text that is not Unicode, such as a path, is read by the other one
        pass
    try:
        return json.loads(text)
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
    """Makes frames of the pieces that a socket delivers.

    Attributes:
        piece_bytes: how much to read next
    """

    __slots__ = ("_begun", "_missing", "_pieces", "piece_bytes")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._missing = 0
        self._begun: ProcessFrame | None = None
        """The frame whose body is still to come."""
        self.piece_bytes = PIECE_BYTES

    def feed(self, data: bytes) -> Iterator[ProcessFrame]:
        """Return the frames that *data* completes; to be used up before the next piece.

        Raises:
            FrameMisfit: what follows is not a frame, or it is too large
        """
        if self._begun is not None or self._pieces:
            frame, data = self._go_on(data)
            if frame is not None:
                yield frame
        begun, length = 0, len(data)
        while length - begun >= PREFIX_BYTES:
            kind, direction, call, head_length, body_length = _PREFIX.unpack_from(data, begun)
            head_at = begun + PREFIX_BYTES
            body_at = head_at + head_length
            end = body_at + body_length
            if end > length:
                break
            yield _frame((kind, direction, call, data[head_at:body_at], data[body_at:end]))
            begun = end
        if begun < length:
            self._keep(data[begun:])

    def _keep(self, data: bytes) -> None:
        """Keep the beginning of a frame."""
        if len(data) < PREFIX_BYTES:
            self._await(data, PREFIX_BYTES - len(data))
            return
        kind, direction, call, head_length, body_length = _PREFIX.unpack_from(data)
        if head_length > LARGEST_HEAD_BYTES or body_length > LARGEST_BODY_BYTES:
            raise FrameMisfit("a frame is too large")
        body_at = PREFIX_BYTES + head_length
        if len(data) < body_at:
            self._await(data, body_at - len(data))
            return
        self._begun = ProcessFrame(kind, direction, call, data[PREFIX_BYTES:body_at], b"")
        self._await(data[body_at:], body_at + body_length - len(data))

    def _await(self, piece: bytes, missing: int) -> None:
        self._pieces.append(piece)
        self._missing = missing
        self.piece_bytes = min(max(missing, PIECE_BYTES), LARGEST_PIECE_BYTES)

    def _go_on(self, data: bytes) -> tuple[ProcessFrame | None, bytes]:
        """Add *data* to what has begun; return what it completes, and what is still to be read."""
        missing = self._missing
        if missing > len(data):
            self._await(data, missing - len(data))
            return None, b""
        frame, self._begun = self._begun, None
        pieces, self._pieces = self._pieces, []
        self.piece_bytes = PIECE_BYTES
        if frame is None:  # prefix or head are whole now
            return None, b"".join([*pieces, data])
        body = b"".join([*pieces, data[:missing]])
        return frame._replace(body=body), data[missing:]
