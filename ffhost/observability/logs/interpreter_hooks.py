"""Hooks that log warnings and uncaught exceptions, which Python would write to stderr.

Nothing here renders. Each hook replaces the interpreter's; `uninstall_log_hooks` restores the
previous ones.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from ffhost.observability.logs.entries import CRITICAL, ERROR, LogEntries, LogEvent
from ffhost.observability.logs.log_json import log_value_repr

if TYPE_CHECKING:
    import asyncio

_before: dict[str, Any] = {}
_entries: LogEntries | None = None


def install_log_hooks(entries: LogEntries) -> None:
    """Log warnings and uncaught exceptions of threads, finalizers and the process."""
    global _entries
    _entries = entries
    if _before:
        return
    _before.update(
        excepthook=sys.excepthook,
        unraisablehook=sys.unraisablehook,
        threadhook=threading.excepthook,
        showwarning=warnings.showwarning,
    )
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    warnings.showwarning = _show_warning


def uninstall_log_hooks() -> None:
    """Restore the hooks from before `install_log_hooks`."""
    global _entries
    _entries = None
    if not _before:
        return
    sys.excepthook = _before["excepthook"]
    sys.unraisablehook = _before["unraisablehook"]
    threading.excepthook = _before["threadhook"]
    warnings.showwarning = _before["showwarning"]
    _before.clear()


def install_log_hook_on_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Log what *loop* reports: exceptions of callbacks and of tasks that are not awaited."""
    loop.set_exception_handler(log_loop_exception)


def log_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log one report of an event loop."""
    fields = {}
    task = context.get("task") or context.get("future")
    if task is not None:
        fields["task"] = _name_of(task)
    _emit(
        ERROR,
        "asyncio",
        str(context.get("message") or "unhandled exception in event loop"),
        context.get("exception"),
        fields,
        run=getattr(_context_of(task), "run", None),
    )


def _context_of(task: Any) -> Any:
    """Return the context in which *task* ran, so that the entry names its call; from 3.12 on."""
    get_context = getattr(task, "get_context", None)
    return get_context() if get_context is not None else None


def _name_of(task: Any) -> str:
    get_name = getattr(task, "get_name", None)
    return str(get_name()) if get_name is not None else log_value_repr(task)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _emit(ERROR, "python", "interrupted", None)
        return
    _emit(CRITICAL, "python", "uncaught exception", error.with_traceback(trace))
    if _entries is not None:
        _entries.out.flush()


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if issubclass(args.exc_type, SystemExit):
        return  # as in Python's own hook: the thread ends silently
    name = args.thread.name if args.thread is not None else "?"
    error = args.exc_value if args.exc_value is not None else args.exc_type()
    _emit(ERROR, "threading", "uncaught exception in thread", error, {"thread": name})


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    message = unraisable.err_msg or "exception ignored in"
    fields = {"object": log_value_repr(unraisable.object)} if unraisable.object is not None else {}
    _emit(ERROR, "python", message, unraisable.exc_value, fields)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if file is not None:
        _before["showwarning"](message, category, filename, lineno, file, line)
        return
    where = {"category": category.__name__, "file": filename, "line": lineno}
    logging.getLogger("py.warnings").warning("%s", message, extra=where)


def _emit(
    level: int,
    logger: str,
    message: str,
    error: BaseException | None,
    fields: dict[str, Any] | None = None,
    run: Callable[..., Any] | None = None,
) -> None:
    if _entries is None or not logging.getLogger(logger).isEnabledFor(level):
        return
    event = LogEvent(level, logger, message, fields or {}, error)
    if run is None:
        _entries.emit(event)
        return
    try:
        run(_entries.emit, event)
    except RuntimeError:  # that context is running just now
        _entries.emit(event)
