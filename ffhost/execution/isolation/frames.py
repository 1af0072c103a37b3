"""The protocol between the host and the processes of isolated functions.

A frame is a head in JSON and a body of bytes. The host never unpickles what a function's process
has sent: memory corrupted by an extension must not harm the host, and neither must an exception
that cannot be unpickled.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

from ffhost.events.facts import facts_of
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.function import Function
from ffhost.web.messages import Message, Reply

Head = dict[str, Any]

_LENGTHS = struct.Struct("!IQ")
_PIECE_BYTES = 1 << 20
_LARGEST_HEAD_BYTES = 16 << 20


class Connection:
    """Frames over a stream socket."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream

    def send(self, head: Head, body: bytes = b"", deadline: float | None = None) -> None:
        """Send one frame.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone
        """
        text = json.dumps(head, separators=(",", ":")).encode()
        start = _LENGTHS.pack(len(text), len(body)) + text
        self._bound(deadline)
        if len(body) <= _PIECE_BYTES:
            self.stream.sendall(start + body)
            return
        self.stream.sendall(start)
        self._bound(deadline)
        self.stream.sendall(body)

    def receive(self, deadline: float | None = None) -> tuple[Head, bytes]:
        """Receive one frame.

        Raises:
            TimeoutError: *deadline*, on the monotonic clock, has passed
            OSError: the other side is gone, or sent something that is not a frame
        """
        head_length, body_length = _LENGTHS.unpack(self._read(_LENGTHS.size, deadline))
        if head_length > _LARGEST_HEAD_BYTES:
            raise ConnectionAbortedError("the other side did not send a valid frame")
        try:
            head = json.loads(self._read(head_length, deadline))
        except ValueError as error:
            raise ConnectionAbortedError("the other side did not send a valid frame") from error
        return head, self._read(body_length, deadline)

    def _read(self, length: int, deadline: float | None) -> bytes:
        pieces: list[bytes] = []
        while length:
            self._bound(deadline)
            piece = self.stream.recv(min(length, _PIECE_BYTES))
            if not piece:
                raise ConnectionResetError("the other side has closed the connection")
            pieces.append(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _bound(self, deadline: float | None) -> None:
        if deadline is None:
            self.stream.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.stream.settimeout(left)

    def close(self) -> None:
        """Close the socket."""
        self.stream.close()


def call_head(call: Call) -> Head:
    """Return the head of the frame that asks for a call; its body is the request's."""
    message = call.message
    return {
        "do": "call",
        "execution_id": call.execution_id,
        "started": call.started,
        "deadline": None if call.deadline is None else call.deadline.at,
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "method": message.method,
        "path": message.path,
        "query": message.query,
        "headers": dict(message.headers),
        "scheme": message.scheme,
        "root_path": message.root_path,
        "client": message.client,
        "server": message.server,
        "http_version": message.http_version,
        "params": dict(message.params),
        "principal": None if call.principal is None else call.principal.as_texts(),
    }


def call_of(function: Function, head: Head, body: bytes) -> Call:
    """Make the call that *head* and *body* ask for, in the process that runs it."""
    client, server = head["client"], head["server"]
    message = Message(
        head["method"],
        head["path"],
        query=head["query"],
        headers=head["headers"],
        body=body,
        scheme=head["scheme"],
        root_path=head["root_path"],
        client=None if client is None else tuple(client),
        server=None if server is None else tuple(server),
        http_version=head["http_version"],
        params=head["params"],
    )
    call = Call(function, message, head["execution_id"])
    # The monotonic clock is shared by all processes of the machine.
    call.started = head["started"]
    if head["deadline"] is not None:
        call.deadline = Deadline()
        call.deadline.at = head["deadline"]
    call.trace_id, call.span_id = head["trace_id"], head["span_id"]
    if head["principal"] is not None:
        from ffhost.auth.principals import Principal

        call.principal = Principal.of_texts(head["principal"])
    return call


def reply_head(reply: Reply, call: Call) -> Head:
    """Return the head of the frame that answers a call; its body is the reply's."""
    # A header's value may be of a class derived from str; JSON encodes it as its text.
    head: Head = {"status": int(reply.status), "headers": [[n, v] for n, v in reply.headers]}
    error = call.error
    if error is not None:
        try:
            text = str(error)
        except Exception:
            text = ""
        head["error"] = [type(error).__name__, text]
    facts = facts_of(call.event)
    if facts is not None:
        head["event"] = {name: _plain(value) for name, value in facts._asdict().items()}
    return head


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def reply_of(head: Head, body: bytes) -> Reply:
    """Make the reply that a function's process has sent."""
    return Reply(int(head["status"]), [(str(n), str(v)) for n, v in head["headers"]], body)
