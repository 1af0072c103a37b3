"""State of the whole process that a test must not leave changed, or others depend on the order.

What a host installs once and for good is not looked at: its import finders, the class of
`os.environ` and OpenTelemetry's provider.
"""

from __future__ import annotations

import builtins
import logging
import os
import signal
import sys
import threading
from typing import Any

PLAIN_MODULES = ("main", "created", "functions_framework")
"""Names under which the code of a test is imported when it is served without a file."""

_VARIABLES: dict[bytes, bytes] = os.environ._data  # undecoded: this runs around every test


def process_state() -> dict[str, Any]:
    """Return what is to be the same after a test as before it."""
    structlog = sys.modules.get("structlog")
    return {
        "sys.path": list(sys.path),
        "sys.argv": list(sys.argv),
        "sys.stdout": sys.stdout,
        "sys.excepthook": sys.excepthook,
        "threading.excepthook": threading.excepthook,
        "trace functions": (sys.gettrace(), sys.getprofile()),
        "modules": [name for name in PLAIN_MODULES if name in sys.modules],
        "builtins": {*vars(builtins)} - {"_"},  # the last value that a doctest showed
        "folder": os.getcwd(),
        "environment": {**_VARIABLES, b"PYTEST_CURRENT_TEST": b""},
        "signals": (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)),
        "root logger": (logging.root.level, _handlers(logging.root)),
        "ffhost's logger": _logger("ffhost"),
        "a server's logger": _logger("uvicorn.access"),
        "logging.disable": logging.root.manager.disable,
        "structlog": structlog is not None and structlog.is_configured(),
    }


def _logger(name: str) -> Any:
    logger = logging.getLogger(name)
    return logger.level, logger.disabled, logger.propagate, _handlers(logger)


def _handlers(logger: logging.Logger) -> list[logging.Handler]:
    """Return the handlers but pytest's, which are others in each phase of a test."""
    return [one for one in logger.handlers if not type(one).__module__.startswith("_pytest")]
