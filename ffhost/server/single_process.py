"""Serving where gunicorn cannot run, as on Windows: uvicorn in this one process.

The front is the same. What needs processes of its own is missing, which one warning says.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import uvicorn

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError
from ffhost.host.process_service import service_of_process
from ffhost.invocation.logger import get_logger
from ffhost.server.addresses import ListeningAddress, addresses_to_bind, cannot_listen_error
from ffhost.server.announcer import ServerAnnouncer

MISSING = (
    "workers",
    "isolation: process",
    "the admin listener",
    "reload of code",
    "replacement of stuck workers",
    "limits of slow requests",
)
"""What a host in one process does not have."""


def serve_in_one_process(
    config: LoadedConfig, front: str, announcer: ServerAnnouncer | None
) -> int:
    """Serve *front* in this process until told to stop; return the exit status.

    Raises:
        StartupError: the address cannot be bound, or a start-up hook failed
    """
    address = addresses_to_bind(config.settings)["public"]
    if isinstance(address, str):
        raise StartupError("unix sockets need a system with fork; set server.host to an address")
    get_logger("ffhost.server").warning("served_by_one_process", missing=list(MISSING))
    service_of_process().managed = True
    listener = _bind(address)
    server = _Server(config, front, announcer)
    with suppress(KeyboardInterrupt):
        asyncio.run(server.serve([listener]))
    return 0 if server.started else 1


def _bind(address: tuple[str, int]) -> socket.socket:
    """Bind without listening: connections are refused until functions are loaded.

    Raises:
        StartupError: it cannot be bound
    """
    listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise cannot_listen_error(address, error) from error
    return listener


class _Server(uvicorn.Server):
    """uvicorn's server, which announces that it listens."""

    def __init__(self, config: LoadedConfig, front: str, announcer: ServerAnnouncer | None) -> None:
        settings = config.settings.server
        super().__init__(
            uvicorn.Config(
                front,
                lifespan="on",
                ws="none",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=int(float(settings.keepalive)),
                timeout_graceful_shutdown=int(float(settings.graceful_timeout)),
            )
        )
        self._announcer = announcer

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and announce it."""
        await super().startup(sockets)
        if self.started and self._announcer is not None and sockets is not None:
            bound = [ListeningAddress("public", each.getsockname()) for each in sockets]
            self._announcer.serving(bound, self._announcer.describe(service_of_process()))
