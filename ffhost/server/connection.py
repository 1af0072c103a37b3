"""uvicorn's connection, and a watch over those that are slow to say what they want.

The watch looks at all connections about once a second and costs a request nothing. Which
attributes of uvicorn's protocol are used here is in `ffhost.server._uvicorn`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterable
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import httptools

from ffhost.server._uvicorn import HttpToolsProtocol
from ffhost.server.exchange import Exchange, LazyEvent
from ffhost.server.head_limits import (
    FIELD_LIMIT,
    HEAD_LIMIT_BYTES,
    SPECIAL_FIELDS,
    head_without_upgrade,
    is_possible_host,
)
from ffhost.server.refusal import refusal


class Connection(HttpToolsProtocol):
    """One connection.

    uvicorn's class but for what each request pays for: an answer is one write (see
    `Exchange`), and an idle connection is closed by the watch and needs no timer.
    """

    cycle: Exchange
    url = b""
    is_idle = False
    """Whether it is kept alive between two requests."""
    _unused_bytes = 0  # what has arrived since the last body, or the last end of a head
    _asks_for_upgrade = False
    _host: bytes | None = None
    _fault: str | None = None  # why the head that has just been read is refused
    _is_deaf = False  # what arrives is no longer read

    def connection_made(self, transport: Any) -> None:
        """Begin; the context of now is the one that each request begins with."""
        super().connection_made(transport)
        self._context = contextvars.copy_context()

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        self.is_idle = False
        if self._is_deaf:
            return
        self._unused_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._ignore_upgrade(data, error)
        except httptools.HttpParserError:
            self._refuse(400, "the request is not HTTP")
        if self._unused_bytes > HEAD_LIMIT_BYTES or (
            self.headers is not None and len(self.headers) > FIELD_LIMIT
        ):
            self._refuse_large_head()

    def _ignore_upgrade(self, data: Any, error: Exception) -> None:
        """Parse again what the parser has left, without asking for another protocol."""
        while not self._is_deaf:
            rest = memoryview(data)[error.args[0] :]
            version = self.parser.get_http_version()
            head = head_without_upgrade(self.parser.get_method(), self.url, version, self.headers)
            self.parser = new_parser(self)
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
        super().on_message_begin()
        self._asks_for_upgrade = False
        self._host = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field, or a trailer field, which nobody will see."""
        name = name.lower()
        if name in SPECIAL_FIELDS:
            self._look_at(name, value)
        self.headers.append((name, value))

    def _look_at(self, name: bytes, value: bytes) -> None:
        if name == b"upgrade":
            self._asks_for_upgrade = True
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif self._host is not None:
            self._fault = "the request has more than one Host"
        else:
            self._host = value
            if not is_possible_host(value):
                self._fault = "the Host of the request is not valid"

    def on_headers_complete(self) -> None:
        """Call the application: the head of a request is complete."""
        self._unused_bytes = 0
        method = self.parser.get_method()
        if self._fault is not None or method == b"CONNECT":
            self._refuse(400, self._fault or "this server is not a proxy")
            return
        if len(self.headers) > FIELD_LIMIT:
            self._refuse_large_head()
            return
        if self._asks_for_upgrade and self.parser.should_upgrade():
            return  # the head is read once more, without asking
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        raw_path = url.path
        path = raw_path.decode("ascii")
        scope = self.scope
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = url.query or b""
        before, self.cycle = (
            self.cycle,
            Exchange(
                scope=scope,
                transport=self.transport,
                flow=self.flow,
                logger=self.logger,
                access_logger=self.access_logger,
                access_log=False,
                default_headers=self.server_state.default_headers,
                message_event=cast("asyncio.Event", LazyEvent()),
                expect_100_continue=self.expect_100_continue,
                keep_alive=version != "1.0" and self.parser.should_keep_alive(),
                on_response=self.on_response_complete,
            ),
        )
        self.headers = []  # trailers go here, and nowhere from here
        if before is None or before.response_complete:
            self._start_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.cycle.before = before
            self.pipeline.appendleft((self.cycle, self.app))

    def _start(self, cycle: Any, app: Any) -> None:
        # Nothing of a call is current yet: its task needs nothing of the loop's task factory.
        cycle.tasks = self.tasks
        cycle.task = asyncio.Task(cycle.run_asgi(app), loop=self.loop)
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
        cycle = self.cycle
        cycle.more_body = False
        if not cycle.response_complete:
            cycle.message_event.set()

    # What is refused

    def _refuse_large_head(self) -> None:
        fields = len(self.headers or ())
        if fields > FIELD_LIMIT:
            self._refuse(431, f"the request has more than {FIELD_LIMIT} fields")
        elif not fields and len(self.url) > HEAD_LIMIT_BYTES // 2:
            self._refuse(414, f"the target of the request is larger than {HEAD_LIMIT_BYTES} bytes")
        else:
            self._refuse(431, f"the request has more than {HEAD_LIMIT_BYTES} bytes of fields")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer what cannot be read, after the answers that are owed, and close."""
        if self._is_deaf:
            return
        self._is_deaf = True
        last = self.cycle
        if last is not None and last.more_body:  # the fault is in the body of this request
            if last.before is not None:  # it waits behind others, and is dropped
                self.pipeline.popleft()
                last = last.before
            elif self._give_up_body(last):
                return
        if last is not None and not last.response_complete:
            last.keep_alive = False  # the last answer that is owed closes the connection
            return
        self.transport.write(refusal(status, detail))
        self.transport.close()

    def _give_up_body(self, cycle: Exchange) -> bool:
        """End a request whose body cannot be read; False if it can still be refused."""
        answered = cycle.response_complete
        if answered:
            self.transport.close()
        elif cycle.response_started:
            self.transport.abort()
        cycle.disconnected = True
        cycle.message_event.set()
        cycle.response_complete = True
        return answered or cycle.response_started

    def on_response_complete(self) -> None:
        """Continue with the next request of the connection, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            # Here the context is that of the request before.
            cycle, app = self.pipeline.pop()
            cast("Exchange", cycle).before = None
            self.loop.call_soon(self._start_task, cycle, app, context=self._context)
        else:
            self.is_idle = True

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
    def awaits_client(self) -> bool:
        """Whether it is the client's turn, and no timer of uvicorn's bounds it.

        That is so from the start, and from the first byte of a later request on, until the
        header fields of the request are complete.
        """
        return (
            not self.is_idle
            and (self.cycle is None or self.cycle.response_complete)
            and not self.transport.is_closing()
        )

    @property
    def is_silent(self) -> bool:
        """Whether nothing of a request has come, since the start or since the last one."""
        return self.scope is None or (self.cycle is not None and self.cycle.scope is self.scope)

    def give_up(self) -> None:
        """Close, with an answer if there is something to answer."""
        if not self.is_silent:
            self.transport.write(refusal(408, "the request did not arrive in time"))
        self.transport.close()


