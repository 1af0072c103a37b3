"""From our settings to gunicorn's. Knows no processes and opens nothing."""

from __future__ import annotations

import math
import os
import sys
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.server.addresses import addresses_to_bind, show_bound_address

SPARE_SECONDS = 2
"""What gunicorn's gthread worker gets on top for its end.

It looks at the clock about once a second, and shut-down hooks run after that.
"""
_SPARE_THREADS = 8
"""Threads for probes and other functions while one function fills its slots and its queue."""
_MOST_THREADS = 256
"""A connection that is served holds a thread, and beyond this threads cost more than they do."""
_SHARED_MEMORY = "/dev/shm"


def server_drain_delay(config: LoadedConfig) -> float:
    """Return for how long a stopping worker still serves: 0 on a terminal, unless written.

    Nobody routes requests to somebody's terminal, and there Ctrl-C is to be quick.
    """
    origin = config.origins.get(("server", "drain_delay"))
    written = origin is not None and origin.label != "default"
    if not written and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        return 0.0
    return float(config.settings.server.drain_delay)


def worker_ending_seconds(config: LoadedConfig) -> float:
    """Return how long a worker may take to end, before it is killed."""
    return server_drain_delay(config) + float(config.settings.server.graceful_timeout)


def gunicorn_asgi_options(config: LoadedConfig) -> dict[str, Any]:
    """Return gunicorn's settings for our worker, which serves ``ffhost.asgi:app``."""
    return {
        **_common_options(config),
        "bind": [
            show_bound_address(address) for address in addresses_to_bind(config.settings).values()
        ],
        "worker_class": "ffhost.server.worker.WorkerProcess",
        "graceful_timeout": _seconds(worker_ending_seconds(config)),
    }


def gunicorn_gthread_options(config: LoadedConfig) -> dict[str, Any]:
    """Return gunicorn's settings for its own gthread worker, which serves ``ffhost.wsgi:app``.

    The limits of sizes are gunicorn's own. The admin address is not bound: gthread does not
    tell the application which listener a request came through.
    """
    return {
        **_common_options(config),
        "bind": [show_bound_address(addresses_to_bind(config.settings)["public"])],
        "worker_class": "gthread",
        "threads": _threads(config),
        "graceful_timeout": _seconds(worker_ending_seconds(config)) + SPARE_SECONDS,
        # "X_User" and "X-User" have one key in the environ. Only the second may reach it.
        "header_map": "drop",
    }


def _common_options(config: LoadedConfig) -> dict[str, Any]:
    """Return what both have; settings that count whole seconds are rounded up."""
    server = config.settings.server
    options: dict[str, Any] = {
        "workers": server.workers,
        # A breakpoint in a coroutine function holds the loop for as long as somebody looks at it.
        "timeout": 0 if server.debug else _seconds(server.stall_timeout),
        "keepalive": _seconds(server.keepalive),
        "logger_class": "ffhost.server.gunicorn_log.GunicornLogger",
        # ffhost says itself what happens to its workers; gunicorn is heard when it complains.
        "loglevel": "info" if server.debug else "warning",
        "proc_name": "ffhost",
        # The control socket needs a home that can be written to; pods often have none.
        "control_socket_disable": True,
        # Proxies are believed by the fronts, by one rule (server.trusted_proxies).
        "forwarded_allow_ips": "",
    }
    if os.access(_SHARED_MEMORY, os.W_OK):
        # The heartbeat is a file; a disk may be slow, or not be there.
        options["worker_tmp_dir"] = _SHARED_MEMORY
    return options


def _seconds(span: float) -> int:
    """Round up; 0 switches a bound of gunicorn's off."""
    return 0 if math.isinf(span) else math.ceil(span)


def _threads(config: LoadedConfig) -> int:
    """Return how many calls gthread may have at once: a thread waits for each, queued or not."""
    settings = config.settings
    most = 0.0
    for name in settings.functions:
        function = settings.function(name)
        most = max(most, float(function.concurrency or 0) + float(function.queue or 0))
    return int(min(_MOST_THREADS, most + _SPARE_THREADS))
