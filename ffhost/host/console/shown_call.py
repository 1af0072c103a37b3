"""One call as the console shows it, made of what was noted when it ended. All of it is masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ffhost.errors import RequestError
from ffhost.events.facts import event_facts_of
from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.invocation.call import Call
from ffhost.invocation.outcome import Outcome
from ffhost.observability.kept_replies import BODY_BYTES, KeptReply
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

Record = dict[str, Any]
"""A call with ``call``, ``request``, ``response``, ``masked``, ``execution_id``, ``trace_id``."""


class NotedConsoleCall(NamedTuple):
    """What is noted of a call, before anybody has time to look at it."""

    id: str
    worker: int
    ended: float
    function: str
    signature: str
    source: str
    execution_id: str
    trace_id: str | None
    span_id: str | None
    caller: str | None
    event: Any
    outcome: Outcome
    message: Message
    body: bytes
    body_size: int
    reply: KeptReply | None
    captures: bool


def note_console_call(
    call: Call, outcome: Outcome, identity: str, worker: int, ended: float, *, captures: bool
) -> NotedConsoleCall:
    """Return the note of a call that has its outcome; nothing of it is read that is not at hand."""
    message = call.message
    return NotedConsoleCall(
        identity,
        worker,
        ended,
        call.function.name,
        call.function.signature,
        "call" if call.caller is not None else "schedule" if call.schedule else call.source,
        call.execution_id,
        call.trace_id,
        call.span_id,
        call.caller,
        call.event,
        outcome,
        message,
        message.body[:BODY_BYTES],
        len(message.body),
        _kept(call.kept_reply),
        captures,
    )


def _kept(reply: Reply | KeptReply | None) -> KeptReply | None:
    """Return what is kept of an answer: it may be as long as a function likes."""
    if isinstance(reply, Reply):
        return KeptReply(reply.status, reply.headers, reply.body)
    return reply


def console_call_record(noted: NotedConsoleCall, mask: ConsoleMessageMask) -> Record:
    """Return the record of a call, masked."""
    message, outcome = noted.message, noted.outcome
    facts = event_facts_of(noted.event) if noted.event is not None else None
    started = datetime.fromtimestamp(noted.ended - outcome.duration_seconds, UTC)
    request, masked = _request(noted, mask) if noted.captures else (None, [])
    return {
        "call": {
            "id": noted.id,
            "function": noted.function,
            "signature": noted.signature,
            "method": message.method,
            "path": mask.path(message.path),
            "status": outcome.status,
            "outcome": outcome.kind,
            "started": started.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "duration_ms": round(outcome.duration_seconds * 1000, 3),
            "worker": noted.worker,
            "from": noted.source,
            "event_type": None if facts is None else mask.text(str(facts.type)),
            "size_in": noted.body_size,
            "size_out": outcome.sent_bytes,
        },
        "request": request,
        "response": _response(noted, mask) if noted.captures else None,
        "masked": masked,
        "execution_id": noted.execution_id,
        "trace_id": noted.trace_id,
        "span_id": noted.span_id,
        "caller": noted.caller,
        "order": noted.ended,
    }


def _request(noted: NotedConsoleCall, mask: ConsoleMessageMask) -> tuple[Mapping[str, Any], Any]:
    message = noted.message
    return mask.request(
        message.method,
        message.path,
        message.query,
        message.headers.items(),
        noted.body,
        cut=noted.body_size > len(noted.body),
    )


def _response(noted: NotedConsoleCall, mask: ConsoleMessageMask) -> Mapping[str, Any]:
    """Return the answer: what the function made, or what follows from the error of the call."""
    status, reply = noted.outcome.status, noted.reply
    if reply is not None and reply.status == status:
        return mask.answer(status, reply.headers, reply.body, cut=reply.cut)
    error = noted.outcome.error
    if isinstance(error, RequestError) and error.status == status:
        made = problems.problem_reply(error, noted.execution_id)
        return mask.answer(status, made.headers, made.body)
    return mask.answer(status, [], b"", cut=noted.outcome.sent_bytes > 0)
