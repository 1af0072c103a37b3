"""What both fronts do with a reply before they write it, and how a call's outcome is settled.

Everything is composed when a function is mounted: a function that nobody observes pays for
no observation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ffhost import cors
from ffhost.context import Invocation, Outcome, OutcomeKind
from ffhost.errors import RequestError, TooManyRequests, Unavailable
from ffhost.functions import Function
from ffhost.messages import Reply
from ffhost.service import Service

if TYPE_CHECKING:
    import falcon
    import falcon.asgi

Finish: TypeAlias = Callable[[Invocation, Reply], None]
Settle: TypeAlias = Callable[[Invocation, int, int], None]

UNSENT = (b"",)
"""Stands for a stream of which only the head is sent.

Falcon would say ``Content-Length: 0`` without a stream, and HEAD must not name a length that
GET would not have (RFC 9110, section 8.6).
"""


def finisher(function: Function, service: Service) -> Finish:
    """Make what completes the replies of *function*: execution id, CORS, closing, outcome."""
    declared = function.settings.cors
    settle = settler(function)

    def finish(invocation: Invocation, reply: Reply) -> None:
        complete(reply, invocation.execution_id, service)
        if declared is not None:
            cors.permit(declared, invocation.message, reply)

    def finish_observed(invocation: Invocation, reply: Reply) -> None:
        finish(invocation, reply)
        if invocation.channel is None and settle is not None:
            settle(invocation, reply.status, len(reply.body))

    return finish if settle is None else finish_observed


def complete(reply: Reply, identity: str, service: Service) -> None:
    """Add what every answer carries: the execution id, and whether the connection ends."""
    reply.headers.append(("function-execution-id", identity))
    if service.draining:
        reply.headers.append(("connection", "close"))


def settler(function: Function) -> Settle | None:
    """Make what tells the observers of *function* how a call ended; None without observers.

    It is called once a call, when the caller's outcome is settled: with the reply, or with
    the end of its stream.
    """
    if not function.observers and function.pending is None:
        return None

    def settle(invocation: Invocation, status: int, sent_bytes: int) -> None:
        outcome = Outcome(
            outcome_kind(invocation, status),
            status,
            time.monotonic() - invocation.started,
            sent_bytes,
            invocation.error,
        )
        for observe in function.observers:
            observe(invocation, outcome)

    return settle


def outcome_kind(invocation: Invocation, status: int) -> OutcomeKind:
    """Name how a call ended for its caller."""
    error = invocation.error
    if status < 400 and error is None:
        return "ok"
    if invocation.expired:
        return "timeout"
    if isinstance(error, TooManyRequests | Unavailable) or function_unavailable(invocation):
        return "rejected"
    if error is not None and not isinstance(error, RequestError):
        return "crash"
    if status >= 500:
        return "crash"
    return "client_error" if status >= 400 else "ok"


def function_unavailable(invocation: Invocation) -> bool:
    """Say whether the function was switched off or had failed to load."""
    return getattr(invocation.function, "unavailable", None) is not None


def write(resp: falcon.Response | falcon.asgi.Response, reply: Reply) -> None:
    """Put *reply* into Falcon's response, with every field line that it has."""
    resp.status = reply.status
    if reply.body:
        resp.data = reply.body
    headers = resp._headers
    for name, value in reply.headers:
        name = name.lower()
        if name in headers:
            # Falcon's own way joins repeated lines with a comma, which not all fields survive.
            if resp._extra_headers is None:
                resp._extra_headers = []
            resp._extra_headers.append((name, value))
        else:
            headers[name] = value
