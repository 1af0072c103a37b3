"""The calls by name that functions make, as a test sees them."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ffhost.events.binding import decode_cloud_event
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import UNSET, NamedCallRequest
from ffhost.host.streamed_answer import AsyncStreamedAnswer, NamedCallStream, StreamedAnswer
from ffhost.invocation.call import Call


@dataclass(frozen=True)
class MadeCall:
    """One call by name that a function made, as a test sees it.

    Args:
        caller: the function that called
        name: the function that it wanted
        value: what a typed function was to get, else the body of JSON; None for neither
        body: the body as it was given; None for none
        event: the CloudEvent; None for none
        headers: further header fields, as they were given
        method: as it was given; None for the default
        path: as it was given
        answer: what came back; None while a fake is asked for it, and while a stream is read

    Example:
        >>> def price(call):
        ...     return {"cents": 100 * call.value["amount"]}
        >>> price(MadeCall("order", "price", {"amount": 2}, None, None, {}, None, "", None))
        {'cents': 200}

    Since 0.2.
    """

    caller: str
    name: str
    value: Any
    body: bytes | str | None
    event: Any
    headers: Mapping[str, str]
    method: str | None
    path: str
    answer: CallAnswer | None = None


def record_named_call(
    wanted: NamedCallRequest, caller: Call, answer: CallAnswer | None
) -> MadeCall:
    """Return the record of a call."""
    value = wanted.json if wanted.value is UNSET else wanted.value
    body, event = wanted.body, wanted.event
    if wanted.written is not None:
        assert isinstance(body, bytes)
        if wanted.written == "event":
            event, body = decode_cloud_event(wanted.headers, body), None
        else:
            value, body = jsonlib.loads(body), None
    return MadeCall(
        caller.function.name,
        wanted.name,
        None if value is UNSET else value,
        body,
        event,
        wanted.headers,
        wanted.method,
        wanted.path,
        answer,
    )


class RecordedNamedCallStream:
    """A stream whose chunks are reported once it has ended or was closed."""

    def __init__(self, stream: NamedCallStream, ended: Callable[[bytes], object]) -> None:
        self._stream = stream
        self._ended: Callable[[bytes], object] | None = ended
        self._chunks: list[bytes] = []

    def get(self) -> bytes | None:
        """Return the next chunk; None at the end."""
        return self._taken(self._stream.get())

    async def get_async(self) -> bytes | None:
        """Return the next chunk; None at the end."""
        return self._taken(await self._stream.get_async())

    def _taken(self, chunk: bytes | None) -> bytes | None:
        if chunk is not None:
            self._chunks.append(chunk)
        return chunk

    def close(self) -> None:
        """Close the stream, and report what was read."""
        self._stream.close()
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(b"".join(self._chunks))

    def drop(self) -> None:
        """Close the stream soon; it is reported when the caller ends."""
        self._stream.drop()


class NamedCallRecord:
    """Records the calls by name that are made.

    Args:
        made: gets them, in the order in which their answers begin
    """

    def __init__(self, made: list[MadeCall]) -> None:
        self._made = made

    def take(
        self,
        wanted: NamedCallRequest,
        caller: Call,
        answer: CallAnswer | StreamedAnswer | AsyncStreamedAnswer,
    ) -> None:
        """Record a call; the answer of one that streams is set when the stream has ended."""
        if isinstance(answer, CallAnswer):
            self._made.append(record_named_call(wanted, caller, answer))
            return
        place = len(self._made)
        self._made.append(record_named_call(wanted, caller, None))
        status, headers = answer.status, answer.headers

        def ended(body: bytes) -> None:
            whole = CallAnswer(status, headers, body)
            self._made[place] = replace(self._made[place], answer=whole)

        answer.read_through(lambda stream: RecordedNamedCallStream(stream, ended))
