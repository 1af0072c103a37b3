"""Logging: every message of user code and of the host becomes one complete entry.

Nothing here knows functions, requests or servers beyond their loggers: the host says where
a call's fields come from (`set_log_fields_source`) and how to log (`configure_logging`).
"""

from __future__ import annotations

from ffhost.observability.logs.call_fields import (
    bind_log_fields,
    binding_log_fields,
    forget_log_fields,
    set_log_fields_source,
)
from ffhost.observability.logs.capture import log_unfinished_output
from ffhost.observability.logs.interpreter_hooks import install_log_hook_on_loop, log_loop_exception
from ffhost.observability.logs.setup import (
    configure_logging,
    configured_summary_recorder,
    flush_log,
    hand_on_log_entries,
    reset_logging,
    restore_logging,
)

__all__ = [
    "bind_log_fields",
    "binding_log_fields",
    "configure_logging",
    "configured_summary_recorder",
    "flush_log",
    "forget_log_fields",
    "hand_on_log_entries",
    "install_log_hook_on_loop",
    "log_loop_exception",
    "log_unfinished_output",
    "reset_logging",
    "restore_logging",
    "set_log_fields_source",
]