def new_parser(protocol: Connection) -> httptools.HttpRequestParser:
    """Return a parser like the one that uvicorn makes for each connection."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


Waiting: TypeAlias = dict[Connection, tuple[Any, float]]


class ClientWatch:
    """Bounds how long clients may take: to send header fields in total, and between requests.

    Args:
        read_seconds: from the first sign of a request, or of the connection, to its last field
        idle_seconds: from an answer to the next request
    """

    def __init__(self, read_seconds: float, idle_seconds: float) -> None:
        self._read_seconds = read_seconds
        self._idle_seconds = idle_seconds
        self._reading: Waiting = {}
        self._idle: Waiting = {}

    @property
    def interval(self) -> float:
        """Return how often to sweep."""
        return max(0.05, min(1.0, self._read_seconds / 4, self._idle_seconds / 4))

    def sweep(self, connections: Iterable[Any], now: float) -> None:
        """Close connections whose time is over."""
        everyone = list(connections)
        reading = [(each, each.scope) for each in everyone if each.awaits_client]
        self._reading, late = _longest(self._reading, reading, now, self._read_seconds)
        for each in late:
            each.give_up()
        idle = [(each, each.cycle) for each in everyone if each.is_idle]
        self._idle, unused = _longest(self._idle, idle, now, self._idle_seconds)
        for each in unused:
            each.transport.close()


def _longest(
    before: Waiting, waiting: Iterable[tuple[Connection, Any]], now: float, seconds: float
) -> tuple[Waiting, list[Connection]]:
    """Return since when each connection waits, and those that do so for *seconds*.

    What a connection waits for comes with it: None before its first request, else something
    that the next request replaces.
    """
    since: Waiting = {}
    over = []
    for each, request in waiting:
        known, start = before.get(each, (None, now))
        if known is not None and known is not request:
            start = now
        if now - start >= seconds:
            over.append(each)
        else:
            since[each] = (request, start)
    return since, over
