"""The ASGI front: a Falcon app in which each function is a resource.

``ffhost.asgi:app`` is the application for any ASGI server. This module reads requests and
writes replies; what a request means is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias, cast
from urllib.parse import quote

import falcon.asgi
import falcon.request

from ffhost import logs, problems
from ffhost.admin import ADMIN, LISTENER_KEY, admin_of
from ffhost.context import EXECUTION_ID_HEADER, Invocation, execution_id
from ffhost.errors import ContentTooLarge, RequestError, RequestTimeout
from ffhost.fronting import Finish, Settle, complete, finisher, settler, write
from ffhost.functions import Function
from ffhost.host import Host
from ffhost.messages import Message, Reply
from ffhost.mounting import MakeReply, Responder, build_router
from ffhost.proxies import believer
from ffhost.runners import watchdog
from ffhost.runners.asynchronous import AsyncCaller, LoopRunner
from ffhost.runners.channels import Channel
from ffhost.runners.executor import executor
from ffhost.runners.processwide import pool
from ffhost.service import Service
from ffhost.units import UNLIMITED

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

_EXECUTION_ID_HEADER = EXECUTION_ID_HEADER.encode()
_BODILESS_METHODS = frozenset({"GET", "HEAD"})


class ScopeMessage(Message):
    """A request that came as an ASGI scope; what is seldom needed is read when asked for."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope, body: bytes, params: Mapping[str, str]) -> None:
        self._scope = scope
        self._headers = None  # type: ignore[assignment]
        self.method = scope["method"]
        self.body = body
        self.params = params
        self.scheme = scope["scheme"]
        self.client = scope.get("client")

    @property
    def path(self) -> str:  # type: ignore[override]
        """Give the path as received."""
        raw: bytes | None = self._scope.get("raw_path")
        if raw is None:
            return quote(self._scope["path"], safe="/%:@!$&'()*+,;=~-._")
        return raw.partition(b"?")[0].decode("latin-1")

    @property
    def query(self) -> str:  # type: ignore[override]
        """Give the query as received."""
        query: bytes = self._scope["query_string"]
        return query.decode("latin-1")

    @property
    def root_path(self) -> str:  # type: ignore[override]
        """Give where the application is mounted."""
        path: str = self._scope.get("root_path", "")
        return path

    @property
    def server(self) -> tuple[str, int | None] | None:  # type: ignore[override]
        """Give the server's own address."""
        server: tuple[str, int | None] | None = self._scope.get("server")
        return server

    @property
    def http_version(self) -> str:  # type: ignore[override]
        """Give the version of HTTP."""
        version: str = self._scope.get("http_version", "1.1")
        return version

    @property
    def headers(self) -> Mapping[str, str]:
        """Give the header fields by lower-case name, read at the first use."""
        if self._headers is None:
            headers: dict[str, str] = {}
            for raw_name, raw_value in self._scope["headers"]:
                name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
                if name in headers:
                    value = headers[name] + ("; " if name == "cookie" else ", ") + value
                headers[name] = value
            self._headers = headers
        return self._headers

    def scope(self) -> dict[str, Any]:
        """Give the ASGI scope."""
        return self._scope  # type: ignore[return-value]

    def adopt(self) -> None:
        """Write into the scope what trusted proxies say of the client."""
        self._scope["scheme"] = self.scheme
        self._scope["client"] = self.client


class FrontRequest(falcon.asgi.Request):
    """What Falcon needs of a request to route it, and no more.

    Falcon's own constructor reads headers, query and media type of every request. Functions
    get a request of their own, made from the message, so nobody would look at those.
    """

    def __init__(
        self,
        scope: Any,
        receive: Any,
        first_event: Any = None,
        options: falcon.request.RequestOptions | None = None,
    ) -> None:
        self.scope = scope
        self.is_websocket = False
        self.method = scope["method"]
        self.path = scope["path"] or "/"
        self._receive = receive
        self._first_event = first_event


