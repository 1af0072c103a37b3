"""ffhost: one functions.yaml, one process, many functions.

What user code imports stands here, and is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ffhost.errors import DeadlineExceeded
    from ffhost.execution.executor import executor
    from ffhost.invocation.current import Invocation, Outcome, current
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
    from ffhost.signatures.requests.native import Request
    from ffhost.web.responses import Response

_HOMES = {
    "DeadlineExceeded": "ffhost.errors",
    "Invocation": "ffhost.invocation.current",
    "Outcome": "ffhost.invocation.current",
    "Request": "ffhost.signatures.requests.native",
    "Response": "ffhost.web.responses",
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
    "DeadlineExceeded",
    "Invocation",
    "Outcome",
    "Request",
    "Response",
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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ffhost' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
