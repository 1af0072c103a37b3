"""Debuggers in user code: the deadline of a call waits while it stands at a breakpoint.

Only for development (``--debug``). ``pdb`` covers ``breakpoint()`` and what derives from it, such
as ipdb; pydevd is the debugger behind debugpy, VS Code and PyCharm.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from ffhost.invocation.current import CURRENT

_open: set[int] = set()
"""The threads that stand at a breakpoint."""


def install_debugger_watch() -> None:
    """Make deadlines wait for the debuggers that are imported; may be called again."""
    import pdb

    _surround(pdb.Pdb, "interaction")
    pydevd = sys.modules.get("pydevd")
    if pydevd is not None:
        _surround(pydevd.PyDB, "do_wait_suspend")


def is_at_breakpoint() -> bool:
    """Whether any call stands at a breakpoint."""
    return bool(_open)


def _surround(owner: Any, name: str) -> None:
    """Pause the deadline of the running call around a method of a debugger."""
    stand: Callable[..., Any] | None = getattr(owner, name, None)
    if stand is None or hasattr(stand, "__wrapped__"):
        return

    @wraps(stand)
    def paused(*arguments: Any, **options: Any) -> Any:
        call = CURRENT.get()
        deadline = None if call is None else call.deadline
        thread = threading.get_ident()
        _open.add(thread)
        if deadline is not None:
            deadline.pause()
        try:
            return stand(*arguments, **options)
        finally:
            _open.discard(thread)
            if deadline is not None:
                deadline.resume()

    setattr(owner, name, paused)
