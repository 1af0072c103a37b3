"""What connects the host and a process: a socket in each direction.

What the host asks are packets. A process takes one as a whole or not at all, and the host, which
keeps the process's end as well, can take back those that it has not taken: so a call is begun once,
and both know by whom. Answers, and what the process asks in turn, are a stream, and so is the very
first request: a process may end before it has read a large one.

`ProcessConnection` blocks: it is the process's end, and the host's while the process loads and
starts. `LoopProcessConnection` is the host's end from then on.
"""

from __future__ import annotations

import marshal
import socket
import sys
import time
from collections import deque
from typing import Any

from ffhost.execution.isolation.frames import (
    ANSWER,
    LOAD,
    PIECE_BYTES,
    TO_PROCESS,
    FrameMisfit,
    ProcessFrame,
    ProcessFrameReader,
    frame_without_body,
)

HAS_PACKETS = sys.platform == "linux"
"""Whether the system keeps packets whole. Where it does not, no call is sent early, and one that
was sent counts as begun."""


def is_answer_frame(frame: ProcessFrame, call: int) -> bool:
    """Whether *frame* answers the host's *call*."""
    return frame.call == call and frame.kind == ANSWER and frame.direction == TO_PROCESS


def blocking_socket_pair(
    kind: socket.SocketKind = socket.SOCK_STREAM,
) -> tuple[socket.socket, socket.socket]:
    """Make two connected sockets that block, whatever `socket.setdefaulttimeout` has been told."""
    ours, theirs = socket.socketpair(type=kind)
    ours.settimeout(None)
    theirs.settimeout(None)
    return ours, theirs


def socket_pair_for_requests() -> tuple[socket.socket, socket.socket]:
    """Return the host's and the process's end of the socket for what the host asks."""
    return blocking_socket_pair(socket.SOCK_SEQPACKET if HAS_PACKETS else socket.SOCK_STREAM)


class ProcessConnection:
    """An end that blocks.

    Args:
        requests: this end of the socket for what the host asks
        stream: this end of the socket for all else
    """

    def __init__(self, requests: socket.socket, stream: socket.socket) -> None:
        self.requests = requests
        self.stream = stream
        self._reader = ProcessFrameReader()
        self._received = deque[ProcessFrame]()
        self._asked = 0
        self._is_bounded = stream.gettimeout() is not None

    def ask(self, kind: int, head: Any = None, body: bytes = b"") -> None:
        """Send what has an answer, as the host; `receive_answer` waits for it.

        Raises:
            OSError: the other side is gone
        """
        self._asked += 1
        if kind == LOAD:
            self._send(kind, self._asked, marshal.dumps(head), body)
        else:
            start = frame_without_body(kind, self._asked, marshal.dumps(head), len(body))
            self.requests.send(start + body)

    def answer(self, frame: ProcessFrame, head: bytes, body: bytes = b"") -> None:
        """Answer *frame*, as a process.

        Args:
            head: in JSON

        Raises:
            OSError: the other side is gone
        """
        self._send(ANSWER, frame.call, head, body)

    def _send(
        self, kind: int, call: int, head: bytes, body: bytes, direction: int = TO_PROCESS
    ) -> None:
        start = frame_without_body(kind, call, head, len(body), direction)
        self._bound(None)
        if len(body) <= PIECE_BYTES:
            self.stream.sendall(start + body)
        else:
            self.stream.sendall(start)
            self.stream.sendall(body)

    def receive(self, deadline: float | None = None) -> ProcessFrame:
        """Receive one frame from the stream.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone, or sent something that is not a frame
        """
        reader, received = self._reader, self._received
        while not received:
            self._bound(deadline)
            data = self.stream.recv(reader.piece_bytes)
            if not data:
                raise ConnectionResetError("the other side has closed the connection")
            received.extend(reader.feed(data))
        return received.popleft()

    def receive_answer(self, deadline: float | None = None) -> Any:
        """Receive the head of the answer to what was asked last.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone, or sent something else
        """
        frame = self.receive(deadline)
        if not is_answer_frame(frame, self._asked):
            raise FrameMisfit("a frame does not answer what was asked")
        return frame.json_head()

    def _bound(self, deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        if left is not None or self._is_bounded:
            self.stream.settimeout(left)
            self._is_bounded = left is not None
