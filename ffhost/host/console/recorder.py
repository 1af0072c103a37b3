"""What the console notes when a call, a log entry or a span ends, and makes of it later.

Noting is done where the call is answered, and must be quick; masking and keeping is done by
`Recorder.take_notes`, on a thread of the console. Nothing is kept unmasked for longer than it
takes until then.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import orjson

from ffhost.config.settings import Settings
from ffhost.host.console.budget import ConsoleCallBudget
from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.host.console.minutes import ConsoleMinutes
from ffhost.host.console.shown_call import NotedConsoleCall, console_call_record, note_console_call
from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.invocation.outcome import Outcome
from ffhost.observability.kept_replies import BODY_BYTES

_NOTES = 2000
"""Most notes that wait; a host that is busier than this drops the oldest."""
_IDS = 5000


class NotedConsoleEntry(NamedTuple):
    """A log entry of a call."""

    fields: Mapping[str, Any]


class NotedProcessEntry(NamedTuple):
    """A log entry that the process of an isolated function has sent with its answer."""

    line: Any
    function: str
    execution_id: str


class NotedConsoleSpan(NamedTuple):
    """A span that has ended."""

    span: Any


_Note: TypeAlias = NotedConsoleCall | NotedConsoleEntry | NotedProcessEntry | NotedConsoleSpan


class ConsoleRecorder:
    """Notes what happens in this worker.

    Args:
        settings: returns those in force
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._notes: deque[_Note] = deque(maxlen=_NOTES)
        self._budget = ConsoleCallBudget(time.monotonic())
        self._failed = ConsoleCallBudget(time.monotonic())
        self._known: deque[str] = deque(maxlen=_IDS)
        self._ids: set[str] = set()
        self._count = 0
        self._lock = threading.Lock()
        self._worker = os.getpid()
        self.minutes = ConsoleMinutes(time.time())
        self.dropped = 0

    def note_call(self, call: Call, outcome: Outcome) -> None:
        """Keep a note of a call that has its outcome."""
        failed = outcome.status >= 500
        self.minutes.add(call.function.name, outcome.duration_seconds, failed)
        budget = self._failed if failed or call.source == "console" else self._budget
        if budget.is_spent:
            self.dropped += 1
            return
        budget.spend(min(len(call.message.body), BODY_BYTES) + min(outcome.sent_bytes, BODY_BYTES))
        captures = self._settings().console.capture
        for line in call.kept_entries:
            self._notes.append(NotedProcessEntry(line, call.function.name, call.execution_id))
        identity = self._identity(call)
        ended = time.time()
        self._notes.append(
            note_console_call(call, outcome, identity, self._worker, ended, captures=captures)
        )

    def _identity(self, call: Call) -> str:
        """Return an id for the call: its execution id, unless another call has that."""
        identity = call.execution_id
        with self._lock:
            if identity in self._ids or call.caller is not None or call.source == "event":
                self._count += 1
                return f"{identity}~{self._worker}.{self._count}"
            if len(self._known) == _IDS:
                self._ids.discard(self._known[0])
            self._known.append(identity)
            self._ids.add(identity)
        return identity

    def note_entry(self, fields: Mapping[str, Any]) -> None:
        """Keep a note of a log entry, if it belongs to a call."""
        if "execution_id" in fields:
            self._notes.append(NotedConsoleEntry(fields))

    def note_span(self, span: Any) -> None:
        """Keep a note of a span that has ended."""
        self._notes.append(NotedConsoleSpan(span))

    def take_notes(self, mask: ConsoleMessageMask) -> list[bytes]:
        """Return what was noted since the last time, masked, as lines."""
        now = time.monotonic()
        self._budget.fill_up(now)
        self._failed.fill_up(now)
        self.minutes.turn(time.time())
        lines: list[bytes] = []
        while True:
            try:
                note = self._notes.popleft()
            except IndexError:
                return lines
            try:
                lines.append(_line(note, mask))
            except Exception as error:  # user code may have made any value
                get_logger("ffhost").warning("console_note_lost", reason=type(error).__name__)


def _line(note: _Note, mask: ConsoleMessageMask) -> bytes:
    if isinstance(note, NotedConsoleCall):
        value: dict[str, Any] = {"kind": "call", **console_call_record(note, mask)}
    elif isinstance(note, NotedConsoleEntry):
        from ffhost.host.console.entry_record import console_entry_record

        value = console_entry_record(note.fields, mask)
    elif isinstance(note, NotedProcessEntry):
        from ffhost.host.console.entry_record import console_entry_record
        from ffhost.host.console.process_entries import read_process_entry

        value = console_entry_record(read_process_entry(*note), mask)
    else:
        from ffhost.host.console.span_record import console_span_record

        value = console_span_record(note.span, mask)
    return orjson.dumps(value, _shown)


def _shown(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"<{type(error).__name__}>"
