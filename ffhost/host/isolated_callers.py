"""Calls by name from functions with ``isolation: process``: their host makes them."""

from __future__ import annotations

from typing import Any, cast

import orjson

from ffhost.errors import CallError
from ffhost.execution.isolation.asking_process import AskingProcessConnection
from ffhost.execution.isolation.frames import ProcessFrame
from ffhost.execution.isolation.nested_calls import NestedCallAnswer
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import NamedCallRequest
from ffhost.host.named_calls import make_named_call
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call


class HostOfProcess:
    """The host, as the functions of an isolated process see it.

    Args:
        connection: leads to it
    """

    def __init__(self, connection: AskingProcessConnection) -> None:
        self._connection = connection

    async def call(
        self, wanted: NamedCallRequest, _caller: Call
    ) -> CallAnswer | AsyncStreamedAnswer:
        """Call from a coroutine and return the answer.

        Raises:
            CallError: as for `ffhost.call`
        """
        frame = await self._connection.call_async(*_asked(wanted))
        answer, streams = _answer_in(frame)
        if not streams:
            return answer
        stream = _ProcessStream(self._connection, frame.call)
        return AsyncStreamedAnswer(answer.status, answer.headers, stream)

    def call_sync(self, wanted: NamedCallRequest, _caller: Call) -> CallAnswer | StreamedAnswer:
        """Call from a thread and return the answer.

        Raises:
            CallError: as for `ffhost.call`
        """
        frame = self._connection.call(*_asked(wanted))
        answer, streams = _answer_in(frame)
        if not streams:
            return answer
        stream = _ProcessStream(self._connection, frame.call)
        return StreamedAnswer(answer.status, answer.headers, stream)


class _ProcessStream:
    """A stream to an isolated function: the host is asked for each chunk.

    Args:
        number: of the question that began the stream
    """

    def __init__(self, connection: AskingProcessConnection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._head = orjson.dumps({"next": number})
        self._is_closed = False

    def get(self) -> bytes | None:
        return self._taken(self._connection.call(self._head, b""))

    async def get_async(self) -> bytes | None:
        return self._taken(await self._connection.call_async(self._head, b""))

    def _taken(self, frame: ProcessFrame) -> bytes | None:
        answer, streams = _answer_in(frame)
        self._is_closed = not streams
        return answer.body if streams else None

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._connection.cancel(self._number)

    def drop(self) -> None:
        """Leave it to the host, which closes all streams when the call ends."""


def _asked(wanted: NamedCallRequest) -> tuple[bytes, bytes]:
    """Return the head and the body that describe a call."""
    method, headers, body = wanted.request()
    head = {"name": wanted.name, "given": wanted.given, "method": method, "path": wanted.path}
    return orjson.dumps({**head, "headers": headers, "stream": wanted.stream}), body


def _answer_in(frame: ProcessFrame) -> tuple[CallAnswer, bool]:
    """Return an answer, and whether (more of) a stream follows."""
    told = frame.trusted_head()
    if len(told) == 1:
        raise CallError(told[0])
    status, headers, streams = told
    return CallAnswer(status, headers, frame.body), streams


async def answer_isolated_process(caller: Call, head: Any, body: bytes) -> NestedCallAnswer:
    """Make the call that a process has asked for, and return its answer.

    Args:
        caller: the call of the isolated function

    Raises:
        CallError: as for `ffhost.call`
        ValueError, TypeError, KeyError: the head describes no call
    """
    given = head["given"]
    wanted = NamedCallRequest(
        str(head["name"]),
        body=None if given is None else body,
        headers={str(name): str(value) for name, value in head["headers"].items()},
        method=str(head["method"]),
        path=str(head["path"]),
        written=None if given == "body" else given,
        stream=bool(head["stream"]),
    )
    found = await make_named_call(caller, wanted)
    fields = cast("dict[str, str]", found.headers)
    if isinstance(found, CallAnswer):
        return NestedCallAnswer(found.status, fields, found.body)
    return NestedCallAnswer(found.status, fields, b"", found)
