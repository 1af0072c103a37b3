"""From our settings to gunicorn's. Knows no processes and opens nothing."""

from __future__ import annotations

import math
import os
import resource
import sys
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.server.listeners import addresses, shown

WORKERS = {
    "asgi": "ffhost.server.asgi_worker.AsgiWorker",
    "wsgi": "ffhost.server.wsgi_worker.WsgiWorker",
}
_MOST_CONNECTIONS = 65536
_SPARE_DESCRIPTORS = 128
_SHARED_MEMORY = "/dev/shm"


def drain_delay(config: LoadedConfig) -> float:
    """Give for how long a stopping worker still serves: not at all on a terminal, unless written.

    Nobody routes requests to somebody's terminal, and there Ctrl-C is to be quick.
    """
    origin = config.origins.get(("server", "drain_delay"))
    written = origin is not None and origin.label != "default"
    if not written and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        return 0.0
    return float(config.settings.server.drain_delay)


def ending_seconds(config: LoadedConfig) -> float:
    """Give how long a worker may take to end, before it is killed."""
    return drain_delay(config) + float(config.settings.server.graceful_timeout)


def gunicorn_options(config: LoadedConfig) -> dict[str, Any]:
    """Give gunicorn's settings; those that count whole seconds are rounded up."""
    server = config.settings.server
    options: dict[str, Any] = {
        "bind": [shown(address) for address in addresses(config.settings).values()],
        "workers": server.workers,
        "threads": server.threads,
        "worker_class": WORKERS[server.interface],
        "timeout": _seconds(server.stall_timeout),
        "graceful_timeout": _seconds(ending_seconds(config)),
        "keepalive": _seconds(server.keepalive),
        "worker_connections": _connections(server.threads),
        "logger_class": "ffhost.logs.servers.GunicornLogger",
        # ffhost says itself what happens to its workers; gunicorn is heard when it complains.
        "loglevel": "info" if server.debug else "warning",
        "proc_name": "ffhost",
        # The control socket needs a home that can be written to; pods often have none.
        "control_socket_disable": True,
        # Proxies are believed by the fronts, by one rule (server.trusted_proxies).
        "forwarded_allow_ips": "",
        # The worker sorts out field names with underscores: see wsgi_worker.
        "header_map": "dangerous",
        "limit_request_line": 0,
        "limit_request_fields": 1000,
        "limit_request_field_size": 65536,
    }
    if os.access(_SHARED_MEMORY, os.W_OK):
        # The heartbeat is a file; a disk may be slow, or not be there.
        options["worker_tmp_dir"] = _SHARED_MEMORY
    return options


def _seconds(span: float) -> int:
    """Round up; 0 switches a bound of gunicorn's off."""
    return 0 if math.isinf(span) else math.ceil(span)


def _connections(threads: int) -> int:
    """Give how many connections a worker of the wsgi interface keeps open at once."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(threads + 1, min(_MOST_CONNECTIONS, soft - _SPARE_DESCRIPTORS))
