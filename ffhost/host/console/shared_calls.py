"""The calls of all workers: keeps what this one notes, shares it while somebody looks."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from ffhost.config.leaves import hidden_config_texts
from ffhost.host.console.call_store import ConsoleCallStore
from ffhost.host.console.message_mask import ConsoleMessageMask, console_mask_of_config
from ffhost.host.console.recorder import ConsoleRecorder
from ffhost.host.console.shared_folder import SEGMENT_BYTES, SharedConsoleFolder
from ffhost.host.service import Service
from ffhost.invocation.logger import get_logger

_IDLE_SECONDS = 0.5
_WATCHED_SECONDS = 0.25
_MINUTES_SECONDS = 2.0


class SharedConsoleCalls:
    """What the console shows of calls, in one worker.

    Args:
        folder: where the workers share it; None for a process that is alone
    """

    def __init__(self, service: Service, folder: Path | None) -> None:
        self._service = service
        self._path = folder
        self._folder: SharedConsoleFolder | None = None
        self.recorder = ConsoleRecorder(lambda: service.config.settings)
        self.store = ConsoleCallStore()
        self.token = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._mask: tuple[Any, ConsoleMessageMask] | None = None
        self._secrets: set[str] = set()
        self._mine: deque[bytes] = deque()
        self._mine_bytes = 0
        self._writes = False
        self._minutes_written = 0.0

    def start(self) -> None:
        """Begin to keep and to share calls."""
        if self._path is not None:
            try:
                self._folder = SharedConsoleFolder(self._path)
                self._folder.remove_oldest()
                self.token = self._folder.token()
            except OSError as error:
                self._folder = None
                get_logger("ffhost").warning("console_not_shared", reason=str(error))
        threading.Thread(target=self._serve, name="ffhost-console", daemon=True).start()

    def stop(self) -> None:
        """Write what is left, for the workers that go on."""
        self._stop.set()
        self._step()

    @property
    def mask(self) -> ConsoleMessageMask:
        """Return the rule for secrets of the configuration in force."""
        config = self._service.config
        if self._mask is None or self._mask[0] is not config:
            # Senders may go on with a secret that has just been replaced.
            self._secrets |= hidden_config_texts(config)
            self._mask = (config, console_mask_of_config(config, self._secrets))
        return self._mask[1]

    def look(self) -> ConsoleCallStore:
        """Return the calls as they are now, because somebody looks at them."""
        with self._lock:
            if self._folder is not None:
                self._folder.look()
            self._take()
            if self._folder is not None:
                for line in self._folder.others():
                    self._keep(line)
        return self.store

    def minutes(self) -> list[Any]:
        """Return the last minutes of all workers, each apart."""
        others = [] if self._folder is None else self._folder.minutes()
        return [self.recorder.minutes.read(), *others]

    def _serve(self) -> None:
        while not self._stop.wait(_WATCHED_SECONDS if self._writes else _IDLE_SECONDS):
            self._step()

    def _step(self) -> None:
        try:
            with self._lock:
                self._take()
        except Exception as error:
            get_logger("ffhost").error("console_failed", exc_info=error)

    def _take(self) -> None:
        """Keep what was noted, and write it for others while somebody looks."""
        lines = self.recorder.take_notes(self.mask)
        self.store.dropped = self.recorder.dropped
        for line in lines:
            self._keep(line)
            self._mine.append(line)
            self._mine_bytes += len(line)
        while self._mine_bytes > SEGMENT_BYTES:
            self._mine_bytes -= len(self._mine.popleft())
        folder = self._folder
        if folder is None:
            return
        watched = folder.is_watched()
        if watched and not self._writes:
            lines = list(self._mine)
        if watched and lines:
            folder.write(lines)
        elif self._writes and not watched:
            folder.remove_mine()
        self._writes = watched
        if watched and time.monotonic() - self._minutes_written > _MINUTES_SECONDS:
            self._minutes_written = time.monotonic()
            folder.write_minutes(self.recorder.minutes.read())

    def _keep(self, line: bytes) -> None:
        try:
            self.store.add(line)
        except (ValueError, KeyError, TypeError) as error:
            get_logger("ffhost").error("console_line_unreadable", exc_info=error)
