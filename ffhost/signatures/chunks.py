"""Streamed bodies as chunks of bytes, made of what a function returned.

Pulling and closing belong to the front that sends the reply. What the function
returned is closed here, even if nothing was pulled from it.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from ffhost.errors import ResultError
from ffhost.signatures.file_parts import RequestFilePart, request_file_part
from ffhost.web.messages import HeaderList

BLOCK_BYTES = 64 * 1024
"""How much is read for one chunk of what is not a regular file."""


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
        chunk = next(self._source)
        return chunk if type(chunk) is bytes else _to_bytes(chunk)

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
        chunk = await anext(self._source)
        return chunk if type(chunk) is bytes else _to_bytes(chunk)

    async def aclose(self) -> None:
        """Close what the function returned."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


SyncChunks: TypeAlias = ByteChunks | RequestFilePart


def read_file_chunks(
    file: Any,
    headers: HeaderList,
    close: Callable[[], object] | None = None,
    *,
    start: int | None = None,
    length: int | None = None,
) -> SyncChunks:
    """Return the rest of a file-like object in blocks; the object is closed with them.

    Args:
        file: the object
        headers: of the answer; a regular file gets its length, or is sent as far as that says
        close: called once at the end; None: the object's own
        start: where to begin; None: at the file's position
        length: how many bytes; None: as the headers say, else up to the end
    """
    close = close if close is not None else getattr(file, "close", _nothing)
    assert close is not None
    declared = next((value for name, value in headers if name.lower() == "content-length"), None)
    if length is None and declared is not None and declared.isdecimal():
        length = int(declared)
    part = request_file_part(file, close, start=start, length=length)
    if part is None:
        return ByteChunks(_blocks(file), close)
    if declared is None:
        headers.append(("content-length", str(part.length)))
    return part


def _nothing() -> None:
    """Return at once: there is nothing to close."""


class FollowedChunks(Iterator[bytes]):
    """Chunks, and what is awaited on the loop after the last one.

    Args:
        chunks: the chunks
        after: awaited before the call counts as ended
    """

    def __init__(self, chunks: SyncChunks, after: Callable[[], Awaitable[object]]) -> None:
        self._chunks = chunks
        self.after = after

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """Close what the function returned."""
        self._chunks.close()


class FileWrapper:
    """What WSGI applications find as ``wsgi.file_wrapper`` (PEP 3333), to return a file with.

    Args:
        file: the file
        block_size: has no effect
    """

    def __init__(self, file: Any, block_size: int = BLOCK_BYTES) -> None:
        self.file = file
        for name in ("seekable", "seek", "tell"):  # Werkzeug asks for them to send a range
            if hasattr(file, name):
                setattr(self, name, getattr(file, name))

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        block: bytes = self.file.read(BLOCK_BYTES)
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        """Close the file."""
        getattr(self.file, "close", _nothing)()


def _blocks(file: Any) -> Iterator[Any]:
    # What a pipe has now is sent now.
    read = file.read1 if type(file) is io.BufferedReader else file.read
    while block := read(BLOCK_BYTES):
        yield block


def empty_chunks(chunks: Any) -> Any:
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
