"""What the threads of this process are at, without a fault of Python 3.11."""

from __future__ import annotations

import gc
import operator
import sys
from types import FrameType

_COLLECTS_WHERE_IT_ALLOCATES = sys.version_info < (3, 12)


def frame_of_thread(ident: int) -> FrameType | None:
    """Return the frame that the thread *ident* is in, or None if it has ended.

    `sys._current_frames` makes frame objects while it holds a lock of the interpreter. On Python
    3.11 the garbage collector may begin there; what it runs lets other threads run, and the next
    one that needs the same lock waits for it for ever, with the GIL: the process hangs
    (https://github.com/python/cpython/issues/106883). The collector is therefore off meanwhile.
    `map` makes the three calls in C: no other thread runs, or forks, between them.
    """
    if not (_COLLECTS_WHERE_IT_ALLOCATES and gc.isenabled()):
        return sys._current_frames().get(ident)
    steps = (gc.disable, sys._current_frames, gc.enable)
    _, frames, _ = map(operator.call, steps)
    found: FrameType | None = frames.get(ident)  # type: ignore[union-attr]
    return found
