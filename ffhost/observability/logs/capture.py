"""Streams that capture what user code prints in a call, as entries. Nothing here renders.

One call of ``print`` is one entry, also when its text holds newlines: text is collected for
each task and thread apart until a piece of it ends with a newline, at the latest until the
call ends. A traceback, which Python prints piece by piece, is one entry. What is written to
``sys.stdout.buffer``, by C code or by a child process does not pass here.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
import threading
from typing import Any, BinaryIO, TextIO

from ffhost.observability.logs.call_fields import log_fields_of_call
from ffhost.observability.logs.entries import ERROR, INFO, LogEntries, LogEvent

_LONGEST_CHARACTERS = 64 * 1024
_TRACEBACK = ("Traceback (most recent call last):", "  + Exception Group Traceback")
_GOES_ON = (" ", "Traceback", "\n")
_CHAIN = ("\nDuring handling of the above", "\nThe above exception was")


class _Piece:
    """An incomplete line of one task or thread."""

    __slots__ = ("complete", "context", "execution_id", "parts", "size", "traceback")

    def __init__(self, execution_id: Any, traceback: bool) -> None:
        self.execution_id = execution_id
        self.context = contextvars.copy_context()
        self.parts: list[str] = []
        self.size = 0
        self.traceback = traceback
        self.complete = False

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)


class CapturedOutputStream(io.TextIOBase):
    """A replacement of ``sys.stdout`` or ``sys.stderr``.

    Args:
        original: the replaced stream; gets what is written outside calls
        name: ``stdout`` or ``stderr``, the logger of the entries
        level: their severity
        everywhere: True: make entries outside calls too
    """

    def __init__(self, original: TextIO, name: str, level: int, everywhere: bool = False) -> None:
        super().__init__()
        self.original = original
        self.entries: LogEntries | None = None
        self.everywhere = everywhere
        self._name = name
        self._level = level
        self._pieces: dict[Any, _Piece] = {}
        self._busy = threading.local()

    def write(self, text: str) -> int:
        """Take *text* for an entry, or pass it on outside calls."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        # Prints that occur while an entry is made are passed on: no recursion.
        if self.entries is None or getattr(self._busy, "here", False):
            return self.original.write(text)
        call = log_fields_of_call()
        if call or self.everywhere or self._pieces:
            self._busy.here = True
            try:
                if self._take(text, call):
                    return len(text)
            finally:
                self._busy.here = False
        return self.original.write(text)

    def end_call(self, execution_id: Any) -> None:
        """Make entries of what the call wrote without a newline at its end."""
        for writer, piece in list(self._pieces.items()):
            if piece.execution_id == execution_id:
                self._finish(writer)

    def _take(self, text: str, call: Any) -> bool:
        writer = _writer()
        execution_id = call.get("execution_id")
        piece = self._pieces.get(writer)
        if piece is not None and (
            piece.execution_id != execution_id
            or (piece.complete and text and not text.startswith(_CHAIN))
        ):
            self._finish(writer)
            piece = None
        if not (call or self.everywhere):
            return False
        if not text:
            return True
        if piece is None:
            begins_traceback = self._level >= ERROR and text.startswith(_TRACEBACK)
            if text.endswith("\n") and not begins_traceback:
                self._emit(text)
                return True
            piece = _Piece(execution_id, begins_traceback)
            self._pieces[writer] = piece
        piece.add(text)
        if piece.traceback and piece.size < _LONGEST_CHARACTERS:
            piece.complete = not text.startswith(_GOES_ON)
        elif text.endswith("\n") or piece.size >= _LONGEST_CHARACTERS:
            del self._pieces[writer]
            self._emit("".join(piece.parts))
        return True

    def _finish(self, writer: Any) -> None:
        piece = self._pieces.pop(writer, None)
        if piece is not None:
            piece.context.run(self._emit, "".join(piece.parts))

    def _emit(self, text: str) -> None:
        message = text.removesuffix("\n").removesuffix("\r")
        if not message.strip() or self.entries is None:
            return
        event = self.entries.printed(LogEvent(self._level, self._name, message, stream=self._name))
        # Only a level that somebody gave this very logger: a print has no level of its own,
        # and would be missed where the root's is WARNING.
        if event.level >= logging.getLogger(self._name).level:
            self.entries.emit(event)

    # What else code expects of a standard stream.

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the stream underneath, such as ``mode`` or ``line_buffering``."""
        return getattr(self.original, name)

    def writable(self) -> bool:
        """Return True: this can be written to."""
        return True

    def flush(self) -> None:
        """Flush the stream underneath; an incomplete line keeps waiting."""
        self.original.flush()

    def isatty(self) -> bool:
        """Return False: what is written becomes entries."""
        return False

    def fileno(self) -> int:
        """Return the descriptor of the stream underneath."""
        return self.original.fileno()

    @property
    def buffer(self) -> BinaryIO:
        """Return the bytes underneath, which are not captured."""
        return self.original.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream underneath."""
        return self.original.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Return the error handling of the stream underneath."""
        return self.original.errors

    def reconfigure(self, **options: Any) -> None:
        """Reconfigure the stream underneath."""
        reconfigure = getattr(self.original, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(**options)


def install_output_capture(entries: LogEntries, *, everywhere: bool = False) -> None:
    """Capture ``sys.stdout`` and ``sys.stderr``; again: change where the entries go."""
    for name, level in (("stdout", INFO), ("stderr", ERROR)):
        stream = getattr(sys, name)
        if stream is None:
            continue
        if not isinstance(stream, CapturedOutputStream):
            stream = CapturedOutputStream(stream, name, level)
            setattr(sys, name, stream)
        stream.entries = entries
        stream.everywhere = everywhere


def uninstall_output_capture() -> None:
    """Restore the streams; replacements that are still referenced pass everything on."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, CapturedOutputStream):
            stream.entries = None
            setattr(sys, name, stream.original)


def log_unfinished_output(execution_id: Any) -> None:
    """Make entries of what a call printed without a newline; for the end of every call."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, CapturedOutputStream) and stream._pieces:
            stream.end_call(execution_id)


def _writer() -> Any:
    """Return a key for the running task, or else the thread."""
    if asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
        if task is not None:
            return task
    return threading.get_ident()
