"""Limits of requests: how long they may take to arrive, and how large the body may be."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from ffhost.config.units import UNLIMITED
from ffhost.errors import ContentTooLarge, RequestError
from ffhost.fronts.asgi_request import Event, FrontRequest, ScopeMessage


class ClientGone(RequestError):
    """The client closed the connection before its request was complete."""


async def read_rest(req: FrontRequest, message: ScopeMessage, limit: float) -> bytes:
    """Read the pieces of a body that follow its first.

    Raises:
        ContentTooLarge: the body is longer than *limit* bytes
        ClientGone: the client left before its end
    """
    declared = message.header("content-length")
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    chunks, length = [message.body], len(message.body)
    while length <= limit:
        event = cast("Event", await req.receive())
        if event["type"] == "http.disconnect":
            raise ClientGone("the client left while it sent the request")
        chunks.append(event.get("body", b""))
        length += len(chunks[-1])
        if not event.get("more_body"):
            break
    if length > limit:
        raise too_large(limit)
    return b"".join(chunks)


def too_large(limit: float) -> ContentTooLarge:
    """Return the error of a body that is longer than *limit* bytes."""
    return ContentTooLarge(
        f"the body is larger than {limit:.0f} bytes", headers={"Connection": "close"}
    )


class ReadWatch:
    """A limit for the time to read a request, with one timer for all of them.

    Every request has the same timeout, so they expire in the order of their arrival.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._timed_out: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Start the timeout of the request that *task* reads."""
        if self._seconds == UNLIMITED:
            return
        self._reading[task] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._expire)

    def end(self, task: asyncio.Task[Any]) -> None:
        """Stop the timeout."""
        self._reading.pop(task, None)

    def timed_out(self, task: asyncio.Task[Any]) -> bool:
        """Whether *task* was cancelled by the timeout; the answer is True once only."""
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
