"""What makes the calls by name of a host, and what else takes part in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ffhost.host.call_answer import CallAnswer
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call

if TYPE_CHECKING:
    from ffhost.host.call_request import NamedCallRequest


Take: TypeAlias = "Callable[[bytes], Awaitable[None]]"
"""Takes a chunk of a streamed answer when it arrives."""


class NamedCalls(Protocol):
    """Calls functions of one host; made by the front that serves it."""

    def call(self, call: Call, take: Take | None = None) -> Awaitable[CallAnswer]:
        """Call from a coroutine and return the answer; *take* gets each chunk of a stream."""

    def open(self, call: Call) -> Awaitable[CallAnswer | AsyncStreamedAnswer]:
        """Call from a coroutine and return the answer; one that is a stream is not read."""

    def open_sync(self, call: Call) -> CallAnswer | StreamedAnswer:
        """Call from a thread and return the answer; one that is a stream is not read."""

    def leave_sync(self, call: Call) -> None:
        """Stop waiting for a call from a thread, and stop the function; from another thread."""


class NamedCallReplacement(Protocol):
    """What a test has put in the place of a function."""

    def answer(self, wanted: NamedCallRequest, caller: Call) -> CallAnswer | StreamedAnswer:
        """Return the answer to a call by name from a thread."""

    async def answer_async(
        self, wanted: NamedCallRequest, caller: Call
    ) -> CallAnswer | AsyncStreamedAnswer:
        """Return the answer to a call by name from a coroutine."""


CallRecorder: TypeAlias = (
    "Callable[[NamedCallRequest, Call, CallAnswer | StreamedAnswer | AsyncStreamedAnswer], None]"
)
"""Takes a call by name, its caller and its answer."""


class OuterNamedCalls(Protocol):
    """Makes the calls by name of a process that has no host of its own."""

    async def call(
        self, wanted: NamedCallRequest, caller: Call
    ) -> CallAnswer | AsyncStreamedAnswer:
        """Call from a coroutine and return the answer."""

    def call_sync(self, wanted: NamedCallRequest, caller: Call) -> CallAnswer | StreamedAnswer:
        """Call from a thread and return the answer."""
