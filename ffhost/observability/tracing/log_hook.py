"""The hook ``log``: an entry at debug when a call begins, and one when it has ended."""

from __future__ import annotations

from typing import Any

from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.observability.tracing.hook import Steps, TraceHook, TraceHookPlace


def make_trace_hook(name: str, options: Any, place: TraceHookPlace) -> TraceHook:
    """Make the hook; it has no options."""
    log = get_logger("ffhost.calls")

    def calls(call: Call) -> Steps:
        message = call.message
        log.debug("call_began", method=message.method, path=message.path)
        outcome = yield
        log.debug(
            "call_ended",
            outcome=outcome.kind,
            status=outcome.status,
            duration_seconds=round(outcome.duration_seconds, 6),
            response_bytes=outcome.sent_bytes,
        )

    return TraceHook(name, calls)
