"""Limits of requests: how long they may take to arrive, and how large the body may be."""

from __future__ import annotations

import asyncio
from typing import cast

from ffhost.errors import ContentTooLarge, RequestError, RequestTimeout
from ffhost.fronts.asgi_request import AsgiFrontRequest, AsgiScopeMessage, Event, Receive

_COLLECTED_BYTES = 256 * 1024
"""From this length on a body is read at once where the server can; less comes in a piece or two."""


class AsgiClientGone(RequestError):
    """The client closed the connection before its request was complete."""


async def read_rest_of_asgi_body(
    req: AsgiFrontRequest, message: AsgiScopeMessage, limit: float
) -> bytes:
    """Read the pieces of a body that follow its first.

    Raises:
        ContentTooLarge: the body is longer than *limit* bytes
        AsgiClientGone: the client left before its end
    """
    declared = message.header("content-length")
    announced = int(declared) if declared is not None and declared.isdecimal() else 0
    if announced > limit:
        raise asgi_body_too_large(limit)
    if announced >= _COLLECTED_BYTES:
        collect = getattr(getattr(req.receive, "__self__", None), "collect", None)
        if collect is not None:  # our own server
            body: bytes | None = await collect(message.body, announced)
            if body is None:
                raise AsgiClientGone("the client left while it sent the request")
            return body
    chunks, length = [message.body], len(message.body)
    while length <= limit:
        event = cast("Event", await req.receive())
        if event["type"] == "http.disconnect":
            raise AsgiClientGone("the client left while it sent the request")
        chunks.append(event.get("body", b""))
        length += len(chunks[-1])
        if not event.get("more_body"):
            break
    if length > limit:
        raise asgi_body_too_large(limit)
    return b"".join(chunks)


def asgi_body_too_large(limit: float) -> ContentTooLarge:
    """Return the error of a body that is longer than *limit* bytes."""
    return ContentTooLarge(
        f"the body is larger than {limit:.0f} bytes", headers={"Connection": "close"}
    )


class TimedAsgiReceive:
    """ASGI's ``receive`` of a request that has to arrive in time.

    The first piece is empty: a request may be refused by its head alone, and most servers ask
    a client for its body only when somebody wants it.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._end = asyncio.get_running_loop().time() + seconds
        self._is_begun = False
        self._is_whole = False

    async def __call__(self) -> Event:
        """Return the next event of the server.

        Raises:
            RequestTimeout: the request has not arrived in time
        """
        if not self._is_begun:
            self._is_begun = True
            return {"type": "http.request", "body": b"", "more_body": True}
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                event = await self._receive()
        except TimeoutError as error:
            raise RequestTimeout(
                "the request did not arrive in time", headers={"Connection": "close"}
            ) from error
        self._is_whole = not event.get("more_body")
        return event
