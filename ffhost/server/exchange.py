"""One request and its answer on a connection.

uvicorn writes the head of an answer and its body one after the other: two system calls and
two packets, for an answer that mostly fits into one. Here the head waits for the first piece
of the body, as the ASGI specification asks of servers, and both are written at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from ffhost.errors import RequestError
from ffhost.execution.channels import ChunkGroup, LoopWaiter, StreamCut
from ffhost.execution.file_body import AVAILABLE, FileBody
from ffhost.execution.loop_caller import AlreadyAnswered
from ffhost.invocation.current import execution_id_of_failure
from ffhost.invocation.ids import EXECUTION_ID_HEADER
from ffhost.invocation.logger import get_logger
from ffhost.server import answer_fields
from ffhost.server.answer_fields import (
    FIELD_BEGINNINGS,
    SENDABLE_VALUES,
    check_field_value,
    field_beginning,
    says_close,
    status_line,
    write_usual_fields,
)
from ffhost.server.body_buffer import SocketBodyBuffer
from ffhost.server.joined_answers import JoinedAnswers
from ffhost.server.refusal import HostFailed, server_refusal_of_error
from ffhost.server.unread_answers import taken_socket_bytes
from ffhost.web.problems import HOST_FAILED

_EXECUTION_ID = EXECUTION_ID_HEADER.encode()
_COPIED_BYTES = 64 * 1024
"""Larger bodies are not copied for the sake of one system call."""
_UNKNOWN_LENGTH: Any = None
"""Stands for the length of a body that ends with the connection."""
_READ_AHEAD_BYTES = 1024 * 1024
"""How much of a request's body may wait for the application to take it."""


