"""Keeping what a function answered until its call has its outcome, for the console.

Answers that no function made, such as a 429, do not pass here: they follow from the call's error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

from ffhost.invocation.call import Call
from ffhost.observability.tracing.hook import Run
from ffhost.signatures.chunks import AsyncByteChunks, ByteChunks
from ffhost.signatures.file_parts import RequestFilePart
from ffhost.web.messages import HeaderList, Reply

BODY_BYTES = 64 * 1024
"""How much of a body is kept."""


class KeptReply:
    """An answer, and the beginning of its body.

    Attributes:
        cut: whether the body is longer than what is kept
    """

    __slots__ = ("body", "cut", "headers", "status")

    def __init__(self, status: int, headers: HeaderList, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body[:BODY_BYTES]
        self.cut = len(body) > BODY_BYTES

    def add(self, chunk: bytes) -> None:
        """Keep *chunk* too, as far as there is room."""
        room = BODY_BYTES - len(self.body)
        self.body += chunk[:room]
        self.cut = self.cut or len(chunk) > room


def keep_replies(run: Run, is_async: bool) -> Run:
    """Return a callable that does as *run*, and keeps the reply with the call."""

    def run_and_keep(call: Call) -> Any:
        reply = call.kept_reply = run(call)
        if reply is not None and reply.chunks is not None:
            _follow(call, reply)
        return reply

    async def await_and_keep(call: Call) -> Any:
        reply = call.kept_reply = await run(call)
        if reply is not None and reply.chunks is not None:
            _follow(call, reply)
        return reply

    return await_and_keep if is_async else run_and_keep


def _follow(call: Call, reply: Reply) -> None:
    kept = call.kept_reply = KeptReply(reply.status, reply.headers, reply.body)
    if type(reply.chunks) is ByteChunks:
        reply.chunks = _Followed(reply.chunks, kept)
    elif type(reply.chunks) is AsyncByteChunks:
        reply.chunks = _FollowedAsync(reply.chunks, kept)
    else:
        kept.cut = True
        if type(reply.chunks) is RequestFilePart:  # which is sent without looking at it
            _keep_beginning(kept, reply.chunks)


def _keep_beginning(kept: KeptReply, part: RequestFilePart) -> None:
    with suppress(OSError):  # sending it will fail, too
        kept.add(part.beginning(BODY_BYTES))
        kept.cut = part.length > len(kept.body)


class _Followed(Iterator[bytes]):
    """Chunks that are kept on their way."""

    def __init__(self, chunks: ByteChunks, kept: KeptReply) -> None:
        self._chunks = chunks
        self._kept = kept

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._kept.add(chunk)
        return chunk

    def close(self) -> None:
        """Close what the function returned."""
        self._chunks.close()


class _FollowedAsync(AsyncIterator[bytes]):
    """Chunks of an async iterator that are kept on their way."""

    def __init__(self, chunks: AsyncByteChunks, kept: KeptReply) -> None:
        self._chunks = chunks
        self._kept = kept

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self._kept.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close what the function returned."""
        await self._chunks.aclose()
