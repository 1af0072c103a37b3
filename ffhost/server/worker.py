"""The process of a worker: how it begins, hears signals, and ends. Its loop is `loop_server`'s.

A worker also runs under a gunicorn that is not ours (``-c python:ffhost.gunicorn``). There
nobody listens to what it says: one that wants to be replaced ends, and is started again.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, ClassVar

import uvloop

from ffhost._lazy import few_collections
from ffhost.errors import StartupError
from ffhost.execution import forked_children
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.invocation.logger import get_logger
from ffhost.observability.logs import flush_log
from ffhost.server._gunicorn import Arbiter
from ffhost.server._uvicorn import UvicornWorker
from ffhost.server.addresses import Kind, ListeningAddress, cannot_listen_error
from ffhost.server.connection import ServerConnection
from ffhost.server.gunicorn_app import GunicornApplication
from ffhost.server.gunicorn_options import server_drain_delay
from ffhost.server.listeners import kind_of_socket
from ffhost.server.loading_reports import reporting_slow_worker
from ffhost.server.loop_server import WorkerLoopServer, leave_worker_loop
from ffhost.server.master import HANDED_DOWN
from ffhost.server.shutdown_schedule import WorkerEnding
from ffhost.server.worker_channel import WorkerChannel, print_worker_failure, worker_failure_text


class WorkerProcess(UvicornWorker):  # type: ignore[misc]
    """A process that serves ``ffhost.asgi:app``."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "http": ServerConnection,
        "interface": "asgi3",
        "lifespan": "on",
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Prepare the worker, in the master."""
        super().__init__(*args, **kwargs)
        ours = isinstance(self.app, GunicornApplication)
        self.channel: WorkerChannel | None = WorkerChannel() if ours else None
        self.ready = False
        self.ready_since = 0.0
        """When the master heard that it is ready, on the clock of all deadlines."""
        self.kill_at = 0.0
        """When the master kills it, once it was told to go."""
        self.service: Any = None
        self.ending: WorkerEnding | None = None
        self._replacing = False
        self._reload_due = False
        self._reloading = threading.Lock()

    # The beginning

    def init_process(self) -> None:
        """Run the worker, and end the process in the end.

        The process ends here, whatever lies below on the stack: that belongs to the master.
        """
        signal.set_wakeup_fd(-1)
        if self.channel is not None:
            self.channel.keep_writing_end()
        status = 0
        try:
            super().init_process()
        except StartupError as error:
            status = self._report(error)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException as error:
            get_logger("ffhost.server").critical("worker_crashed", exc_info=error)
            status = 1
        finally:
            self._leave(status)

    def _report(self, error: StartupError) -> int:
        """Make the master show *error*, once for all workers; return the exit status."""
        text = worker_failure_text(error, developing=self._is_watched())
        if self.channel is None or not self.channel.send("failed", text=text):
            print_worker_failure(text)
        return int(Arbiter.WORKER_BOOT_ERROR if self.channel is None else error.exit_code)

    def load_wsgi(self) -> None:
        """Load the front, and with it configuration and functions."""
        from ffhost.host.process_service import service_of_process

        forked_children.separate_forked_children(
            [] if self.channel is None else [self.channel.writing_end]
        )
        self.service = service_of_process()
        self.service.managed = True
        self._tell_addresses()
        # With --reload a new worker judges changed code and a changed configuration together.
        self.service.watches = not self._is_watched()
        with few_collections(), self._reports():
            self.wsgi = self.app.wsgi()
        stuck_calls.on_limit = self.ask_replacement

    def _is_watched(self) -> bool:
        """Whether changed code is served at once."""
        return getattr(self.app, "changes", None) is not None

    def _tell_addresses(self) -> None:
        """Set where the host is reached; functions are loaded after that."""
        from ffhost.host.own_addresses import find_host_addresses

        known = find_host_addresses(self.service.store)
        for listener in self.sockets:
            kind = getattr(listener, "kind", None)
            if kind is not None:
                setattr(known, kind, ListeningAddress(kind, listener.sock.getsockname()).local_url)

    def _reports(self) -> AbstractContextManager[None]:
        """Report to the master what is being loaded, where it tells anybody."""
        channel = self.channel
        if channel is None or self.app.announcer is None:
            return nullcontext()
        return reporting_slow_worker(lambda place: channel.send("loading", place=place))

    def kind(self, listener: Any) -> Kind:
        """Return whether *listener* is the public one or the admin's."""
        return kind_of_socket(listener, self.service.config.settings)

    @staticmethod
    def cannot_listen(listener: Any, error: OSError) -> StartupError:
        """Return the error of a listener that another process took in the meantime."""
        return cannot_listen_error(listener.cfg_addr, error)

    def say_ready(self) -> None:
        """Report to the master that this worker serves."""
        # Settled now: a reload of the configuration does not change what the master reckons with.
        config = self.service.config
        self._drain_seconds = server_drain_delay(config)
        self._grace_seconds = float(config.settings.server.graceful_timeout)
        self.notify()
        self.ready = True
        if self.channel is not None:
            announcer = self.app.announcer
            serves = announcer.describe(self.service) if self.app.describes else None
            self.channel.send("ready", serves=serves)
        if self._reload_due:
            self._reload()

    def run(self) -> None:
        """Serve until told to end."""
        server = self.service.config.settings.server
        # Somebody's own application around ours is served as it is.
        self.config.app = getattr(self.wsgi, "serve_directly", self.wsgi)
        if not server.keepalive:
            self.config.headers.append(("connection", "close"))
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        self._server = WorkerLoopServer(self, loop)
        loop.run_until_complete(self._server.serve())
        loop.run_until_complete(leave_worker_loop(loop))

    # Signals

    def init_signals(self) -> None:
        """Take the signals, and those that have waited since the fork."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGQUIT, self._on_quit)
        # A terminal sends SIGINT to the workers too; what it means is the master's to say.
        # It is not ignored, for then the processes that user code starts would ignore it.
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
        signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
        signal.signal(signal.SIGHUP, self._on_hup)
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.signal(signal.SIGUSR2, self._on_usr2)
        signal.signal(signal.SIGABRT, self._on_abort)
        for number in HANDED_DOWN:
            signal.siginterrupt(number, False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_DOWN)

    def _on_term(self, _number: int, _frame: Any) -> None:
        self.end(drain=True, accepting=True)

    def _on_quit(self, _number: int, _frame: Any) -> None:
        self.end(drain=False, accepting=True)

    def _on_usr2(self, _number: int, _frame: Any) -> None:
        self.end(drain=True, accepting=False)

    def _on_hup(self, _number: int, _frame: Any) -> None:
        if self.ready:
            self._reload()
        else:
            self._reload_due = True

    def _on_abort(self, _number: int, _frame: Any) -> None:
        # The master found that the loop does not turn. Nothing can be finished in order.
        get_logger("ffhost.server").critical("worker_stalled", worker=self.pid)
        flush_log()
        os._exit(1)

    def _reload(self) -> None:
        # On a thread, for loading must hold up neither the loop nor a signal handler.
        threading.Thread(target=self._reload_now, name="ffhost-reload", daemon=True).start()

    def _reload_now(self) -> None:
        with self._reloading:
            try:
                self.service.reload()
            except Exception as error:
                get_logger("ffhost.server").error("reload_failed", exc_info=error)

    # The end

    def end(self, *, drain: bool, accepting: bool) -> None:
        """Begin to end, or hurry if that has begun; may be called in a signal handler."""
        if not self.ready:
            os._exit(0)
        if self.ending is None:
            delay = self._drain_seconds if drain else 0.0
            self.ending = WorkerEnding(delay, self._grace_seconds, accepting=accepting)
            if accepting:
                self.service.begin_drain()
            else:
                # Other workers are ready: this one only sends its clients to them.
                self.service.draining = True
        elif not drain:
            self.ending.hurry()
        self._server.wake()
        # User code takes SIGTERM for the end, whichever signal began it.
        self.service.signals.call_users(signal.SIGTERM)

    def ask_replacement(self) -> None:
        """Ask for another worker in this one's place; may be called on any thread."""
        if self._replacing:
            return
        self._replacing = True
        if self.channel is not None:
            self.channel.send("replace")
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    def orphaned(self) -> bool:
        """Whether the master has died."""
        return bool(self.ppid != os.getppid())

    def calls_in_flight(self) -> int:
        """Count the calls worth waiting for: not those that are stuck past their deadline."""
        in_flight: int = self.service.in_flight
        return max(0, in_flight - stuck_calls.count())

    def say_waiting(self) -> None:
        """Report to the master for how many calls the worker waits before it ends."""
        if self.channel is not None:
            self.channel.send("waiting", calls=self.calls_in_flight())

    def log_ending(self) -> None:
        """Log that the worker ends."""
        get_logger("ffhost.server").debug("worker_ending", worker=self.pid)

    def log_cut(self, connections: int) -> None:
        """Log what could not be finished."""
        get_logger("ffhost.server").warning(
            "calls_cut_off", calls=self.calls_in_flight(), connections=connections
        )

    def _leave(self, status: int) -> None:
        """End the process, running what user code registered for that.

        Threads are not joined: one that is stuck must not hold up the end, and Python joins
        those of ``concurrent.futures`` without asking.
        """
        with suppress(Exception):
            flush_log()
        with suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(status)
