"""The host's side of what an isolated function streams: chunks as they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from ffhost.errors import RequestError
from ffhost.execution.channels import StreamCut
from ffhost.execution.isolation.call_frames import IsolatedFunctionCrashed, take_stream_end
from ffhost.execution.isolation.frames import CHUNK, CHUNK_COST_BYTES, WINDOW_BYTES, ProcessFrame
from ffhost.execution.isolation.loop_connection import LoopProcessConnection, SentRequest
from ffhost.invocation.call import Call


class StreamingProcess(NamedTuple):
    """What becomes of a process that streams.

    Args:
        release: takes it back once it has answered
        died: replaces it after it has ended, and returns the error of its call
        stop: kills and replaces it
    """

    release: Callable[[], object]
    died: Callable[[ConnectionError], Awaitable[RequestError]]
    stop: Callable[[], Awaitable[object]]


class ReceivedStream(AsyncIterator[bytes]):
    """The chunks of one call.

    Args:
        call: the call
        connection: leads to the process
        sent: the request that the stream answers
        process: what becomes of the process at the end
    """

    def __init__(
        self,
        call: Call,
        connection: LoopProcessConnection,
        sent: SentRequest,
        process: StreamingProcess,
    ) -> None:
        self._call = call
        self._connection = connection
        self._sent = sent
        self._process = process
        self._has_begun = False
        self._has_ended = False
        self._read_bytes = 0
        """How much was read that the process has not been told of."""

    async def __anext__(self) -> bytes:
        if self._has_ended:
            raise StopAsyncIteration
        frame = await self._next()
        if frame is None:
            raise StopAsyncIteration
        self._has_begun = True
        self._read_bytes += len(frame.body) + CHUNK_COST_BYTES
        if self._read_bytes >= WINDOW_BYTES // 2:
            self._connection.ask_for_more(self._sent, self._read_bytes)
            self._read_bytes = 0
        return frame.body

    async def _next(self) -> ProcessFrame | None:
        """Wait for the next chunk; None at the end.

        Raises:
            StreamCut: the function failed, or its process ended
            RequestError: its process ended before the first chunk
        """
        try:
            frame = await self._sent.next_frame()
            if frame.kind == CHUNK:
                return frame
            error = take_stream_end(frame, self._call)
        except ConnectionError as lost:
            self._has_ended = True
            ended = await self._process.died(lost)
            if not self._has_begun:
                raise ended from None
            self._call.error = IsolatedFunctionCrashed("ProcessCrashed", str(ended))
            raise StreamCut(str(ended)) from None
        self._has_ended = True
        self._process.release()
        if error is not None:
            self._call.error = error
            raise StreamCut(str(error))
        return None

    async def aclose(self) -> None:
        """Ask the process to end the stream; it is killed at the deadline."""
        if self._has_ended:
            return
        if not self._call.timed_out:
            self._connection.cancel_stream(self._sent)
        # Who closes the channel cancels this task as well, which may come after the closing.
        for _ in range(2):
            try:
                while not self._call.timed_out:
                    if await self._next() is None:
                        return
            except asyncio.CancelledError:
                continue
            except (StreamCut, RequestError):
                return
        if not self._has_ended:
            self._has_ended = True
            await self._process.stop()
