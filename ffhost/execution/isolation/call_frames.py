"""Calls and replies as the heads and bodies of frames."""

from __future__ import annotations

import marshal
import struct
import time
from functools import lru_cache
from typing import Any

from ffhost.config.units import UNLIMITED
from ffhost.errors import BadRequest, FfhostError
from ffhost.events.facts import event_facts_of
from ffhost.execution.isolation.frames import (
    FrameMisfit,
    ProcessFrame,
    frame_head_as_json,
    json_of_process,
)
from ffhost.invocation.call import Call
from ffhost.invocation.deadline import Deadline
from ffhost.invocation.function import Function
from ffhost.web.messages import Message, Reply

_TIMES = struct.Struct("!d?")
"""How long the process ran a call, and whether its answer tells more than status and headers.

They come before the JSON, so that this is the same in most answers of a function."""
_SHORT_HEAD_BYTES = 1024
_WITHOUT_REFERENCES = 2
"""The version of `marshal` that looks for nothing that occurs twice, which takes longer."""


class IsolatedFunctionCrashed(FfhostError):
    """An exception of an isolated function, which its process has logged with its stack."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind = kind


def call_frame_head(call: Call, seconds: float | None = None) -> bytes:
    """Return the head of the frame that asks for a call; its body is the request's.

    Args:
        seconds: how long a call may run that has no deadline yet; None for no limit
    """
    return marshal.dumps(
        (
            call.execution_id,
            call.started,
            None if call.deadline is None else call.deadline.at,
            seconds,
            # The process reads them from the header fields itself, unless the host traces.
            None if call.span_context is None else (call.trace_id, call.span_id),
            None if call.principal is None else call.principal.as_texts(),
            call.message.parts(),
        ),
        _WITHOUT_REFERENCES,
    )


def call_of_frame(function: Function, frame: ProcessFrame) -> Call:
    """Make the call that *frame* asks for, in the process that runs it."""
    execution_id, started, deadline, seconds, ids, principal, parts = frame.trusted_head()
    message = Message.of_parts(parts, frame.body)
    call = Call(function, message, execution_id)
    # The monotonic clock is shared by all processes of the machine.
    call.started = started
    if seconds is not None:
        deadline = time.monotonic() + seconds
    if deadline is not None:
        call.deadline = Deadline()
        call.deadline.at = deadline
    if ids is not None:
        call.ids = ids
    if principal is not None:
        from ffhost.auth.principals import Principal

        call.principal = Principal.of_texts(principal)
    return call


def reply_frame_head(reply: Reply, call: Call, seconds: float = UNLIMITED) -> bytes:
    """Return the head of the frame that answers a call; its body is the reply's.

    Args:
        seconds: how long the process ran the call; infinite for one that streams
    """
    # A header's value may be of a class derived from str; JSON encodes it as its text.
    head = {"status": int(reply.status), "headers": reply.headers}
    more = _end_of(call)
    if call.event is not None and (facts := event_facts_of(call.event)) is not None:
        more["event"] = {name: _plain(value) for name, value in facts._asdict().items()}
    return _TIMES.pack(seconds, bool(more)) + frame_head_as_json({**head, **more})


def stream_end_head(call: Call) -> bytes:
    """Return the head of the frame that ends a stream, with the error that has cut it."""
    return frame_head_as_json(_end_of(call))


def _end_of(call: Call) -> dict[str, Any]:
    """Return what the host is told at the end of a call: its error, and what was kept."""
    found: dict[str, Any] = {"entries": call.kept_entries} if call.kept_entries else {}
    error = call.error
    if error is not None:
        try:
            text = str(error)
        except Exception:
            text = ""
        found["error"] = [type(error).__name__, text]
    return found


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def take_reply_frame(frame: ProcessFrame, call: Call) -> tuple[Reply, float]:
    """Make the reply that *frame* holds, and tell *call* of its event and its error.

    Returns:
        the reply, and how many seconds the process ran the call

    Raises:
        FrameMisfit: it does not hold a reply
    """
    try:
        seconds, has_more = _TIMES.unpack_from(frame.head)
        text = frame.head[_TIMES.size :]
        if has_more:
            head = json_of_process(text)
            status, headers = _status_and_headers(head)
            _take_more(head, status, call)
        elif len(text) <= _SHORT_HEAD_BYTES:
            status, headers = _short_head(text)
        else:
            status, headers = _status_and_headers(json_of_process(text))
    except (ValueError, TypeError, KeyError, struct.error) as error:
        raise FrameMisfit(f"its answer cannot be read: {error}") from error
    return Reply(status, list(headers), frame.body), seconds


@lru_cache(maxsize=64)
def _short_head(text: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Read status and header fields, which are the same in most answers of a function."""
    return _status_and_headers(json_of_process(text))


def _status_and_headers(head: Any) -> tuple[int, tuple[tuple[str, str], ...]]:
    return int(head["status"]), tuple((str(name), str(value)) for name, value in head["headers"])


def _take_more(head: Any, status: int, call: Call) -> None:
    call.event = head.get("event")
    call.kept_entries = tuple(head.get("entries", ()))
    if "error" in head:
        kind, text = head["error"]
        call.error = IsolatedFunctionCrashed(kind, text) if status >= 500 else BadRequest(text)


def take_stream_end(frame: ProcessFrame, call: Call) -> IsolatedFunctionCrashed | None:
    """Return what has cut the stream of *call* that *frame* ends; None if it is whole.

    Raises:
        FrameMisfit: it does not end a stream
    """
    head = json_of_process(frame.head)
    try:
        call.kept_entries = tuple(head.get("entries", ()))
        return IsolatedFunctionCrashed(*map(str, head["error"])) if "error" in head else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FrameMisfit(f"the end of its stream cannot be read: {error}") from error
