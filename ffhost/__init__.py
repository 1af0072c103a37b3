"""ffhost: one functions.yaml, one process, many functions.

What user code imports stands here, and is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._lazy import lazy_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ffhost.auth.principals import Principal
    from ffhost.errors import CallError, DeadlineExceeded
    from ffhost.execution.executor import executor
    from ffhost.host.call_answer import CallAnswer
    from ffhost.host.named_calls import call, call_sync
    from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
    from ffhost.invocation.current import Invocation, current
    from ffhost.invocation.outcome import Outcome
    from ffhost.loading.decorators import (
        cloud_event,
        error_handler,
        event,
        http,
        on_shutdown,
        on_startup,
        trace_hook,
        typed,
    )
    from ffhost.signatures.requests.native_request import Request
    from ffhost.web.responses import Response

_HOMES = {
    "AsyncStreamedAnswer": "ffhost.host.streamed_answer",
    "CallAnswer": "ffhost.host.call_answer",
    "CallError": "ffhost.errors",
    "DeadlineExceeded": "ffhost.errors",
    "Invocation": "ffhost.invocation.current",
    "Outcome": "ffhost.invocation.outcome",
    "Principal": "ffhost.auth.principals",
    "Request": "ffhost.signatures.requests.native_request",
    "Response": "ffhost.web.responses",
    "StreamedAnswer": "ffhost.host.streamed_answer",
    "call": "ffhost.host.named_calls",
    "call_sync": "ffhost.host.named_calls",
    "cloud_event": "ffhost.loading.decorators",
    "current": "ffhost.invocation.current",
    "error_handler": "ffhost.loading.decorators",
    "event": "ffhost.loading.decorators",
    "executor": "ffhost.execution.executor",
    "http": "ffhost.loading.decorators",
    "on_shutdown": "ffhost.loading.decorators",
    "on_startup": "ffhost.loading.decorators",
    "trace_hook": "ffhost.loading.decorators",
    "typed": "ffhost.loading.decorators",
}

__all__ = [
    "AsyncStreamedAnswer",
    "CallAnswer",
    "CallError",
    "DeadlineExceeded",
    "Invocation",
    "Outcome",
    "Principal",
    "Request",
    "Response",
    "StreamedAnswer",
    "call",
    "call_sync",
    "cloud_event",
    "current",
    "error_handler",
    "event",
    "executor",
    "http",
    "on_shutdown",
    "on_startup",
    "trace_hook",
    "typed",
]


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
