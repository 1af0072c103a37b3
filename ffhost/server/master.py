"""The master: gunicorn's arbiter, taught when a worker is ready and how to let one go.

It never loads a function. What it knows of its workers is what they say through their channels
(ready; replace me; cannot start) and how they end. Signals, of which gunicorn gives some
another meaning:

========  ==========================================================================
SIGTERM   end: workers drain, finish what is in flight, run their hooks
SIGINT    the same without draining; the second one ends at once. SIGQUIT likewise
SIGHUP    handed to the workers, which read the configuration again; none is replaced.
          While developing, when the terminal was closed: end as by SIGINT
SIGUSR2   check the code in a process apart, then replace the workers one by one; with
          ``--reload`` a worker that comes up with the new code is the check
SIGTTIN   one worker more; SIGTTOU: one less
========  ==========================================================================
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Any

from ffhost.invocation.logger import get_logger
from ffhost.server._gunicorn import Arbiter, HaltServer
from ffhost.server.code_changes import CodeEdit
from ffhost.server.controlling_terminal import ControllingTerminal
from ffhost.server.gunicorn_app import GunicornApplication
from ffhost.server.listeners import listening_addresses, unlink_sockets
from ffhost.server.replacement import SOON_SECONDS, ReplacementPauses, RollingReplacement
from ffhost.server.worker_channel import print_worker_failure

if TYPE_CHECKING:
    from ffhost.server.code_check import ChangedCodeCheck

_KILLED_BY_INTERRUPT = 130
_IDLE_SECONDS = 10.0
"""How long nothing is looked at while all workers serve; what they say and signals wake it."""

HANDED_DOWN = frozenset(
    {
        signal.SIGTERM,
        signal.SIGQUIT,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
"""Signals that wait until a worker that was just forked can handle them."""


class GunicornMaster(Arbiter):  # type: ignore[misc]
    """Keeps the workers alive, and the sockets with them."""

    def __init__(self, app: GunicornApplication) -> None:
        self._rolling = RollingReplacement()
        self._started = False
        self._announced = False
        self._failure_shown = False
        self._stopping = False
        self._quick = False
        self._forced = False
        self._waiting = False
        self._check: ChangedCodeCheck | None = None
        self._changes = app.changes
        self._edit: CodeEdit | None = None
        self._pauses = ReplacementPauses()
        self._terminal = ControllingTerminal() if app.config.settings.server.debug else None
        super().__init__(app)
        self._log = get_logger("ffhost.server")
        self.WORKERS: dict[int, Any] = {}
        self.LISTENERS: list[Any] = app.bind(self.log)

    def start(self) -> None:
        """Take the signals; the sockets are bound already."""
        self._waker, wake = os.pipe()
        for end in (self._waker, wake):
            os.set_blocking(end, False)
        super().start()
        # Signals then end a wait for the workers' pipes, too.
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    # Waiting

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Wait for signals and for what the workers say."""
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        if self._changes is not None:
            poll.register(self._changes.fileno(), select.POLLIN)
        for worker in self.WORKERS.values():
            if worker.channel.open:
                poll.register(worker.channel.fileno(), select.POLLIN)
        if self.SIG_QUEUE.empty():
            poll.poll(1000 * self._wait_seconds(timeout))
        with suppress(BlockingIOError):
            os.read(self._waker, 4096)
        for pid, worker in list(self.WORKERS.items()):
            self._hear(pid, worker)
        if self._changes is not None and not self._stopping:
            self._look_for_changes()
        signals = []
        with suppress(Empty):
            while True:
                signals.append(self.SIG_QUEUE.get_nowait())
        return [each for each in signals if each != self.WAKEUP_REQUEST]

    def _wait_seconds(self, timeout: float) -> float:
        workers = self.WORKERS.values()
        pause = self._pauses.left()
        if self._stopping or pause or len(workers) != self.num_workers:
            return min(timeout, pause or timeout)
        if any(each.kill_at or not each.ready for each in workers):
            return timeout
        # A stall of a worker is seen when it has lasted for at most so much longer.
        stall = self.cfg.timeout
        return max(timeout, min(_IDLE_SECONDS, stall / 4)) if stall else _IDLE_SECONDS

    def _hear(self, pid: int, worker: Any) -> None:
        """Apply what a worker has said; what is not understood is ignored."""
        for message in worker.channel.received():
            match message:
                case {"kind": "ready"}:
                    self._worker_is_ready(pid, worker, message.get("serves"))
                case {"kind": "replace"}:
                    self._rolling.add(pid)
                case {"kind": "failed", "text": str(text)} if not self._failure_shown:
                    self._failure_shown = True
                    print_worker_failure(text)
                case {"kind": "loading", "place": str(place)}:
                    self._say("loading", place)
                case {"kind": "waiting", "calls": int(calls)} if self._quick and not self._waiting:
                    self._waiting = True
                    self._say("waiting", calls)

    def _worker_is_ready(self, pid: int, worker: Any, serves: Any) -> None:
        if worker.ready:
            return
        worker.ready = True
        worker.serves = serves
        worker.ready_since = time.monotonic()
        self._log.debug("worker_ready", worker=pid)
        if not self._announced:
            self._announced = True
            self._announce(serves)
        self._started = self._started or all(each.ready for each in self.WORKERS.values())

    def _announce(self, serves: Any) -> None:
        self._edit = None
        if self._changes is None:
            self.app.describes = False  # workers that are forked from now on need not
        self._say("serving", listening_addresses(self.LISTENERS), serves)

    def _say(self, what: str, *arguments: Any) -> None:
        """Call a method of the announcer, whose mistakes must not end the master."""
        if self.app.announcer is not None:
            try:
                getattr(self.app.announcer, what)(*arguments)
            except Exception as error:
                self._log.error("announcement_failed", exc_info=error)

    # Keeping the number of workers

    def manage_workers(self) -> None:
        """Start, replace and retire workers until all is as it is to be."""
        self._roll()
        self._kill_those_that_stay()
        active = self._active()
        wanted = self.num_workers
        if self._rolling.new in active and self._rolling.old in active:
            wanted += 1
        if len(active) < wanted and not self._pauses.left():
            for _ in range(wanted - len(active)):
                self.spawn_worker()
        for pid in active[: max(0, len(active) - wanted)]:
            self._retire(pid)

    def _active(self) -> list[int]:
        """Return the workers that are to stay, the oldest first."""
        workers = [(each.age, pid) for pid, each in self.WORKERS.items() if not each.kill_at]
        return [pid for _age, pid in sorted(workers)]

    def spawn_worker(self) -> int:
        """Fork a worker. Signals to it wait until it can take them."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_DOWN)
        try:
            pid: int = super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_DOWN)
        self.WORKERS[pid].channel.keep_reading_end()
        return pid

    def _roll(self) -> None:
        new = self.WORKERS.get(self._rolling.new or 0)
        if new is not None and new.ready:
            old = self._rolling.succeeded()
            if old in self._active():
                log = self._log.info if self._edit is None else self._log.debug
                log("worker_replaced", worker=old, by=new.pid)
                self._retire(old)
            if not self._rolling.pending:
                self._edit_is_served(new.serves)
        old = self._rolling.next(self._active(), self.WORKERS)
        if old is not None:
            self._rolling.began(old, self.spawn_worker())

    def _retire(self, pid: int) -> None:
        """Drain and end a worker, leaving new connections to the others."""
        worker = self.WORKERS[pid]
        worker.kill_at = time.monotonic() + self.app.ending_seconds + 1
        self.kill_worker(pid, signal.SIGUSR2)

    def _kill_those_that_stay(self) -> None:
        now = time.monotonic()
        for pid, worker in list(self.WORKERS.items()):
            if worker.kill_at and now > worker.kill_at:
                self.kill_worker(pid, signal.SIGKILL)

    def murder_workers(self) -> None:
        """Kill workers whose loop does not turn; loading may take as long as it takes."""
        everybody = self.WORKERS
        self.WORKERS = {pid: each for pid, each in everybody.items() if each.ready}
        try:
            super().murder_workers()
        finally:
            self.WORKERS = everybody

    # What has ended

    def handle_chld(self) -> None:
        """Look which child has ended."""
        self.reap_workers()

    handle_cld = handle_chld

    def reap_workers(self) -> None:
        """Take note of every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            if self._check is not None and pid == self._check.pid:
                self._check_ended(self._check, code)
            worker = self.WORKERS.get(pid)
            if worker is not None:
                self._hear(pid, worker)
                del self.WORKERS[pid]
                worker.tmp.close()
                worker.channel.close()
                self._worker_ended(pid, worker, code)

    def _worker_ended(self, pid: int, worker: Any, code: int) -> None:
        if self._stopping or worker.kill_at:
            self._log.debug("worker_ended", worker=pid, **_how(code))
        elif not worker.ready:
            self._could_not_start(pid, code)
        else:
            soon = time.monotonic() - worker.ready_since < SOON_SECONDS
            pause = {"pause_seconds": self._begin_pause()} if soon else {}
            log = self._log.error if code else self._log.info
            log("worker_died" if code else "worker_ended", worker=pid, **_how(code), **pause)

    def _could_not_start(self, pid: int, code: int) -> None:
        """End if no worker ever could; else try again, with pauses."""
        if pid == self._rolling.new:
            if not self._edit_is_refused():
                kept = self._rolling.old
                self._log.error("replacement_failed", worker=pid, kept=kept, **_how(code))
            self._rolling.failed()
            self._failure_shown = False
            return
        # One that was killed says nothing about those that serve already.
        if not (self._started or (self._announced and code < 0)):
            if code <= 0:
                self._log.error("worker_ended_before_it_was_ready", worker=pid, **_how(code))
            raise HaltServer("a worker could not start", code if code > 0 else 1)
        pause = self._begin_pause()
        self._log.error("worker_could_not_start", worker=pid, pause_seconds=pause, **_how(code))
        self._failure_shown = False

    def _begin_pause(self) -> float:
        return self._pauses.begin(each.ready_since for each in self.WORKERS.values() if each.ready)

    # Signals

    def handle_hup(self) -> None:
        """Make the workers read the configuration again, or end with the terminal."""
        if self._terminal is not None and self._terminal.was_closed:
            self.handle_int()
        self.kill_workers(signal.SIGHUP)

    def handle_usr2(self) -> None:
        """Check new code, and then serve it."""
        if self._changes is not None:
            self._code_changed([])
            return
        if self._check is not None:
            self._check.abandon()
            self._check = None
        if self.app.check is None:
            self._replace_all()
        else:
            from ffhost.server.code_check import ChangedCodeCheck

            self._check = ChangedCodeCheck(self.app.check)

    def _check_ended(self, check: ChangedCodeCheck, code: int) -> None:
        self._check = None
        output = check.ended(code)
        if code == 0:
            self._replace_all()
        else:
            self._log.error("code_check_failed", output=output, kept=self._active(), **_how(code))

    def _replace_all(self) -> None:
        active = self._active()
        log = self._log.info if self._edit is None else self._log.debug
        log("replacing_workers", workers=active)
        self._rolling.restart(active)

    # Changed code, with --reload

    def _look_for_changes(self) -> None:
        assert self._changes is not None
        files = self._changes.changed()
        if files:
            self._code_changed(files)
        elif self._changes.ended:
            self._changes = self.app.changes = None
            self._say("code_not_watched")

    def _code_changed(self, files: list[str]) -> None:
        """Serve what has changed. Workers that still load are not waited for: they may hang."""
        if self._edit is None:
            self._edit = CodeEdit(files)
        else:
            self._edit.add(files)
        for pid, worker in list(self.WORKERS.items()):
            if not worker.ready and not worker.kill_at:
                worker.kill_at = time.monotonic()
                self.kill_worker(pid, signal.SIGKILL)
        self._rolling.failed()
        self._failure_shown = False
        self._replace_all()

    def _edit_is_served(self, serves: Any) -> None:
        if self._edit is not None:
            edit, self._edit = self._edit, None
            self._say("code_served", edit.files, edit.seconds, serves)

    def _edit_is_refused(self) -> bool:
        """Return whether there is new code, after saying that it does not load."""
        if self._edit is None:
            return False
        edit, self._edit = self._edit, None
        self._say("code_refused", edit.files)
        return True

    def handle_term(self) -> None:
        """End gently."""
        raise StopIteration

    def handle_int(self) -> None:
        """End without draining."""
        self._quick = True
        raise StopIteration

    handle_quit = handle_int

    # The end

    def stop(self, graceful: bool = True) -> None:
        """End all workers, within the time that they have."""
        self._stopping = True
        self._quick = self._quick or not graceful
        if self._announced:  # or else nobody was served, and why has been said
            self._log.info("stopping", workers=list(self.WORKERS), draining=not self._quick)
        for listener in self.LISTENERS:
            listener.close()
        self.LISTENERS = []
        if self._check is not None:
            self._check.abandon()
        self.kill_workers(signal.SIGQUIT if self._quick else signal.SIGTERM)
        deadline = time.monotonic() + self.app.ending_seconds
        # One may have ended together with the one that brought us here: no signal tells of it.
        self.reap_workers()
        while self.WORKERS and not self._forced:
            left = deadline - time.monotonic()
            if left <= 0:
                self._log.warning("workers_killed", workers=list(self.WORKERS))
                break
            for number in self.wait_for_signals(timeout=left):
                if number in (signal.SIGINT, signal.SIGQUIT):
                    self._interrupted()
            self.reap_workers()
        self.kill_workers(signal.SIGKILL)
        self._reap_the_rest()
        unlink_sockets(self.app.addresses)

    def _interrupted(self) -> None:
        if self._quick:
            self._forced = True
            return
        self._quick = True
        self.kill_workers(signal.SIGQUIT)

    def _reap_the_rest(self) -> None:
        for pid in list(self.WORKERS):
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
            del self.WORKERS[pid]

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """End, with the status that tells why."""
        self.stop()
        self._log.debug("ended", reason=reason, exit_status=exit_status)
        sys.exit(_KILLED_BY_INTERRUPT if self._forced else exit_status)


def _how(code: int) -> dict[str, Any]:
    """Return in words how a process ended."""
    if code >= 0:
        return {"exit_status": code}
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = {"hint": "perhaps out of memory"} if -code == signal.SIGKILL else {}
    return {"signal": name, **hint}