class ConnectionExchange:
    """One request and its answer: what an application is called with.

    uvicorn's `HttpToolsProtocol` calls such an object a cycle.

    Args:
        scope: of the request, as ASGI 3 has it
        transport: of the connection
        flow: what pauses reading and writing
        tasks: where the server keeps the tasks of all requests
        default_headers: the fields that all answers of the server have
        expects_continue: whether the client waits to be asked for the body
        keep_alive: whether another request may follow on the connection
        on_response: called when the answer is written
        joined: the answers of all connections that wait to be written

    Attributes:
        response_complete: whether the application has given all of the answer
        is_written: whether that has been written, so that the connection may go on
    """

    __slots__ = (
        "_error",
        "_has_news",
        "_head",
        "_is_begun",
        "_joined",
        "_pieces",
        "_waiter",
        "_waiting_bytes",
        "before",
        "chunked_encoding",
        "default_headers",
        "disconnected",
        "expected_content_length",
        "flow",
        "is_written",
        "keep_alive",
        "more_body",
        "on_response",
        "response_complete",
        "response_started",
        "scope",
        "task",
        "tasks",
        "transport",
        "waiting_for_100_continue",
    )

    takes_files = AVAILABLE
    """Whether `send` takes a `FileBody` in the place of bytes."""
    takes_groups = True
    """Whether it takes a `ChunkGroup`."""

    def __init__(
        self,
        scope: Any,
        transport: Any,
        flow: Any,
        tasks: set[Any],
        default_headers: Any,
        expects_continue: bool,
        keep_alive: bool,
        on_response: Callable[[ConnectionExchange], None],
        joined: JoinedAnswers,
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.tasks = tasks
        self.task: Any = None
        self.before: ConnectionExchange | None = (
            None  # while this one waits for the answer of another
        )
        self.on_response = on_response
        self.disconnected = False
        # The request
        self.more_body = True
        self.waiting_for_100_continue = expects_continue
        self._is_begun = False
        self._pieces: list[bytes] | None = None
        self._waiting_bytes = 0
        self._error: RequestError | None = None
        self._has_news = False  # since the application has received something
        self._waiter: asyncio.Event | None = None  # of an application that waits for news
        # The answer
        self.keep_alive = keep_alive
        self.default_headers = default_headers
        self._head: bytes | None = None
        self.chunked_encoding: bool | None = None
        self.expected_content_length = 0
        self.response_started = False
        self.response_complete = False
        self.is_written = False
        self._joined = joined

    def add(self, piece: bytes) -> None:
        """Take what has arrived of the body; the client waits while there is too much of it."""
        if self._pieces is None:
            self._pieces = []
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes > _READ_AHEAD_BYTES:
            self.flow.pause_reading()
        self._notify()

    def complete_body(self) -> None:
        """Take note that the body is whole."""
        self.more_body = False
        self._has_news = True
        if self._waiter is not None:
            self._notify()

    def fail(self, error: RequestError) -> None:
        """Make the application refuse the request, whose body cannot be read to its end."""
        self._error = error
        self.keep_alive = False
        self._notify()

    def disconnect(self) -> None:
        """Take note that the client has left."""
        self.disconnected = not self.response_complete
        self._notify()

    def _notify(self) -> None:
        """Wake the application if it waits for news, or let it not wait for the next."""
        self._has_news = True
        if self._waiter is not None:
            self._waiter.set()
            self._waiter = None

    async def _wait(self) -> None:
        if self._waiter is None:
            self._waiter = asyncio.Event()
        await self._waiter.wait()

    async def run_asgi(self, app: Any) -> None:
        """Call *app* for the answer. However that ends, the client is not left waiting."""
        try:
            await app(self.scope, self.receive, self.send)
            if not (self.response_complete or self.disconnected):
                raise RuntimeError("the application has not finished its answer")
        except AlreadyAnswered:
            return  # it was answered long ago
        except StreamCut:  # its function's own entry says why
            self._close_unfinished()
        except RequestError as error:  # what `receive` raised, if nobody else answers
            self._refuse(error)
        except BaseException as error:
            self._answer_failure(error)
        finally:
            if self.is_written or not self.response_complete:
                self.on_response = _nothing
            # Its context may know of `send`, and so of this exchange.
            task, self.task = self.task, None
            self.tasks.discard(task)

    def _answer_failure(self, error: BaseException) -> None:
        names = (value for name, value in self.scope["headers"] if name == _EXECUTION_ID)
        identity = execution_id_of_failure(next(names, b"").decode("latin-1"))
        get_logger("ffhost").error(
            "host_error",
            method=self.scope["method"],
            path=self.scope["path"],
            execution_id=identity,
            exc_info=error,
        )
        if self.response_started:
            self._close_unfinished()
        else:
            self._refuse(HostFailed(HOST_FAILED), identity)

    def _close_unfinished(self) -> None:
        self._joined.write()  # it may be among them
        self.transport.close()

    def _refuse(self, error: RequestError, identity: str | None = None) -> None:
        if self.response_started or self.disconnected or self.transport.is_closing():
            self._joined.write()
            self.transport.abort()
            return
        answer = server_refusal_of_error(error, identity)
        if self.scope["method"] == "HEAD":
            answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.transport.write(answer)
        self.keep_alive, self.response_complete = False, True
        self._go_on()

    async def receive(self) -> Any:
        """Return the application what has arrived, as ASGI 3 has it.

        If that is nothing, the first piece is empty: an application may answer by the head
        alone, and the client is asked for a body only if somebody wants it.

        Raises:
            RequestError: the body cannot be read to its end
        """
        if self.more_body and not (self._is_begun or self._has_news):
            self._is_begun = True
            return {"type": "http.request", "body": b"", "more_body": True}
        if not self.disconnected and not self.response_complete:
            if self.flow.read_paused:
                self.flow.resume_reading()
            if not self._has_news:
                self._ask_for_body()
                await self._wait()
            self._has_news = False
        if self._error is not None:
            self._has_news = True
            raise self._error
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body = b""
        if self._pieces:
            body = b"".join(self._pieces)
            self._pieces, self._waiting_bytes = None, 0
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def collect(self, begun: bytes, length: int) -> bytes | None:
        """Return the whole body, which has *length* bytes and begins with *begun*.

        It is None if the client left before the end. The sender must have told the length, and
        the caller wants all of it: nothing holds the client back.

        Raises:
            RequestError: the body cannot be read to its end
        """
        connection: Any = self.transport.get_protocol()
        buffer = SocketBodyBuffer(connection, length)
        try:
            for piece in (begun, *(self._pieces or ())):
                buffer.add(piece)
            self._pieces, self._waiting_bytes = None, 0
            if self.more_body and not self.disconnected and self._error is None:
                self.flow.resume_reading()
                self._ask_for_body()
                buffer.begin()
                await self._wait()
        finally:
            buffer.end()
        self._has_news = False
        if self._error is not None:
            raise self._error
        return None if self.more_body else buffer.whole()

    def _ask_for_body(self) -> None:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False

    async def send(self, message: Any) -> None:
        """Take one of the application's messages, as ASGI 3 has it.

        Raises:
            RuntimeError: it is not this message's turn, or it cannot be sent
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            _drop(message)
            return
        kind = message["type"]
        if self.response_complete:
            raise RuntimeError(f"{kind!r} after the end of the answer")
        if kind == "http.response.body":
            body = message.get("body", b"")
            if type(body) is FileBody:
                await self._send_file(body)
            elif type(body) is ChunkGroup:
                self._send_group(body)
            else:
                self._send_body(body, message.get("more_body", False))
        elif kind == "http.response.start" and not self.response_started:
            self._head = self._write_head(message["status"], tuple(message.get("headers", ())))
        else:
            raise RuntimeError(f"{kind!r} in the middle of the answer")

    def _send_group(self, group: ChunkGroup) -> None:
        if not self.chunked_encoding:
            self._send_body(b"".join(group.chunks), True)
            return
        pieces: list[bytes] = []
        for chunk in group.chunks:
            if chunk:
                pieces += (b"%x\r\n" % len(chunk), chunk, b"\r\n")
        self._write(tuple(pieces), len(group))

    async def _send_file(self, body: FileBody) -> None:
        """Write the head and the file in the thread of *body*, to which the socket is lent."""
        if self.chunked_encoding or self.expected_content_length != len(body):
            raise RuntimeError("the file is not as long as the content-length of the answer")
        transport = self.transport
        if transport.get_write_buffer_size() and not transport.is_closing():
            transport.set_write_buffer_limits(high=0)  # pauses until all has been written
            await self.flow.drain()
            transport.set_write_buffer_limits()
        if transport.is_closing():  # which comes before the news that it is closed
            self.disconnect()
        if self.disconnected:
            body.stop()
            return
        head, self._head, self.response_started = self._head or b"", None, True
        self.waiting_for_100_continue = False
        client, waiter = _copied_socket(transport), LoopWaiter()
        connection: Any = transport.get_protocol()
        connection.lend_socket(body)
        blocks = taken_socket_bytes(client) > 0
        if blocks:
            self.flow.hold_reading()
        body.begin(client, head, waiter.wake, blocks=blocks)
        await waiter.wait()
        connection.file = None
        self.flow.release_reading()
        self.expected_content_length -= body.sent
        if body.has_lost_client or transport.is_closing():
            self.disconnect()
            transport.abort()

    def _write_head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        # The head of an answer that failed before its body gives way to that of a 500.
        self.chunked_encoding, self.expected_content_length = None, 0
        fields, usual_lines, framing = answer_fields.usual
        if fields is not self.default_headers:
            fields, usual_lines, framing = write_usual_fields(self.default_headers)
        for name, value in framing:
            self._frame(name, value)
        if self.waiting_for_100_continue and self.more_body:
            self.keep_alive = False  # nobody can tell whether the body will follow
        pieces = [status_line(status) or b"HTTP/1.1 %d \r\n" % status, usual_lines]
        for name, value in headers:
            begin, concern = FIELD_BEGINNINGS.get(name) or field_beginning(name)
            if concern is not None:
                if concern == b"content-length" and self.chunked_encoding is None:
                    self.expected_content_length = int(value)
                    self.chunked_encoding = False
                else:
                    self._frame(concern, value)
            if not (value.isalnum() or value in SENDABLE_VALUES):  # ids and numbers; what is usual
                check_field_value(value)
            pieces.append(begin)
            pieces.append(value)
            pieces.append(b"\r\n")
        if not self.keep_alive and not says_close((*framing, *headers)):
            pieces.append(b"connection: close\r\n")
        if self.chunked_encoding is None and not self._is_bodiless(status):
            if self.scope["http_version"] == "1.0":  # its end is that of the connection
                self.chunked_encoding, self.expected_content_length = False, _UNKNOWN_LENGTH
            else:
                self.chunked_encoding = True
                pieces.append(b"transfer-encoding: chunked\r\n")
        pieces.append(b"\r\n")
        return b"".join(pieces)

    def _frame(self, name: bytes, value: bytes) -> None:
        """Take note of what a field says about the body or the connection."""
        if name == b"connection":
            if b"close" in [token.strip() for token in value.lower().split(b",")]:
                self.keep_alive = False
        elif name == b"transfer-encoding":
            if value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
        elif self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False

    def _is_bodiless(self, status: int) -> bool:
        return status in (204, 304) or self.scope["method"] == "HEAD"

    def _send_body(self, body: bytes, more: bool) -> None:
        if self._head is None and not self.response_started:
            raise RuntimeError("a body before the head of the answer")
        pieces: tuple[bytes, ...] = (body,) if body else ()
        if self.scope["method"] == "HEAD":
            self.expected_content_length, pieces = 0, ()
        elif self.chunked_encoding:
            pieces = (b"%x\r\n" % len(body), body, b"\r\n") if body else ()
            if not more:
                pieces = (*pieces, b"0\r\n\r\n")
        elif self.expected_content_length is not _UNKNOWN_LENGTH:
            self.expected_content_length -= len(body)
        left = self.expected_content_length
        if left is not _UNKNOWN_LENGTH and (left < 0 or (left and not more)):
            raise RuntimeError("the body is not as long as its content-length")
        if more:
            self._write(pieces, len(body))
            return
        self.response_complete = True
        if self._waiter is not None:
            self._notify()
        head = self._head
        may_wait = head is not None and not self.more_body and len(body) <= _COPIED_BYTES
        if may_wait and (len(self.tasks) > 1 or self._joined.waiting):
            assert head is not None
            self._head, self.response_started = None, True
            self._joined.add(self, b"".join((head, *pieces)))
        else:
            self._write(pieces, len(body))
            self._go_on()

    def write_whole(self, answer: bytes) -> None:
        """Write an answer that has waited, and go on with the connection."""
        self._hand_over(answer)
        self._go_on()

    def _go_on(self) -> None:
        self.is_written = True
        on_response, self.on_response = self.on_response, _nothing
        on_response(self)

    def _write(self, pieces: Sequence[bytes], size: int) -> None:
        head = self._head
        if head is not None:
            pieces = (head, *pieces)
            self._head, self.response_started = None, True
            self.waiting_for_100_continue = False
        if size > _COPIED_BYTES:
            self._hand_over(pieces)
        elif pieces:
            self._hand_over(b"".join(pieces))

    def _hand_over(self, data: bytes | Sequence[bytes]) -> None:
        try:
            if isinstance(data, bytes):
                self.transport.write(data)
            else:
                self.transport.writelines(data)
        except RuntimeError:  # uvloop: it is closed, and `connection_lost` follows
            if not self.transport.is_closing():
                raise
            self.disconnected = True


def _drop(message: Any) -> None:
    """Take note that nobody gets *message*: what would write it need not wait."""
    body = message.get("body")
    if type(body) is FileBody:
        body.stop()


def _copied_socket(transport: Any) -> socket.socket:
    """Return the socket of *transport* under a descriptor of its own.

    What the loop closes may be the descriptor of another socket at once.
    """
    given = transport.get_extra_info("socket")
    return socket.socket(given.family, given.type, given.proto, os.dup(given.fileno()))


def _nothing(_exchange: ConnectionExchange) -> None:
    """Return at once, in place of what an answer that has ended would call."""
