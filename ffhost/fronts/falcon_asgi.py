"""The stable ASGI application, which delegates to the Falcon app of the current host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import falcon.asgi

from ffhost.config.units import UNLIMITED
from ffhost.errors import RequestError
from ffhost.execution import watchdog
from ffhost.execution.executor import executor
from ffhost.execution.loop_caller import AlreadyAnswered, LoopRunner
from ffhost.execution.shared_threads import pool
from ffhost.fronts._falcon_response import write_front_responses
from ffhost.fronts.asgi_body import TimedAsgiReceive
from ffhost.fronts.asgi_request import (
    SEND,
    AsgiFrontRequest,
    AsgiScopeMessage,
    Receive,
    Scope,
    Send,
    send_asgi_reply,
)
from ffhost.fronts.asgi_resources import AsgiResponders
from ffhost.fronts.host_errors import answer_host_error
from ffhost.fronts.media_types import no_system_media_types
from ffhost.host.admin import ADMIN, LISTENER_KEY, admin_pages_of
from ffhost.host.mounting import mount_host
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.observability import logs
from ffhost.signatures._falcon import rewrite_falcon_reply
from ffhost.web.problems import problem_reply

if TYPE_CHECKING:
    from ffhost.fronts.inner_calls import FrontInnerCalls
    from ffhost.host.admin.pages import AdminPages
    from ffhost.host.called_hosts import NamedCalls

_set_send = SEND.set
_BODILESS_METHODS = frozenset({"GET", "HEAD"})
_BODY_FIELDS = frozenset({b"content-length", b"transfer-encoding"})


class FalconAsgiApp:
    """The stable ASGI application: it delegates to the Falcon app of the current host."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._falcon: Any = None  # calls the Falcon app of the host
        self._runner: LoopRunner | None = None
        self._read_seconds = UNLIMITED
        self._started = False
        self._starting: asyncio.Lock | None = None
        self._admin = admin_pages_of(service)
        self._inner: tuple[Host, FrontInnerCalls] | None = None
        service.attach(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server, as ASGI 3 has it."""
        with suppress(AlreadyAnswered):
            await self.serve_directly(scope, receive, send)

    def serve_directly(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer as `__call__` does, with one coroutine less: the server handles `AlreadyAnswered`.

        Other servers would take a plain method for an application of the older ASGI 2.
        """
        if scope["type"] != "http":
            return self._other(scope, receive, send)
        if not self._started:
            return self._start_and_serve(scope, receive, send)
        if self._admin is not None and _is_admin(scope):
            return self._administer(self._admin, scope, receive, send)
        _set_send(send)
        if self._read_seconds == UNLIMITED:
            return self._falcon(scope, receive, send)  # type: ignore[no-any-return]
        # From HTTP/2 on a body need not be announced.
        if scope["method"] in _BODILESS_METHODS and scope["http_version"] <= "1.1":
            for name, _value in scope["headers"]:
                if name in _BODY_FIELDS:
                    break
            else:
                return self._falcon(scope, receive, send)  # type: ignore[no-any-return]
        timed = TimedAsgiReceive(receive, self._read_seconds)
        return self._falcon(scope, timed, send)  # type: ignore[no-any-return]

    async def _start_and_serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._start()
        except Exception as error:
            message = AsgiScopeMessage(scope, b"", {})
            reply = answer_host_error(error, message, self.service)
            await send_asgi_reply(send, reply, head=message.method == "HEAD")
            return
        await self.serve_directly(scope, receive, send)

    @staticmethod
    async def _administer(admin: AdminPages, scope: Scope, receive: Receive, send: Send) -> None:
        message = AsgiScopeMessage(scope, b"", {})
        if message.method == "POST" and admin.reads_bodies:
            from ffhost.fronts.admin_bodies import read_admin_body

            try:
                await read_admin_body(message, receive)
            except RequestError as error:
                await send_asgi_reply(send, problem_reply(error))
                return
        # On a thread: with thousands of functions an answer takes long.
        reply = await asyncio.wrap_future(executor.submit(admin.answer, message))
        if reply.chunks is None:
            await send_asgi_reply(send, reply, head=message.method == "HEAD")
        else:
            from ffhost.fronts.admin_bodies import send_admin_stream

            await send_admin_stream(send, receive, reply)

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
        """Start what must not start at import; repeated if the event loop has changed."""
        loop = asyncio.get_running_loop()
        if self._runner is None or self._runner.loop is not loop:
            self._runner = LoopRunner(loop, pool)
            self._falcon = None
            self._starting = asyncio.Lock()
            logs.install_log_hook_on_loop(loop)
            watchdog.watch_for_blocked_loop(loop)
        assert self._starting is not None
        self.service.lifecycle.loop = loop
        async with self._starting:
            await self.service.start_async()
            if self._falcon is None:
                self.mount(self.service.host)
        if not self.service.managed:  # our own server has clocks for all that it reads
            self._read_seconds = float(self.service.config.settings.server.read_timeout)
        self._started = True

    def mount(self, host: Host) -> None:
        """Make the Falcon app of *host*, unless the event loop is not known yet."""
        if self._runner is None:
            return
        if any(function.settings.schedules for function in host.functions.values()):
            from ffhost.fronts.inner_calls import FrontInnerCalls

            inner = FrontInnerCalls(host, self.service, self._runner)
            self.service.schedules.run_with(lambda: inner)
        if self._admin is not None:
            self._admin.use(lambda: self._inner_calls(host))
        runner = self._runner
        host.serve_calls(lambda: _make_calls(runner))
        responding = AsgiResponders(host, self.service, self._runner)
        router = cast("Any", mount_host(host, self.service, responding))
        with no_system_media_types():
            app: falcon.asgi.App[Any, Any] = falcon.asgi.App(
                request_type=cast("Any", AsgiFrontRequest), router=router
            )
        write_front_responses(app)
        app.resp_options.default_media_type = None  # type: ignore[assignment]
        for each in (Exception, falcon.HTTPError):
            app.add_error_handler(each, self._answer_error)
        self._falcon = app.__call__

    def _inner_calls(self, host: Host) -> FrontInnerCalls:
        """Return what calls the functions of *host* for the console, made when it is first used."""
        from ffhost.fronts.inner_calls import FrontInnerCalls

        assert self._runner is not None
        if self._inner is None or self._inner[0] is not host:
            self._inner = (host, FrontInnerCalls(host, self.service, self._runner))
        return self._inner[1]

    async def _answer_error(
        self, req: AsgiFrontRequest, resp: falcon.asgi.Response, error: Exception, params: Any
    ) -> None:
        message = AsgiScopeMessage(req.scope, b"", {})
        rewrite_falcon_reply(resp, answer_host_error(error, message, self.service))


def _make_calls(runner: LoopRunner) -> NamedCalls:
    """Make what calls functions by name, when the first one is."""
    from ffhost.fronts.calls_by_name import FrontCallsByName

    return FrontCallsByName(lambda: runner)


def _is_admin(scope: Scope) -> bool:
    state = scope.get("state")
    return state is not None and state.get(LISTENER_KEY) == ADMIN
