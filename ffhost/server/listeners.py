"""Sockets that are bound, and do not listen until a worker is ready to accept.

gunicorn listens before its workers have loaded, so that a client waits for the slowest
import. Here it is refused, which load balancers and retries understand.
"""

from __future__ import annotations

import errno
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import Any

from ffhost.config.settings import Settings
from ffhost.server._gunicorn import GunicornBoundSocket, TCP6Socket, TCPSocket, UnixSocket
from ffhost.server.addresses import (
    Address,
    Kind,
    ListeningAddress,
    addresses_to_bind,
    cannot_listen_error,
)


class _Quiet(GunicornBoundSocket):
    """A listener that knows what it is for."""

    kind: Kind


class QuietTcpSocket(_Quiet, TCPSocket):  # type: ignore[misc]
    """A bound IPv4 socket."""


class QuietTcp6Socket(_Quiet, TCP6Socket):  # type: ignore[misc]
    """A bound IPv6 socket."""


class QuietUnixSocket(_Quiet, UnixSocket):  # type: ignore[misc]
    """A bound unix socket."""


def bind_sockets(
    wanted: dict[Kind, Address], cfg: Any, log: Any, *, movable: Container[Kind] = ()
) -> list[Any]:
    """Bind every address.

    Args:
        movable: kinds that get a free port where theirs is taken

    Raises:
        StartupError: one of them cannot be bound
    """
    bound: list[Any] = []
    try:
        for kind, address in wanted.items():
            listener = _bound(address, cfg, log, moves=kind in movable)
            listener.kind = kind
            bound.append(listener)
    except (OSError, ValueError) as error:
        for listener in bound:
            listener.close()
        raise cannot_listen_error(address, error) from error
    return bound


def _bound(address: Address, cfg: Any, log: Any, *, moves: bool) -> Any:
    try:
        return _class(address)(address, cfg, log)
    except OSError as error:
        if not moves or error.errno != errno.EADDRINUSE or isinstance(address, str):
            raise
        return _class(address)((address[0], 0), cfg, log)


def _class(address: Address) -> Any:
    if isinstance(address, str):
        return QuietUnixSocket
    return QuietTcp6Socket if ":" in address[0] else QuietTcpSocket


def kind_of_socket(listener: Any, settings: Settings) -> Kind:
    """Return which of the two a listener is, also one that a foreign gunicorn has bound."""
    kind: Kind | None = getattr(listener, "kind", None)
    if kind is not None:
        return kind
    return "admin" if listener.cfg_addr == addresses_to_bind(settings).get("admin") else "public"


def listening_addresses(bound: Sequence[Any]) -> list[ListeningAddress]:
    """Return the real addresses, with the ports that were chosen."""
    return [ListeningAddress(each.kind, each.sock.getsockname()) for each in bound]


def unlink_sockets(wanted: dict[Kind, Address]) -> None:
    """Remove the files of unix sockets."""
    import os

    for address in wanted.values():
        if isinstance(address, str) and not address.startswith("\0"):
            with suppress(OSError):
                os.unlink(address)
