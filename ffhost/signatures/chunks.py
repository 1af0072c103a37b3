"""Streamed bodies as chunks of bytes, made of what a function returned.

Pulling and closing belong to the front that sends the reply. What the function
returned is closed here, even if nothing was pulled from it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ffhost.errors import ResultError

BLOCK_BYTES = 64 * 1024
"""How much of a file is read for one chunk."""


def _to_bytes(chunk: Any) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise ResultError(f"a stream yielded {type(chunk).__name__}; yield str or bytes")


class ByteChunks(Iterator[bytes]):
    """Chunks of an iterator of str and bytes; *close* is called once instead of its own."""

    __slots__ = ("_close", "_source")

    def __init__(self, source: Iterator[Any], close: Callable[[], object] | None = None) -> None:
        self._source = source
        self._close = close if close is not None else getattr(source, "close", None)

    def __next__(self) -> bytes:
        return _to_bytes(next(self._source))

    def close(self) -> None:
        """Close what the function returned."""
        close, self._close = self._close, None
        if close is not None:
            close()


class AsyncByteChunks(AsyncIterator[bytes]):
    """Chunks of an async iterator of str and bytes."""

    __slots__ = ("_source",)

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source

    async def __anext__(self) -> bytes:
        return _to_bytes(await anext(self._source))

    async def aclose(self) -> None:
        """Close what the function returned."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


def file_chunks(file: Any) -> ByteChunks:
    """Return the rest of a file-like object in blocks; the object is closed with them."""
    return ByteChunks(_blocks(file), getattr(file, "close", None))


def _blocks(file: Any) -> Iterator[Any]:
    while block := file.read(BLOCK_BYTES):
        yield block


def no_chunks(chunks: Any) -> Any:
    """Return an empty stream that closes *chunks* when it is closed.

    For statuses without a body (204 and 304) whose function returned a stream anyway.
    """
    if isinstance(chunks, AsyncByteChunks):
        return AsyncByteChunks(_EmptyAsync(chunks))
    return ByteChunks(iter(()), chunks.close)


class _EmptyAsync(AsyncIterator[bytes]):
    def __init__(self, chunks: AsyncByteChunks) -> None:
        self.aclose = chunks.aclose

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration
