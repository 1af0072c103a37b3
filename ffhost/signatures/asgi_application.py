"""The signature ``asgi``: a whole ASGI 3 application as a function. Only ``http`` scopes.

The application runs in a task beside the call, which pulls its answer: `ApplicationExchange.send`
waits while a chunk waits. The call is over when the application has returned, not when its answer
was whole, so that what it does in the background afterwards has a slot and a deadline, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from ffhost.errors import ResultError
from ffhost.loading.targets import TargetForm
from ffhost.signatures.app_lifespan import application_lifespan_of
from ffhost.signatures.codec import AnsweredApplicationCrash, Codec, SignatureOptions
from ffhost.signatures.mounted_application import (
    ApplicationHead,
    CountedApplicationBody,
    check_application_kind,
    make_application_codec,
    read_application_head,
)
from ffhost.signatures.requests.asgi_scope import make_asgi_scope
from ffhost.signatures.requests.mount import RequestMount
from ffhost.web.messages import Message, Reply
from ffhost.web.problems import CRASH_HEADER

Scope: TypeAlias = dict[str, Any]
Event: TypeAlias = dict[str, Any]
Application: TypeAlias = Callable[..., Awaitable[None]]

PROTOCOL = {"version": "3.0", "spec_version": "2.4"}
"""ASGI version of an `ApplicationExchange`: since 2.4 ``send`` raises when the client has gone."""


class ApplicationClientGone(OSError):
    """The client has gone; raised by ``send``, as ASGI's HTTP spec 2.4 requires."""


def make_asgi_codec(target: Application, form: TargetForm, options: SignatureOptions) -> Codec:
    """Make the codec of an ASGI application.

    Raises:
        LoadError: the target is not one
    """
    name = options.name
    check_application_kind(form, name, "asgi", 3, "scope, receive and send")
    mount = RequestMount(options.mount)
    lifespan = application_lifespan_of(target, name)

    def decode(message: Message) -> tuple[Scope, bytes]:
        scope = make_asgi_scope(message)
        scope["root_path"] = mount.root_path(scope.get("root_path", ""), scope["path"])
        scope["state"] = lifespan.state.copy()
        if message.params:
            scope["path_params"] = dict(message.params)
        # The application talks to an exchange, whatever version the server supports.
        scope["asgi"] = PROTOCOL.copy()
        scope["extensions"] = {}
        return scope, message.body

    async def call(scope: Scope, body: bytes) -> Reply:
        exchange = ApplicationExchange(name, scope["method"], body)
        lifespan.calls += 1
        try:
            return await exchange.answer(target, scope, lifespan.call_ended)
        except BaseException:
            await exchange.abort()
            raise

    return make_application_codec("asgi", options, decode, call, is_async=True, lifespan=lifespan)


class ApplicationExchange:
    """One request and its answer, between an application and its call.

    All of it happens on one loop. The application is the only one that sends, and the call,
    or later its stream, the only one that reads.
    """

    def __init__(self, name: str, method: str, body: bytes) -> None:
        self._name = name
        self._method = method
        self._body: bytes | None = body
        self._head: ApplicationHead | None = None
        self._counted: CountedApplicationBody | None = None
        self._chunk = b""
        self._complete = False
        self._error: BaseException | None = None
        self._work: asyncio.Task[None] | None = None
        self._gone = False
        self._over = asyncio.Event()
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def answer(
        self, application: Application, scope: Scope, ended: Callable[[object], object]
    ) -> Reply:
        """Run the application until its answer is known: whole, or the first chunk of more.

        Args:
            ended: called when the application has returned

        Raises:
            AnsweredApplicationCrash: it answered and raised
            ResultError: it returned without a whole answer
        """
        run = self._run(application, scope)
        self._work = asyncio.get_running_loop().create_task(run)
        self._work.add_done_callback(ended)
        while not (self._work.done() or self._is_stream()):
            await self._next()
        if not self._work.done():
            assert self._head is not None
            return Reply(self._head.status, self._head.fields, chunks=ApplicationChunks(self))
        error = self._taken_error()
        if self._head is None or not self._complete:
            raise error or ResultError(f"{self._name} ended before its answer was complete")
        reply = self._head.whole(self._method, self._chunk)
        if error is None:
            return reply
        if reply.status < 500:
            raise error
        reply.headers.append(CRASH_HEADER)
        raise AnsweredApplicationCrash(reply, error)

    def _is_stream(self) -> bool:
        """Whether a chunk has come that is not yet the whole body."""
        return bool(
            self._chunk
            and self._head is not None
            and not self._complete
            and len(self._chunk) != self._head.length
        )

    async def take(self) -> bytes:
        """Return the next chunk of a stream; nothing once the application has returned.

        Raises:
            ResultError: it returned before its answer was whole
        """
        while not self._chunk:
            if self._work is None or self._work.done():
                error = self._taken_error()
                if error is not None:
                    raise error
                if not self._complete:
                    raise ResultError(f"{self._name} ended before its answer was complete")
                return b""
            await self._next()
        chunk, self._chunk = self._chunk, b""
        self._room.set()
        return chunk

    async def abort(self) -> None:
        """Cancel the application, and wait until it has really ended."""
        self._gone = True
        self._over.set()
        self._room.set()
        work = self._work
        if work is None or work.done():
            return
        work.cancel()
        while not work.done():
            try:
                await asyncio.wait({work})
            except asyncio.CancelledError:
                continue  # cancelled already; the slot is kept as long as the application runs
        self._taken_error()

    def _taken_error(self) -> BaseException | None:
        # Its frames hold what the application left open, such as an async generator, and this
        # exchange: kept here, all of that would wait for the garbage collector.
        error, self._error = self._error, None
        return error

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _run(self, application: Application, scope: Scope) -> None:
        try:
            await application(scope, self._receive, self._send)
        except BaseException as error:  # SystemExit in a task would end the loop
            self._error = error
        finally:
            self._over.set()
            # The task is done one step later, and that is what the reader looks at.
            asyncio.get_running_loop().call_soon(self._news.set)

    async def _receive(self) -> Event:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Event) -> None:
        if self._gone:
            raise ApplicationClientGone("nobody reads the answer any more")
        kind = event["type"]
        if kind == "http.response.start" and self._head is None:
            fields = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in event.get("headers", ())
            ]
            self._head = read_application_head(self._name, event["status"], fields)
            self._counted = CountedApplicationBody(self._name, self._head.expected(self._method))
        elif kind == "http.response.body" and self._head is not None and not self._complete:
            await self._send_body(bytes(event.get("body", b"")), event.get("more_body", False))
        else:
            raise RuntimeError(f"{kind!r} is not expected at this point of an answer")

    async def _send_body(self, chunk: bytes, more: bool) -> None:
        assert self._counted is not None
        self._counted.add(chunk)
        if not more:
            self._counted.end()
        while chunk and self._chunk:
            self._room.clear()
            await self._room.wait()
            if self._gone:
                raise ApplicationClientGone("nobody reads the answer any more")
        if chunk:
            self._chunk = chunk
        if not more:
            self._complete = True
            self._over.set()
        self._news.set()


class ApplicationChunks(AsyncIterator[bytes]):
    """The body of a streamed answer. Closing it ends the application."""

    def __init__(self, exchange: ApplicationExchange) -> None:
        self._exchange = exchange

    async def __anext__(self) -> bytes:
        chunk = await self._exchange.take()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """End the application if it still runs: the rest is not needed."""
        await self._exchange.abort()
