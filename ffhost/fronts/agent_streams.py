"""Streams of events to agents, whose chunks come from one loop, on both fronts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ffhost.fronts.asgi_body import AsgiClientGone
from ffhost.fronts.asgi_request import Receive
from ffhost.web.messages import Reply


async def until_client_left(work: Coroutine[Any, Any, Reply], receive: Receive) -> Reply:
    """Await *work*, but cancel it if the client leaves.

    Raises:
        AsgiClientGone: it has left
    """
    task: asyncio.Task[Reply] = _task(work)
    left = _task(_left(receive))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise AsgiClientGone("the client left before it was answered")
        return task.result()
    finally:
        left.cancel()
        task.cancel()


def _task(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    # Not by the loop's task factory: the task is the host's own.
    return asyncio.Task(work, loop=asyncio.get_running_loop())


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


class AsgiAgentStream:
    """Chunks for Falcon's ASGI application, which closes it at the end.

    Args:
        chunks: an async generator; it is closed when the client leaves
        receive: ASGI's, which tells when it does
    """

    def __init__(self, chunks: Any, receive: Receive) -> None:
        self._chunks = chunks
        self._left = _task(_left(receive))

    def __aiter__(self) -> AsgiAgentStream:
        return self

    async def __anext__(self) -> bytes:
        step = _task(_next(self._chunks))
        try:
            await asyncio.wait({step, self._left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not step.done():
                step.cancel()
                await asyncio.wait({step})
        chunk = None if step.cancelled() else step.result()
        if chunk is None:
            raise StopAsyncIteration
        return bytes(chunk)

    async def close(self) -> None:
        """Stop what makes the chunks."""
        self._left.cancel()
        await self._chunks.aclose()


class WsgiAgentStream:
    """Chunks for a WSGI server, whose thread waits for each.

    Args:
        chunks: an async generator
        run: runs a coroutine on the loop of the generator and waits for its result
    """

    def __init__(self, chunks: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._chunks = chunks
        self._run = run

    def __iter__(self) -> WsgiAgentStream:
        return self

    def __next__(self) -> bytes:
        chunk = self._run(_next(self._chunks))
        if chunk is None:
            raise StopIteration
        return bytes(chunk)

    def close(self) -> None:
        """Stop what makes the chunks."""
        self._run(self._chunks.aclose())


async def _next(chunks: Any) -> bytes | None:
    found: bytes | None = await anext(chunks, None)
    return found