class AsgiApp:
    """The stable ASGI application: it delegates to the Falcon app of the current host."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._falcon: falcon.asgi.App[Any, Any] | None = None
        self._runner: LoopRunner | None = None
        self._reads: ReadWatch | None = None
        self._started = False
        self._starting: asyncio.Lock | None = None
        self._admin = admin_of(service)
        service.attach(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server, as ASGI 3 has it."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        if not self._started:
            await self._start()
        if self._admin is not None and _is_admin(scope):
            await self._administer(self._admin, scope, send)
        elif scope["method"] in _BODILESS_METHODS:
            await self._falcon(scope, receive, send)  # type: ignore[misc, arg-type]
        else:
            await self._with_read_timeout(scope, receive, send)

    @staticmethod
    async def _administer(admin: Any, scope: Scope, send: Send) -> None:
        # On a thread: with thousands of functions an answer takes its time.
        message = ScopeMessage(scope, b"", {})
        reply = await asyncio.wrap_future(executor.submit(admin.answer, message))
        await _send(send, reply, head=message.method == "HEAD")

    async def _with_read_timeout(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Falcon waits for the first piece of the body before it routes, so the watch begins
        # here; it ends when the resource has the whole body.
        watch = self._reads
        task = asyncio.current_task()
        assert watch is not None
        assert task is not None
        assert self._falcon is not None
        watch.begin(task)
        try:
            await self._falcon(scope, receive, send)  # type: ignore[arg-type]
        except asyncio.CancelledError:
            if not watch.timed_out(task):
                raise
            await _send_timeout(send)
        finally:
            watch.end(task)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"unknown kind of connection: {scope['type']!r}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                try:
                    await self._start()
                except Exception as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.service.stop_async()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        """Start what must not start at import; also when the loop is another than before."""
        loop = asyncio.get_running_loop()
        if self._runner is None or self._runner.loop is not loop:
            self._runner = LoopRunner(loop, pool)
            self._reads = ReadWatch(loop, self.service.config.settings.server.read_timeout)
            self._falcon = None
            self._starting = asyncio.Lock()
            logs.install_on_loop(loop)
            watchdog.watch(loop)
        assert self._starting is not None
        self.service.lifecycle.loop = loop
        async with self._starting:
            await self.service.start_async()
            if self._falcon is None:
                self.mount(self.service.host)
        self._started = True

    def mount(self, host: Host) -> None:
        """Make the Falcon app of *host*; until the loop is known there is nothing to make."""
        if self._runner is None:
            return
        responding = _Responding(host, self.service, self._runner, self)
        app: falcon.asgi.App[Any, Any] = falcon.asgi.App(
            request_type=FrontRequest,
            router=cast("Any", build_router(host, self.service, responding)),
        )
        app.resp_options.default_media_type = None  # type: ignore[assignment]
        self._falcon = app

    @property
    def reads(self) -> ReadWatch:
        """Give the watch over requests that are being read."""
        assert self._reads is not None
        return self._reads


class _Responding:
    """Makes the responders of one host."""

    def __init__(self, host: Host, service: Service, runner: LoopRunner, app: AsgiApp) -> None:
        self._service = service
        self._runner = runner
        self._app = app
        self._believe = believer(host.config.settings.server.trusted_proxies)

    def calling(self, function: Function) -> Responder:
        """Make a responder that calls *function*."""
        return FunctionResource(
            AsyncCaller(function, self._runner),
            finisher(function, self._service),
            self._believe,
            self._app,
        ).on_request

    def replying(self, make: MakeReply, otherwise: Responder | None = None) -> Responder:
        """Make a responder that replies at once, or leaves the request to *otherwise*."""

        async def on_request(req: FrontRequest, resp: falcon.asgi.Response, **params: str) -> None:
            message = ScopeMessage(req.scope, b"", params)
            identity = execution_id(message.header(EXECUTION_ID_HEADER))
            reply = make(message, identity)
            if reply is None:
                assert otherwise is not None
                await otherwise(req, resp, **params)
                return
            complete(reply, identity, self._service)
            write(resp, reply)

        return on_request


class FunctionResource:
    """One function as a Falcon resource."""

    def __init__(
        self,
        caller: AsyncCaller,
        finish: Finish,
        believe: Callable[[Message], None] | None,
        app: AsgiApp,
    ) -> None:
        self._caller = caller
        self._function = caller.function
        self._finish = finish
        self._believe = believe
        self._app = app
        self._settle = settler(caller.function)
        self._limit = caller.function.max_body_bytes

    async def on_request(
        self, req: FrontRequest, resp: falcon.asgi.Response, **params: str
    ) -> None:
        """Answer one request: read it, call the function, write its reply."""
        event: Any = req._first_event
        message = ScopeMessage(req.scope, event.get("body", b""), params)
        given = None
        for name, value in req.scope["headers"]:
            if name == _EXECUTION_ID_HEADER:
                given = value.decode("latin-1")
        invocation = Invocation(self._function, message, execution_id(given))
        try:
            if message.body or "more_body" in event:
                await self._read_body(req, message, event)
            if self._believe is not None:
                self._believe(message)
                message.adopt()
            reply = await self._caller.answer(invocation)
        except RequestError as error:
            invocation.error = error
            reply = problems.problem(error, invocation.execution_id)
        self._finish(invocation, reply)
        write(resp, reply)
        if invocation.channel is not None:
            self._stream(req, resp, invocation, reply)

    async def _read_body(self, req: FrontRequest, message: Message, event: Event) -> None:
        """Read what is missing of the body.

        Raises:
            ContentTooLarge: it is longer than the function's limit
        """
        if not event.get("more_body"):
            if len(message.body) > self._limit:
                raise _too_large(self._limit)
        else:
            message.body = await self._read_rest(req, message)
        if message.method not in _BODILESS_METHODS:
            task = asyncio.current_task()
            assert task is not None
            self._app.reads.end(task)

    async def _read_rest(self, req: FrontRequest, message: Message) -> bytes:
        declared = message.header("content-length")
        if declared is not None and declared.isdecimal() and int(declared) > self._limit:
            raise _too_large(self._limit)
        chunks, length = [message.body], len(message.body)
        while length <= self._limit:
            event: Any = await req._receive()
            if event["type"] == "http.disconnect":
                raise ClientGone("the client left while it sent the request")
            chunks.append(event.get("body", b""))
            length += len(chunks[-1])
            if not event.get("more_body"):
                break
        if length > self._limit:
            raise _too_large(self._limit)
        return b"".join(chunks)

    def _stream(
        self, req: FrontRequest, resp: falcon.asgi.Response, invocation: Invocation, reply: Reply
    ) -> None:
        if req.method == "HEAD" or reply.status in (204, 304):
            self._caller.abandon(invocation)
            if self._settle is not None:
                self._settle(invocation, reply.status, 0)
        else:
            resp.stream = ChannelStream(
                self._caller, invocation, reply.status, cast("Receive", req._receive), self._settle
            )


class ClientGone(RequestError):
    """The client closed the connection before its request was whole; nobody reads the answer."""


class ChannelStream:
    """The chunks of a streamed reply for Falcon, which closes it in the end."""

    def __init__(
        self,
        caller: AsyncCaller,
        invocation: Invocation,
        status: int,
        receive: Receive,
        settle: Settle | None,
    ) -> None:
        self._caller = caller
        self._invocation = invocation
        self._status = status
        self._settle = settle
        self._sent_bytes = 0
        self._channel: Channel = invocation.channel
        self._watch = asyncio.get_running_loop().create_task(self._watch_client(receive))

    async def _watch_client(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        self._caller.abandon(self._invocation)

    def __aiter__(self) -> ChannelStream:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._channel.get_async()
        if not isinstance(chunk, bytes):
            raise StopAsyncIteration
        self._sent_bytes += len(chunk)
        return chunk

    async def close(self) -> None:
        """Stop the function if the client left before the end."""
        self._watch.cancel()
        self._caller.abandon(self._invocation)
        if self._settle is not None:
            self._settle(self._invocation, self._status, self._sent_bytes)


class ReadWatch:
    """Bounds how long a request may take to arrive, with one timer for all of them.

    Every request gets the same time, so they run out in the order in which they came.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._timed_out: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Start the time of the request that *task* reads."""
        if self._seconds == UNLIMITED:
            return
        self._reading[task] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._expire)

    def end(self, task: asyncio.Task[Any]) -> None:
        """Stop it."""
        self._reading.pop(task, None)

    def timed_out(self, task: asyncio.Task[Any]) -> bool:
        """Say whether *task* was cancelled because its time was over, and forget that."""
        if task not in self._timed_out:
            return False
        self._timed_out.discard(task)
        task.uncancel()
        return True

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._reading:
            task, at = next(iter(self._reading.items()))
            if at > now + 0.001:
                self._timer = self._loop.call_later(at - now, self._expire)
                return
            del self._reading[task]
            self._timed_out.add(task)
            task.cancel()


def _is_admin(scope: Scope) -> bool:
    state = scope.get("state")
    return state is not None and state.get(LISTENER_KEY) == ADMIN


async def _send_timeout(send: Send) -> None:
    error = RequestTimeout("the request did not arrive in time")
    reply = problems.problem(error, execution_id(None))
    reply.headers.append(("connection", "close"))
    await _send(send, reply)


async def _send(send: Send, reply: Reply, *, head: bool = False) -> None:
    """Send a reply that Falcon has no part in."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


def _too_large(limit: float) -> ContentTooLarge:
    return ContentTooLarge(
        f"the body is larger than {limit:.0f} bytes", headers={"Connection": "close"}
    )


def create_app(service: Service) -> AsgiApp:
    """Make an ASGI application of *service*, loaded and not yet started."""
    service.load()
    return AsgiApp(service)


def __getattr__(name: str) -> Any:
    # Loaded when a server asks for it, so that importing this module loads no function.
    if name == "app":
        from ffhost.service import service

        globals()["app"] = made = create_app(service())
        return made
    raise AttributeError(f"module 'ffhost.asgi' has no attribute {name!r}")
