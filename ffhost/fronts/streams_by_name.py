"""Streams of functions that were called by name: from the callee's channel to its caller.

A stream ends once: it was read to its end, was cut, or its caller has left. Then the outcome of
the call is reported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

from ffhost.errors import CallError
from ffhost.execution.caller import FunctionCaller, stop_running_call
from ffhost.execution.channels import LoopWaiter, StreamCut
from ffhost.execution.threads import HostCode
from ffhost.host.streamed_answer import CUT
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT

if TYPE_CHECKING:
    from ffhost.execution.blocking_caller import BlockingCaller

Ended = Callable[[int], None]
"""Takes the number of bytes that were sent."""


class _Stream:
    """The common part of streams to a thread and to a coroutine."""

    def __init__(self, call: Call, caller: FunctionCaller, ended: Ended) -> None:
        self._call = call
        self._caller = caller
        self._ended = ended
        self._sent_bytes = 0
        self._is_whole = False
        self._closing = threading.Lock()

    def _taken(self, chunk: object) -> bytes | None:
        if not isinstance(chunk, bytes):
            self._is_whole = True
            return None
        self._sent_bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """Stop the function if the stream has not ended, and report the outcome."""
        with self._host_code():
            if not self._closing.acquire(blocking=False):
                return
            if not self._is_whole:
                self._leave()
            self._ended(self._sent_bytes)

    def _host_code(self) -> AbstractContextManager[None]:
        caller = CURRENT.get()
        return nullcontext() if caller is None else HostCode(caller, self._leave)

    def _leave(self) -> None:
        call = self._call
        if call.error is None:
            call.cancelled = True
        call.channel.close()
        if call.state != "ended":
            stop_running_call(call)

    def drop(self) -> None:
        """Close the stream on the loop, which holds no lock now."""
        if not self._closing.locked():
            with suppress(RuntimeError):  # the loop is closed, and its process ends
                self._caller.loop().call_soon_threadsafe(self.close)


class FrontLoopStream(_Stream):
    """A stream to a coroutine."""

    _waiter: LoopWaiter | None = None

    def get(self) -> bytes | None:
        """Refuse to wait in a thread.

        Raises:
            CallError: always
        """
        raise CallError("the answer of 'ffhost.call' is read by 'async for'")

    async def get_async(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the stream was cut
        """
        if self._waiter is None:
            self._waiter = LoopWaiter()
        try:
            return self._taken(await self._call.channel.get_async(self._waiter))
        except StreamCut as error:
            self._is_whole = True
            raise CallError(CUT) from error


class FrontThreadStream(_Stream):
    """A stream to a thread, which also watches the deadline of the callee."""

    def __init__(self, call: Call, caller: BlockingCaller, ended: Ended) -> None:
        super().__init__(call, caller, ended)
        self._chunks = caller.chunks_of(call)

    def get(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the stream was cut
        """
        with self._host_code():
            try:
                return self._taken(next(self._chunks, None))
            except StreamCut as error:
                self._is_whole = True
                raise CallError(CUT) from error

    async def get_async(self) -> bytes | None:
        """Refuse to wait in a coroutine.

        Raises:
            CallError: always
        """
        raise CallError("the answer of 'ffhost.call_sync' is read by 'for'")
