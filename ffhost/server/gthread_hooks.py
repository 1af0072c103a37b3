"""What our settings ask for and gunicorn's gthread worker lacks, as hooks of gunicorn's.

A worker runs the start-up hooks before it serves. At SIGTERM it drains first: probes say so,
and answers close their connections. When it has ended it runs the shut-down hooks.

Five things need a worker of our own: header fields that must arrive in time, answers that must
be taken in time, the admin listener, the replacement of workers with stuck calls, and the
connections that the system has accepted at the very end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable
from functools import partial
from typing import Any

from ffhost.errors import StartupError
from ffhost.host.process_service import service_of_process
from ffhost.host.service import Service
from ffhost.invocation.logger import get_logger
from ffhost.server._gunicorn import Arbiter, Worker
from ffhost.server.gunicorn_options import SPARE_SECONDS, server_drain_delay
from ffhost.server.worker_channel import print_worker_failure, worker_failure_text

_MISSING = (
    "a time limit for header fields (server.read_timeout)",
    "a time limit for answers that are not taken (server.write_timeout)",
    "the admin listener (admin)",
    "replacement of workers with stuck calls (stuck_limit)",
    "answers to connections that arrive while a worker ends",
)


def on_starting(_arbiter: Any) -> None:
    """Log what gthread cannot do; once, in the master."""
    get_logger("ffhost").warning(
        "gthread_lacks",
        missing=list(_MISSING),
        hint="a proxy in front can limit header fields; ffhost serve does all of it, and so "
        "does gunicorn -c python:ffhost.gunicorn ffhost.asgi:app",
    )


def post_worker_init(worker: Any) -> None:
    """Start the service, and drain when the worker is told to end."""
    current = service_of_process()
    current.managed = True
    try:
        current.start()
    except StartupError as error:
        print_worker_failure(worker_failure_text(error))
        sys.exit(Arbiter.WORKER_BOOT_ERROR)
    seconds = server_drain_delay(current.config)
    # The master counts from SIGTERM, the worker from the end of the drain.
    left = worker.cfg.graceful_timeout - seconds - SPARE_SECONDS
    worker.cfg.set("graceful_timeout", max(0, round(left)))
    GthreadDrain(current, seconds).install()
    # gthread's own handler takes a lock of its pool, for which it waits for ever if it has
    # interrupted the code that holds it: every hand-over of a connection to a thread.
    for number in (signal.SIGINT, signal.SIGQUIT):
        current.signals.replace(number, partial(Worker.handle_quit, worker))


def worker_exit(_arbiter: Any, worker: Any) -> None:
    """Run the shut-down hooks. gunicorn calls this in its master too, of a worker that is lost."""
    if worker.pid == os.getpid():
        service_of_process().stop()


class GthreadDrain:
    """SIGTERM in two steps: the first begins the drain, the one after it ends the worker.

    gunicorn repeats SIGTERM about once a second to workers that it replaces, so what counts is
    the time. The last one is sent from here. No lock is taken in the handler: it may interrupt
    anything.
    """

    def __init__(self, current: Service, seconds: float) -> None:
        self._service = current
        self._seconds = seconds
        self._end_at: float | None = None
        self._end: Callable[[int, Any], None]

    def install(self) -> None:
        """Take SIGTERM from the worker."""
        self._end = self._service.signals.replace(signal.SIGTERM, self._on_term)

    def _on_term(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self._end_at is None:
            self._end_at = now + self._seconds
            self._service.begin_drain()
            if self._seconds:
                start_new_thread(self._remind, ())
        if now >= self._end_at:
            self._end(number, frame)

    def _remind(self) -> None:
        time.sleep(self._seconds)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGTERM)
