"""Threads that user code starts know the call that they were started in.

They inherit one thing, what they run for: the call, so that `ffhost.current`, log entries and
``os.environ`` are right, and nothing else of its context. Frameworks would find a request in a
copied context that has long been answered. What is submitted to a
``concurrent.futures.ThreadPoolExecutor`` knows the call that submitted it, each item for itself;
the threads of pools inherit nothing, because they outlive the call. Neither do those that
libraries start. A deadline is never raised in any of them.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.variables import (
    Origin,
    active_call_or_function,
    continue_call_or_function,
    using_function_variables,
)
from ffhost.loading.modules import SCOPE_KEY

_TRANSPARENT = frozenset({"threading", "concurrent", "multiprocessing", "asyncio"})
"""Top-level names of modules that start threads on behalf of their callers."""
_POOLS = _TRANSPARENT - {"threading"}
"""Top-level names of modules whose own threads belong to no call."""
_MARK = "__ffhost_wrapped__"


def install_thread_patches() -> None:
    """Wrap the start of threads and the submission to pools; may be called again."""
    if not hasattr(threading.Thread.start, _MARK):
        _wrap_start()
        _wrap_submit()


def _wrap_start() -> None:
    original = threading.Thread.start

    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        origin = active_call_or_function()
        if origin is not None and not _is_of_pool(self) and _is_user_code(sys._getframe(1)):
            _continue_in(self, origin)
        original(self)

    setattr(start, _MARK, True)
    threading.Thread.start = start  # type: ignore[method-assign]


def _wrap_submit() -> None:
    original: Any = ThreadPoolExecutor.submit

    @functools.wraps(original)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        origin = active_call_or_function()
        if origin is None or not _is_user_code(sys._getframe(1)):
            return original(self, fn, *args, **options)
        return original(self, _run_for, origin, fn, *args, **options)

    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def _is_user_code(frame: FrameType | None) -> bool:
    """Whether the nearest frame outside of the standard library's threads is user code."""
    while frame is not None:
        if SCOPE_KEY in frame.f_builtins:
            return True
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _TRANSPARENT:
            return False
        frame = frame.f_back
    return False


def _is_of_pool(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    homes = (type(thread).__module__, getattr(target, "__module__", None))
    own = type(thread).run is threading.Thread.run
    home = homes[1] if own and target is not None else homes[0]
    return str(home).partition(".")[0] in _POOLS


def _continue_in(thread: threading.Thread, origin: Origin) -> None:
    run = thread.run

    def run_for_origin() -> None:
        vars(thread).pop("run", None)
        continue_call_or_function(origin)
        run()

    thread.run = run_for_origin  # type: ignore[method-assign]


def _run_for(origin: Origin, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    """Call *fn* for *origin*, and leave the thread of the pool as it was."""
    if not isinstance(origin, Call):
        with using_function_variables(origin):
            return fn(*args, **options)
    token = CURRENT.set(origin)
    try:
        return fn(*args, **options)
    finally:
        CURRENT.reset(token)
