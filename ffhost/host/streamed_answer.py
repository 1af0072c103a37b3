"""What a function that was called by name streams: the head of its answer, and chunks as they come.

Where the chunks come from is an `NamedCallStream`: a channel of this host, a response of another
one, or the host of an isolated process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import TracebackType
from typing import Final, Protocol, Self

from ffhost.host.call_answer import CallAnswer
from ffhost.invocation.call import Call

CUT: Final = "the stream of the function was cut: it failed, or its deadline passed"


class NamedCallStream(Protocol):
    """Where the chunks of one answer come from; each is asked for in a thread or in a coroutine."""

    def get(self) -> bytes | None:
        """Return the next chunk in a thread; None at the end.

        Raises:
            CallError: the stream was cut
        """

    async def get_async(self) -> bytes | None:
        """Return the next chunk in a coroutine; None at the end.

        Raises:
            CallError: the stream was cut
        """

    def close(self) -> None:
        """Stop the function if the stream has not ended; never waits, and may come twice."""

    def drop(self) -> None:
        """Close the stream soon, from a finalizer: it may run anywhere and must take no lock."""


class WholeBodyStream:
    """A body that has come as a whole, as a stream of one chunk."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body or None

    def get(self) -> bytes | None:
        """Return the body, then None."""
        body, self._body = self._body, None
        return body

    async def get_async(self) -> bytes | None:
        """Return the body, then None."""
        return self.get()

    def close(self) -> None:
        """Drop the body."""
        self._body = None

    drop = close


class _Streamed:
    """The common part of both kinds of answers."""

    def __init__(self, status: int, headers: Mapping[str, str], stream: NamedCallStream) -> None:
        self.status = status
        self.headers = headers
        self._stream = stream
        self._refusal: CallAnswer | None = None
        self._open: set[NamedCallStream] | None = None

    @classmethod
    def of(cls, answer: CallAnswer | Self) -> Self:
        """Return a whole answer as a stream of one chunk, and a stream as it is."""
        if isinstance(answer, cls):
            return answer
        assert isinstance(answer, CallAnswer)
        streamed = cls(answer.status, answer.headers, WholeBodyStream(answer.body))
        streamed._refusal = answer
        return streamed

    def read_through(self, wrap: Callable[[NamedCallStream], NamedCallStream]) -> None:
        """Take the chunks from what *wrap* makes of the stream; before anybody has read from it."""
        self._stream = wrap(self._stream)

    def keep_with(self, caller: Call) -> None:
        """Close the stream when *caller* ends, if nothing has closed it before."""
        if caller.streams is None:
            caller.streams = set()
        self._open = caller.streams
        self._open.add(self._stream)

    def raise_for_status(self) -> Self:
        """Return the answer itself if its status is below 400.

        Raises:
            CallError: it is not; the error has the answer
        """
        if self.status >= 400:
            self.close()
            (self._refusal or CallAnswer(self.status, self.headers)).raise_for_status()
        return self

    def close(self) -> None:
        """Stop the function if it still streams. Leaving the ``with`` statement does the same."""
        if self._open is not None:
            self._open.discard(self._stream)
        self._stream.close()

    def __del__(self) -> None:
        self._stream.drop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


class StreamedAnswer(_Streamed, Iterator[bytes]):
    """The answer of `ffhost.call_sync` with ``stream=True``: an iterator of chunks.

    It is closed, and the function that streams is stopped, when its ``with`` statement is left, at
    the latest when the function that called ends.

    Args:
        status: as over HTTP
        headers: names in lower case
        stream: where the chunks come from; the host makes the answer

    Raises:
        CallError: (while iterating) the function failed, or its deadline passed

    Example:
        >>> @ffhost.http
        ... def shout(request):
        ...     for chunk in ffhost.call_sync("words", stream=True).raise_for_status():
        ...         yield chunk.upper()

    Since 0.2.
    """

    def __next__(self) -> bytes:
        try:
            chunk = self._stream.get()
        except BaseException:
            self.close()
            raise
        if chunk is None:
            self.close()
            raise StopIteration
        return chunk

    def whole(self) -> CallAnswer:
        """Wait for the rest, and return it as a whole answer."""
        return CallAnswer(self.status, self.headers, b"".join(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncStreamedAnswer(_Streamed, AsyncIterator[bytes]):
    """The answer of `ffhost.call` with ``stream=True``: an async iterator of chunks.

    It is closed, and the function that streams is stopped, when its ``with`` statement is left, at
    the latest when the function that called ends.

    Args:
        status: as over HTTP
        headers: names in lower case
        stream: where the chunks come from; the host makes the answer

    Raises:
        CallError: (while iterating) the function failed, or its deadline passed

    Example:
        >>> @ffhost.http
        ... async def shout(request):
        ...     async with await ffhost.call("words", stream=True) as answer:
        ...         async for chunk in answer.raise_for_status():
        ...             yield chunk.upper()

    Since 0.2.
    """

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._stream.get_async()
        except BaseException:
            self.close()
            raise
        if chunk is None:
            self.close()
            raise StopAsyncIteration
        return chunk

    async def whole(self) -> CallAnswer:
        """Wait for the rest, and return it as a whole answer."""
        return CallAnswer(self.status, self.headers, b"".join([chunk async for chunk in self]))

    async def aclose(self) -> None:
        """Stop the function if it still streams, as `close` does."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
