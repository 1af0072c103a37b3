"""Completion of replies for both fronts, and reporting of each call's outcome.

Everything is composed when a function is mounted: a function without observers has no cost
for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from ffhost.host.service import Service
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.outcome import Outcome, outcome_kind_of_call
from ffhost.web import cors
from ffhost.web.messages import Reply

Finish: TypeAlias = Callable[[Call, Reply], None]
Settle: TypeAlias = Callable[[Call, int, int], None]

_CLOSE = ("connection", "close")

UNSENT = (b"",)
"""A placeholder for a stream of which only the head is sent.

Falcon would send ``Content-Length: 0`` without a stream, and HEAD must not name a length that
GET would not have (RFC 9110, section 8.6).
"""


def make_reply_completer(function: Function, service: Service) -> Finish:
    """Return a callable that completes replies of *function*: id, CORS, closing, outcome."""
    declared = function.settings.cors
    settle = make_reply_reporter(function)

    def finish(call: Call, reply: Reply) -> None:
        reply.headers.append(("function-execution-id", call.execution_id))
        if service.draining:
            reply.headers.append(_CLOSE)
        if declared is not None:
            cors.permit_cross_origin(declared, call.message, reply)
        if settle is not None and call.channel is None:
            settle(call, reply.status, len(reply.body))

    return finish


def complete_reply(reply: Reply, identity: str, service: Service) -> None:
    """Add the headers of every answer to one that no function made."""
    reply.headers.append(("function-execution-id", identity))
    if service.draining:
        reply.headers.append(_CLOSE)


def make_reply_reporter(function: Function) -> Settle | None:
    """Return a callable that reports a call's outcome to the observers of *function*, if any.

    It is called once per call, when the outcome is decided: with the reply, or with the end of
    its stream.
    """
    if not function.observers and function.late_load is None:
        return None

    def settle(call: Call, status: int, sent_bytes: int) -> None:
        outcome = Outcome(
            outcome_kind_of_call(call, status),
            status,
            time.monotonic() - call.started,
            sent_bytes,
            call.error,
        )
        for observe in call.function.observers:
            observe(call, outcome)

    return settle
