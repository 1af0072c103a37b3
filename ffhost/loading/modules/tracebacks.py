"""Tracebacks of user code without the frames that imported it. Knows no formatting."""

from __future__ import annotations

import importlib
import os
from types import TracebackType

from ffhost.loading.modules.scopes import SCOPE_KEY

_MACHINERY = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    str(importlib.__file__),
    "<frozen importlib",
)


def trim(traceback: TracebackType | None) -> TracebackType | None:
    """Remove the frames of this package and of importlib from *traceback*, in place."""
    while traceback is not None and _is_machinery(traceback):
        traceback = traceback.tb_next
    current = traceback
    while current is not None:
        following = current.tb_next
        while following is not None and _is_machinery(following):
            following = following.tb_next
        current.tb_next = following
        current = following
    return traceback


def user_frame(traceback: TracebackType | None) -> TracebackType | None:
    """Return the innermost entry of *traceback* that is user code, or None."""
    found = None
    while traceback is not None:
        if SCOPE_KEY in traceback.tb_frame.f_builtins:
            found = traceback
        traceback = traceback.tb_next
    return found


def _is_machinery(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename.startswith(_MACHINERY)
