"""What a function can cost at least: Falcon and plain ASGI without a host around them.

They run on ffhost's own connection class and threads, so that what is left of the difference
is the host itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import math
from collections import deque
from typing import Any, ClassVar

import falcon.asgi
from uvicorn_worker import UvicornWorker

from ffhost.execution.threads import ThreadPool
from ffhost.server.client_limits import ClientLimits
from ffhost.server.connection import ServerConnection
from ffhost.server.joined_answers import JoinedAnswers


@functools.cache
def _limits(loop: asyncio.AbstractEventLoop) -> ClientLimits:
    return ClientLimits(loop, math.inf, math.inf, math.inf)


@functools.cache
def _joined(loop: asyncio.AbstractEventLoop) -> JoinedAnswers:
    return JoinedAnswers(loop)


class FloorConnection(ServerConnection):
    """ffhost's connection as a server of uvicorn's own makes it, without time limits."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(config, server_state, app_state, loop, _limits(loop), _joined(loop))


class FloorWorker(UvicornWorker):  # type: ignore[misc]
    """uvicorn's worker with ffhost's connections."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "http": FloorConnection,
        "loop": "uvloop",
        "lifespan": "off",
        "ws": "none",
        "access_log": False,
        "server_header": False,
    }


class _Call:
    deadline = None
    job: Any = None

    def __init__(self, waiter: asyncio.Future[str]) -> None:
        self.waiter = waiter
        self.context = contextvars.copy_context()


class Threads:
    """ffhost's threads, and its way of waking the loop."""

    def __init__(self) -> None:
        self._pool = ThreadPool("floor")
        self._done: deque[tuple[_Call, str]] = deque()
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self) -> str:
        """Run the function on a thread."""
        self._loop = asyncio.get_running_loop()
        call = _Call(self._loop.create_future())
        self._pool.submit(lambda _call: "hello", call, self._end)
        return await call.waiter

    def _end(self, call: _Call, result: str) -> None:
        self._done.append((call, result))
        if not self._woken:
            self._woken = True
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._woken = False
        while self._done:
            call, result = self._done.popleft()
            call.waiter.set_result(result)


class OnThreads:
    """A resource that calls a function on a thread."""

    threads = Threads()

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.content_type = "text/html; charset=utf-8"
        resp.text = await self.threads.call()


class OnTheLoop:
    """A resource that has its answer at once."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.content_type = "text/html; charset=utf-8"
        resp.text = "hello"


bare_falcon: falcon.asgi.App[Any, Any] = falcon.asgi.App()
bare_falcon.add_route("/hello", OnThreads())
bare_falcon.add_route("/async", OnTheLoop())

_HEADERS = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"5")]


async def bare_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer without anything in between."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b"hello"})
