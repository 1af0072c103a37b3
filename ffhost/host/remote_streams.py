"""Streams of functions that are served elsewhere: chunks of an HTTP response as they come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ffhost.errors import CallError
from ffhost.host.streamed_answer import CUT
from ffhost.invocation.call import Call


class _RemoteStream:
    """The common part of streams to a thread and to a coroutine."""

    def __init__(self, response: Any, caller: Call) -> None:
        self._response = response
        self._caller = caller
        self._is_closed = False

    def _check_deadline(self) -> None:
        deadline = self._caller.deadline
        if deadline is not None and deadline.remaining <= 0:
            raise CallError(CUT)

    def _closes(self) -> bool:
        """Whether this is the first time that the stream is closed."""
        is_first = not self._is_closed
        self._is_closed = True
        return is_first


class RemoteHostThreadStream(_RemoteStream):
    """A stream to a thread."""

    def __init__(self, response: Any, caller: Call) -> None:
        super().__init__(response, caller)
        self._chunks = response.iter_bytes()

    def get(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the stream was cut, or the deadline of the caller has passed
        """
        import httpx

        self._check_deadline()
        try:
            chunk: bytes | None = next(self._chunks, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise CallError(CUT) from error
        return chunk

    async def get_async(self) -> bytes | None:
        """Refuse to wait in a coroutine.

        Raises:
            CallError: always
        """
        raise CallError("the answer of 'ffhost.call_sync' is read by 'for'")

    def close(self) -> None:
        """Close the connection, unless the stream has ended."""
        if self._closes():
            self._response.close()

    def drop(self) -> None:
        """Leave it to the end of the caller: closing a connection takes locks."""


class RemoteHostLoopStream(_RemoteStream):
    """A stream to a coroutine of *loop*."""

    def __init__(self, response: Any, caller: Call, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(response, caller)
        self._loop = loop
        self._chunks = response.aiter_bytes()

    def get(self) -> bytes | None:
        """Refuse to wait in a thread.

        Raises:
            CallError: always
        """
        raise CallError("the answer of 'ffhost.call' is read by 'async for'")

    async def get_async(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the stream was cut, or the deadline of the caller has passed
        """
        import httpx

        self._check_deadline()
        try:
            chunk: bytes | None = await anext(self._chunks, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise CallError(CUT) from error
        return chunk

    def close(self) -> None:
        """Close the connection soon, unless the stream has ended."""
        if self._closes():
            with suppress(RuntimeError):  # the loop is closed, and the connection with it
                self._loop.call_soon_threadsafe(self._start_closing)

    drop = close

    def _start_closing(self) -> None:
        _tasks.add(task := self._loop.create_task(self._close()))
        task.add_done_callback(_tasks.discard)

    async def _close(self) -> None:
        await self._response.aclose()


_tasks: set[asyncio.Task[None]] = set()
