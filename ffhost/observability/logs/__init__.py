"""Logging: every message of user code and of the host becomes one complete entry.

Nothing here knows functions, requests or servers beyond their loggers: the host says where
a call's fields come from (`set_context_source`) and how to log (`configure`).
"""

from __future__ import annotations

from ffhost.observability.logs.call_fields import bind, binding, forget, set_context_source
from ffhost.observability.logs.capture import end_call
from ffhost.observability.logs.interpreter_hooks import install_on_loop, loop_exception_handler
from ffhost.observability.logs.setup import (
    configure,
    flush_log,
    hand_on,
    recorder,
    reset,
    restore,
)

__all__ = [
    "bind",
    "binding",
    "configure",
    "end_call",
    "flush_log",
    "forget",
    "hand_on",
    "install_on_loop",
    "loop_exception_handler",
    "recorder",
    "reset",
    "restore",
    "set_context_source",
]
