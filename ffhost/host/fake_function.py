"""A fake in the place of a function, for tests: what it returns becomes an answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ffhost.errors import CallError, RequestError
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_record import record_named_call
from ffhost.host.call_request import NamedCallRequest
from ffhost.host.named_calls import named_call_answer_of_error
from ffhost.host.streamed_answer import CUT, AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call
from ffhost.web import problems


class FakeFunction:
    """Answers calls by name.

    Args:
        fake: what is answered, or a plain or coroutine function that takes a `MadeCall` and
            returns it: a `CallAnswer`, text, bytes, ``(body, status)``, None, a value for JSON, or
            an iterator of chunks; a generator function is one, too
    """

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def answer(self, wanted: NamedCallRequest, caller: Call) -> CallAnswer | StreamedAnswer:
        """Return the answer to a call from a thread."""
        result = asyncio.run(self._gathered(wanted, caller))
        if not isinstance(result, Iterator):
            return _as_answer(result)
        streamed = StreamedAnswer(200, {}, FakeFunctionStream(result))
        return streamed if wanted.stream else streamed.whole()

    async def answer_async(
        self, wanted: NamedCallRequest, caller: Call
    ) -> CallAnswer | AsyncStreamedAnswer:
        """Return the answer to a call from a coroutine."""
        result = await self._result(wanted, caller)
        if not isinstance(result, Iterator | AsyncIterator):
            return _as_answer(result)
        streamed = AsyncStreamedAnswer(200, {}, FakeFunctionStream(result))
        return streamed if wanted.stream else await streamed.whole()

    async def _gathered(self, wanted: NamedCallRequest, caller: Call) -> Any:
        """Return the result; the chunks of an async iterator are awaited here."""
        result = await self._result(wanted, caller)
        if isinstance(result, AsyncIterator):
            return iter([chunk async for chunk in result])
        return result

    async def _result(self, wanted: NamedCallRequest, caller: Call) -> Any:
        result = self._fake
        try:
            if callable(result):
                result = result(record_named_call(wanted, caller, None))
            if inspect.isawaitable(result):
                result = await result
        except RequestError as error:
            return named_call_answer_of_error(error, caller.execution_id)
        except Exception:
            reply = problems.crash_problem(caller.execution_id)
            return CallAnswer(reply.status, dict(reply.headers), reply.body)
        return result


class FakeFunctionStream:
    """Chunks of a fake, text or bytes."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks

    def get(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the fake failed
        """
        with _cutting():
            return _as_bytes(next(self._chunks, None))

    async def get_async(self) -> bytes | None:
        """Return the next chunk; None at the end.

        Raises:
            CallError: the fake failed
        """
        if isinstance(self._chunks, Iterator):
            return self.get()
        with _cutting():
            return _as_bytes(await anext(self._chunks, None))

    def close(self) -> None:
        """Close the generator."""
        if isinstance(self._chunks, Generator):
            self._chunks.close()
        elif isinstance(self._chunks, AsyncGenerator):
            with suppress(RuntimeError):  # no loop runs: it was closed with its loop
                _closing.add(task := asyncio.ensure_future(_closed(self._chunks)))
                task.add_done_callback(_closing.discard)

    def drop(self) -> None:
        """Leave it to the end of the caller."""


_closing: set[asyncio.Task[None]] = set()


async def _closed(chunks: AsyncGenerator[Any]) -> None:
    await chunks.aclose()


@contextmanager
def _cutting() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise CallError(CUT) from error


def _as_bytes(chunk: bytes | str | None) -> bytes | None:
    return chunk.encode() if isinstance(chunk, str) else chunk


def _as_answer(result: Any) -> CallAnswer:
    if isinstance(result, CallAnswer):
        return result
    status = 200
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], int):
        result, status = result
    if result is None:
        return CallAnswer(204 if status == 200 else status)
    if isinstance(result, bytes):
        return CallAnswer(status, {"content-type": "application/octet-stream"}, result)
    if isinstance(result, str):
        return CallAnswer(status, {"content-type": "text/plain; charset=utf-8"}, result.encode())
    _, headers, body = NamedCallRequest("", json=result).request()
    return CallAnswer(status, headers, body)
