"""uvicorn's connection: what is parsed, what is refused, and whose turn it is.

Which attributes of uvicorn's protocol are used here is in `ffhost.server._uvicorn`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import httptools

from ffhost.errors import RequestError
from ffhost.execution.file_body import FileBody
from ffhost.invocation.logger import get_logger
from ffhost.server._uvicorn import HttpToolsProtocol
from ffhost.server.addresses import connection_ends
from ffhost.server.client_flow import ClientFlow
from ffhost.server.client_limits import ClientLimits
from ffhost.server.exchange import ConnectionExchange
from ffhost.server.head_limits import (
    FIELD_LIMIT,
    HEAD_LIMIT_BYTES,
    SPECIAL_FIELDS,
    TARGET_LIMIT_BYTES,
    head_without_upgrade,
    is_possible_host_in_request_head,
)
from ffhost.server.joined_answers import JoinedAnswers
from ffhost.server.refusal import server_refusal, server_refusal_error
from ffhost.server.unread_answers import reset_connection, unsent_socket_bytes

_SPACE = 0x20


class ServerConnection(HttpToolsProtocol):
    """One connection.

    uvicorn's class but for what each request pays for: an answer is one write (see
    `ConnectionExchange`), and no connection has a timer of its own (see `ClientLimits`).
    """

    flow: ClientFlow  # type: ignore[assignment]
    cycle: ConnectionExchange  # type: ignore[assignment]
    pipeline: deque[tuple[ConnectionExchange, Any]]  # type: ignore[assignment]
    # Of their own, for the attributes of uvicorn's class are as many as Python keeps fast.
    __slots__ = (
        "_asks_for_upgrade",
        "_closes_when_taken",
        "_context",
        "_fault",
        "_has_begun",
        "_has_coding",
        "_has_word",
        "_host",
        "_is_deaf",
        "_is_timed",
        "_is_whole",
        "_joined",
        "_limits",
        "_scope",
        "_unused_bytes",
        "_usual_host",
        "file",
        "idle_since",
        "is_idle",
    )

    def __init__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        limits: ClientLimits,
        joined: JoinedAnswers,
    ) -> None:
        # All that is used of what uvicorn's constructor sets. It also looks up two loggers.
        self.app = config.loaded_app
        self.loop = loop
        self.parser = new_connection_parser(self)
        self.app_state = app_state
        self.server_state = server_state
        self.connections = server_state.connections
        self.tasks = server_state.tasks
        self.headers = None  # type: ignore[assignment]
        self.expect_100_continue = False
        self.cycle = None  # type: ignore[assignment]
        self.pipeline = deque()
        self._limits = limits
        self._joined = joined
        self.file: FileBody | None = None
        self.is_idle = False  # kept alive between two requests
        self.idle_since = 0.0
        self.url = b""
        self._unused_bytes = 0  # what has arrived since the last body, or the last end of a head
        self._has_begun = False  # a request whose head is not complete
        self._is_whole = False  # whether the request that came last has arrived to its end
        self._is_timed = False  # whether the clock for reading runs
        self._is_deaf = False  # what arrives is no longer read
        self._closes_when_taken = False
        self._asks_for_upgrade = self._has_coding = False
        self._has_word = False  # of the client, whether the connection may stay
        self._host: bytes | None = None
        self._usual_host: bytes | None = None  # of the request before
        self._fault: tuple[int, str] | None = None  # why the head just read is refused

    def connection_made(self, transport: Any) -> None:
        """Begin; the context of now is the one that each request begins with."""
        self.connections.add(self)
        self.transport = transport
        self.flow = ClientFlow(transport)
        self.server, self.client = connection_ends(transport)
        self.scheme = "http" if transport.get_extra_info("sslcontext") is None else "https"
        self._scope = self._new_scope()
        self._context = contextvars.copy_context()
        self._limits.idle.clients.add(self)
        self._start_clock()

    def _new_scope(self) -> dict[str, Any]:
        """Return what the requests of the connection have in common, and a place for the rest."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "",
            "scheme": self.scheme,
            "path": "",
            "raw_path": b"",
            "query_string": b"",
            "root_path": "",
            "headers": (),
            "client": self.client,
            "server": self.server,
            "state": self.app_state,
        }

    def connection_lost(self, exc: Exception | None) -> None:
        """End: whoever works for the client hears of it."""
        self._limits.forget(self)
        self.connections.discard(self)
        if self.file is not None:
            self.file.stop()
        if self.cycle is not None:
            self.cycle.disconnect()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    # What arrives

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse what has arrived, whatever has brought it."""
        if self._is_deaf:
            return
        if self.is_idle:
            self.is_idle = self._is_whole = self._closes_when_taken = False
        self._unused_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._ignore_upgrade(data, error)
        except httptools.HttpParserError:
            self._refuse(400, "the request is not HTTP")
        if self._unused_bytes > HEAD_LIMIT_BYTES:
            self._refuse_large_head()
        if not self._is_whole:
            self._await_more()
        elif self._is_timed:
            self._stop_clock()

    def _await_more(self) -> None:
        if self.headers is not None and len(self.headers) > FIELD_LIMIT:
            self._refuse_large_head()
        # A request that waits for the answer of another is not read meanwhile.
        if not (self._is_timed or self._is_deaf or self.pipeline):
            self._start_clock()

    def _start_clock(self) -> None:
        self._is_timed = True
        self._limits.reading.start(self)

    def _stop_clock(self) -> None:
        self._is_timed = False
        self._limits.reading.stop(self)

    def _ignore_upgrade(self, data: Any, error: Exception) -> None:
        """Parse again what the parser has left, without asking for another protocol."""
        while not self._is_deaf:
            rest = memoryview(data)[error.args[0] :]
            version = self.parser.get_http_version()
            head = head_without_upgrade(self.parser.get_method(), self.url, version, self.headers)
            self.parser = new_connection_parser(self)
            try:
                self.parser.feed_data(head)
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as another:
                data, error = rest, another
            except httptools.HttpParserError:
                self._refuse(400, "the request is not HTTP")

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._is_timed:  # it has a time of its own
            self._stop_clock()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._has_begun = True
        self._is_whole = False
        self._asks_for_upgrade = self._has_coding = self._has_word = False
        self._host = self._fault = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field, or a trailer field, which nobody will see."""
        name = name.lower()
        if value and value[-1] <= _SPACE:  # llhttp leaves what RFC 9110, section 5.5, excludes
            value = value.rstrip(b" \t")
        if name in SPECIAL_FIELDS:
            if name == b"host" and value == self._usual_host and self._host is None:
                self._host = value
            else:
                self._look_at(name, value)
        self.headers.append((name, value))

    def _look_at(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            if self._host is not None:
                self._fault = 400, "the request has more than one Host"
            elif not is_possible_host_in_request_head(value):
                self._fault = 400, "the Host of the request is not valid"
            else:
                self._usual_host = value
            self._host = value
        elif name in (b"connection", b"proxy-connection"):
            self._has_word = True
        elif name == b"upgrade":
            self._asks_for_upgrade = True
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        else:
            if self._has_coding or value.strip().lower() != b"chunked":
                self._fault = 501, "the only transfer coding of requests is chunked, once"
            self._has_coding = True

    def on_headers_complete(self) -> None:
        """Call the application: the head of a request is complete."""
        if self._is_deaf:  # a message of the same packet was refused
            return
        self._unused_bytes = 0
        if self._is_timed:  # so has its body
            self._stop_clock()
        method, may_stay = self.parser.get_method(), self.parser.should_keep_alive()
        # Without a word about it only a connection of HTTP/1.1 may stay; to write it takes longer.
        is_usual = may_stay and not self._has_word
        version = "1.1" if is_usual else self.parser.get_http_version()
        if version != "1.1" or method == b"CONNECT" or self._host is None:
            self._look_at_first_line(method, version)
        if self._fault is not None:
            self._refuse(*self._fault)
            return
        if len(self.headers) > FIELD_LIMIT:
            self._refuse_large_head()
            return
        if self._asks_for_upgrade and self.parser.should_upgrade():
            return  # the head is read once more, without asking
        if len(self.url) > TARGET_LIMIT_BYTES:  # httptools before 0.8 reads a part of it
            self._refuse_target()
            return
        try:
            path, raw_path, query = _targets.get(self.url) or _parsed_target(self.url)
        except httptools.HttpParserInvalidURLError:
            self._refuse_target()
            return
        scope = self._scope.copy()
        scope["http_version"] = version
        scope["method"] = method.decode("ascii")
        scope["path"] = path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        scope["headers"] = self.headers
        scope["state"] = self.app_state.copy()
        before = self.cycle
        self.cycle = cycle = ConnectionExchange(
            scope,
            self.transport,
            self.flow,
            self.tasks,
            self.server_state.default_headers,
            self.expect_100_continue,
            version != "1.0" and may_stay,
            self.on_answered,
            self._joined,
        )
        self._has_begun = False
        self.headers = []  # trailers go here, and nowhere from here
        if before is None or before.is_written:
            self._start_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            cycle.before = before
            self.pipeline.appendleft((cycle, self.app))

    def _look_at_first_line(self, method: bytes, version: str) -> None:
        if method == b"CONNECT":
            self._fault = 400, "this server is not a proxy"
        elif version == "1.1":
            self._fault = self._fault or (400, "a request of HTTP/1.1 needs a Host")
        elif version != "1.0":
            self._fault = 505, "the server speaks HTTP/1.1 and HTTP/1.0"
        elif self._has_coding:  # RFC 9112, section 6.1
            self._fault = 400, "a request of HTTP/1.0 cannot have a transfer coding"

    def _start(self, cycle: Any, app: Any) -> None:
        # Nothing of a call is current yet: its task needs nothing of the loop's task factory.
        cycle.task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, name=cycle.scope["path"])
        self.tasks.add(cycle.task)

    _start_task = _start

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body to the request that it belongs to."""
        if self._is_deaf:
            return
        self._unused_bytes = 0
        if not self.cycle.response_complete:
            self.cycle.add(body)

    def on_message_complete(self) -> None:
        """Mark the body of the request as whole."""
        if self._is_deaf or (self._asks_for_upgrade and self.parser.should_upgrade()):
            return
        if len(self.headers) > FIELD_LIMIT:  # trailers
            self._refuse_large_head()
            return
        self._unused_bytes = 0
        self._is_whole = True
        self.cycle.complete_body()

    def on_body_collected(self) -> None:
        """Continue after a body that was read past the parser, which still waits for it."""
        self.parser = new_connection_parser(self)
        self.on_message_complete()
        if self._is_timed:
            self._stop_clock()
        self._limits.freed.note()

    # What is refused

    def _refuse_target(self) -> None:
        if len(self.url) > TARGET_LIMIT_BYTES:
            self._refuse(414, f"the target of the request is over {TARGET_LIMIT_BYTES} bytes")
        else:
            self._refuse(400, "the target of the request is not valid")

    def _refuse_large_head(self) -> None:
        fields = len(self.headers or ())
        if fields > FIELD_LIMIT:
            self._refuse(431, f"the request has more than {FIELD_LIMIT} fields")
        elif not fields and len(self.url) > TARGET_LIMIT_BYTES:
            self._refuse_target()
        else:
            self._refuse(431, f"the request has more than {HEAD_LIMIT_BYTES} bytes of fields")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer what cannot be read, after the answers that are owed, and close."""
        if self._is_deaf:
            return
        self._is_deaf = True
        if self._is_timed:
            self._stop_clock()
        last = self.cycle
        if last is not None and last.more_body:  # the fault is in the body of this request
            if last.before is None:
                self._fail(last, server_refusal_error(status, detail))
                return
            self.pipeline.popleft()  # it waits behind others, and is dropped
            last = last.before
        if last is not None and not last.is_written:
            last.keep_alive = False  # the last answer that is owed closes the connection
            return
        self.transport.write(server_refusal(status, detail))
        self._linger()

    def _fail(self, cycle: ConnectionExchange, error: RequestError) -> None:
        """End a request whose body cannot be read: by its application, if that has not answered."""
        if cycle.response_complete:
            self._linger()
        elif cycle.response_started:
            self.transport.abort()
        else:
            cycle.fail(error)

    # The end of an answer

    def on_answered(self, done: ConnectionExchange) -> None:
        """Continue with the next request of the connection, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if not done.keep_alive:
            self._end()
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            # Here the context is that of the request before.
            cycle, app = self.pipeline.pop()
            cycle.before = None
            self.loop.call_soon(self._start_task, cycle, app, context=self._context)
        elif self._is_whole:
            self.is_idle = True
            self.idle_since = self.loop.time()
            if not self._limits.idle.is_watched:
                self._limits.idle.watch()
        if not self._is_whole:
            self._await_more()

    def _end(self) -> None:
        """Close after the last answer, without a loss for a client that still sends."""
        if self._is_deaf or not self._is_whole or self.flow.read_paused:
            self._linger()
        else:
            self._close()

    def _linger(self) -> None:
        """Close the sending side; what still arrives is dropped."""
        self._is_deaf = True
        if self.transport.is_closing():
            return
        if not self.transport.can_write_eof():  # TLS
            self._close()
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._limits.lingering.start(self)

    def on_lingered(self) -> None:
        """Close, although the client still sends."""
        self._close()

    def _close(self) -> None:
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._limits.unread.watch(self)

    def on_idle_too_long(self) -> None:
        """Close an idle connection, once its client has taken all of the last answer."""
        if self._limits.unread.is_bounded and unsent_socket_bytes(self.transport):
            self._closes_when_taken = True
            self._limits.unread.watch(self)
        else:
            self.transport.close()

    # Answers that are not taken

    def pause_writing(self) -> None:
        """Wait: more is to be written than the client takes."""
        super().pause_writing()
        self._limits.unread.watch(self)

    def resume_writing(self) -> None:
        """Write on: the client has taken most of it."""
        super().resume_writing()
        self._limits.unread.watch(self)  # what has been written since does not count as unread

    def lend_socket(self, file: FileBody) -> None:
        """Watch the client while a thread writes *file* into the socket."""
        self.file = file
        self._limits.unread.watch(self)

    def on_all_taken(self) -> None:
        """Close, if that has been put off until now."""
        if self._closes_when_taken:
            self.transport.close()

    def on_nothing_taken(self, unsent_bytes: int) -> None:
        """Cut off an answer of which nothing has been taken for too long."""
        get_logger("ffhost.server").info("answer_not_taken", unsent_bytes=unsent_bytes)
        reset_connection(self.transport)

    @classmethod
    def close_after_answers(cls, connections: Iterable[Any]) -> None:
        """Make every answer close its connection, from now on and in this whole process.

        Replacing the method costs nothing before, which a question in each request would.
        """
        cls._start_task = cls._start_the_last
        for each in connections:
            if each.cycle is not None:
                each.cycle.keep_alive = False

    def _start_the_last(self, cycle: Any, app: Any) -> None:
        cycle.keep_alive = False
        self._start(cycle, app)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing of a request has come since the start, or since the last answer."""
        is_owed = self.cycle is not None and not self.cycle.is_written
        return not (is_owed or self.is_idle or self.transport.is_closing()) and not self._has_begun

    def on_late_request(self) -> None:
        """Refuse a request that did not arrive in time; close where there is none."""
        self._is_timed = False
        awaits_body = self.cycle is not None and self.cycle.more_body
        if not (self._has_begun or awaits_body):
            self.transport.close()
        else:
            self._refuse(408, "the request did not arrive in time")


_targets: dict[bytes, tuple[str, bytes, bytes]] = {}
"""Some of the last targets, parsed; most clients ask for the same few again and again."""
_MOST_TARGETS = 256
_LONGEST_KEPT_BYTES = 256


def _parsed_target(target: bytes) -> tuple[str, bytes, bytes]:
    """Return the path of a target, decoded and as it was sent, and its query.

    Raises:
        HttpParserInvalidURLError: it is not valid
    """
    url = httptools.parse_url(target)
    path = url.path.decode("ascii")
    found = (unquote(path) if "%" in path else path, url.path, url.query or b"")
    if len(target) <= _LONGEST_KEPT_BYTES:
        if len(_targets) >= _MOST_TARGETS:
            _targets.clear()
        _targets[target] = found
    return found


def new_connection_parser(protocol: ServerConnection) -> httptools.HttpRequestParser:
    """Return a parser like the one that uvicorn makes for each connection."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
