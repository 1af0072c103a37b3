"""The host's side of the calls that an isolated function makes by name while it runs."""

from __future__ import annotations

import contextvars
import marshal
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from ffhost.errors import CallError
from ffhost.execution.isolation.frames import CALL, CANCEL, FrameMisfit, ProcessFrame
from ffhost.execution.isolation.loop_connection import LoopProcessConnection
from ffhost.invocation.call import Call


class NestedCallChunks(Protocol):
    """A streamed answer."""

    async def __anext__(self) -> bytes:
        """Return the next chunk."""

    def close(self) -> None:
        """Stop the function that streams."""


class NestedCallAnswer(NamedTuple):
    """What a function has answered.

    Args:
        chunks: the stream whose head this is; None for a whole answer
    """

    status: int
    fields: dict[str, str]
    body: bytes
    chunks: NestedCallChunks | None = None


CallByName: TypeAlias = Callable[[Call, Any, bytes], Awaitable[NestedCallAnswer]]
"""Calls for a running call what a head and a body describe, and returns the answer.

Raises:
    CallError: there is nothing to call
    ValueError, TypeError, KeyError: the head describes no call
"""


def take_nested_call(
    call: Call, connection: LoopProcessConnection, make: CallByName, frame: ProcessFrame
) -> None:
    """Start or cancel the call that a process asks for in *frame*.

    Args:
        call: the call that the process runs

    Raises:
        Misfit: it may not ask that
    """
    tasks = connection.tasks
    if tasks is None:
        tasks = connection.tasks = {}
    if frame.kind == CANCEL:
        task = tasks.get(frame.call)
        if task is not None:
            task.cancel()
        if isinstance(task, _OpenStream):
            del tasks[frame.call]
        return
    if frame.kind != CALL or frame.call in tasks:
        raise FrameMisfit("it asked for what there is not")
    # The loop reads in the context of the call that was the first to use the connection.
    tasks[frame.call] = connection.loop.create_task(
        _answer(call, connection, make, frame, frame.json_head()), context=contextvars.Context()
    )


async def _answer(
    call: Call, connection: LoopProcessConnection, make: CallByName, frame: ProcessFrame, head: Any
) -> None:
    told: tuple[Any, ...]
    made: NestedCallAnswer | None = None
    try:
        made = await (_next(connection, head) if "next" in head else make(call, head, frame.body))
        told = (made.status, {**made.fields}, made.chunks is not None)
    except CallError as error:
        told = (str(error),)
    except (ValueError, TypeError, KeyError) as error:
        told = (f"the call cannot be read: {error}",)
    finally:
        tasks = connection.tasks
        is_wanted = tasks is not None and tasks.pop(frame.call, None) is not None
    if not is_wanted:
        return
    if made is not None and made.chunks is not None and "next" not in head:
        assert connection.tasks is not None
        connection.tasks[frame.call] = _OpenStream(made.chunks)
    connection.answer(frame, marshal.dumps(told), b"" if made is None else made.body)


class _OpenStream:
    """A stream that a process reads from; it is cancelled like a call."""

    def __init__(self, chunks: NestedCallChunks) -> None:
        self.chunks = chunks

    def cancel(self) -> None:
        self.chunks.close()


async def _next(connection: LoopProcessConnection, head: Any) -> NestedCallAnswer:
    """Return the next chunk of an open stream, without *chunks* at its end.

    Raises:
        CallError: the stream was cut, or is not open
    """
    assert connection.tasks is not None
    stream = connection.tasks.get(head["next"])
    if not isinstance(stream, _OpenStream):
        raise CallError("the stream is closed")
    try:
        return NestedCallAnswer(200, {}, await stream.chunks.__anext__(), stream.chunks)
    except BaseException as error:
        if connection.tasks is not None:
            connection.tasks.pop(head["next"], None)
        if isinstance(error, StopAsyncIteration):
            return NestedCallAnswer(200, {}, b"")
        raise
