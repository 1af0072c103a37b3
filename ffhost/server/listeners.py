"""Sockets that are bound, and do not listen until a worker is ready to accept.

gunicorn listens before its workers have loaded, so that a client waits for the slowest
import. Here it is refused, which load balancers and retries understand.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple, TypeAlias

from ffhost.config.settings import Settings
from ffhost.errors import StartupError
from ffhost.server._gunicorn import BoundSocket, TCP6Socket, TCPSocket, UnixSocket

Kind = Literal["public", "admin"]
Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""

LISTENER_KEY = "ffhost.listener"
"""Where the front finds the kind of the listener that accepted a request.

In the ``state`` of an ASGI scope. Addresses would say less: a bind to
every address accepts on another one, and port 0 becomes some port.
"""


class Listening(NamedTuple):
    """One address that the server accepts connections on."""

    kind: Kind
    sockname: Any

    @property
    def everywhere(self) -> bool:
        """Whether it accepts connections on every address of the machine."""
        return isinstance(self.sockname, tuple) and self.sockname[0] in ("0.0.0.0", "::")

    @property
    def url(self) -> str:
        """Return the address as a client would write it."""
        if not isinstance(self.sockname, tuple):
            return f"unix:{self.sockname}"
        host, port = self.sockname[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Quiet(BoundSocket):
    """A listener that knows what it is for."""

    kind: Kind


class QuietTcp(_Quiet, TCPSocket):  # type: ignore[misc]
    """A bound IPv4 socket."""


class QuietTcp6(_Quiet, TCP6Socket):  # type: ignore[misc]
    """A bound IPv6 socket."""


class QuietUnix(_Quiet, UnixSocket):  # type: ignore[misc]
    """A bound unix socket."""


def addresses(settings: Settings) -> dict[Kind, Address]:
    """Return what the settings say to bind."""
    found: dict[Kind, Address] = {
        "public": _address(settings.server.host, settings.server.port),
    }
    if settings.admin.enabled:
        found["admin"] = _address(settings.admin.host, settings.admin.port)
    return found


def _address(host: str, port: int) -> Address:
    if host.startswith("unix:"):
        return host.removeprefix("unix:").replace("//", "/", 1)
    return host.removeprefix("[").removesuffix("]"), port


def shown(address: Address) -> str:
    """Return *address* as gunicorn's ``bind`` and error messages have it."""
    if isinstance(address, str):
        return f"unix:{address}"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(wanted: dict[Kind, Address], cfg: Any, log: Any) -> list[Any]:
    """Bind every address.

    Raises:
        StartupError: one of them cannot be bound
    """
    bound: list[Any] = []
    try:
        for kind, address in wanted.items():
            listener = _class(address)(address, cfg, log)
            listener.kind = kind
            bound.append(listener)
    except (OSError, ValueError) as error:
        for listener in bound:
            listener.close()
        raise cannot_listen(address, error) from error
    return bound


def cannot_listen(address: Address, error: Exception) -> StartupError:
    """Return the error that names *address* and what the system says."""
    reason = getattr(error, "strerror", None) or str(error)
    return StartupError(f"cannot listen on {shown(address)}: {reason.lower()}")


def _class(address: Address) -> Any:
    if isinstance(address, str):
        return QuietUnix
    return QuietTcp6 if ":" in address[0] else QuietTcp


def kind_of(listener: Any, settings: Settings) -> Kind:
    """Return which of the two a listener is, also one that a foreign gunicorn has bound."""
    kind: Kind | None = getattr(listener, "kind", None)
    if kind is not None:
        return kind
    return "admin" if listener.cfg_addr == addresses(settings).get("admin") else "public"


def listening(bound: Sequence[Any]) -> list[Listening]:
    """Return the real addresses, with the ports that were chosen."""
    return [Listening(each.kind, each.sock.getsockname()) for each in bound]


def unlink(wanted: dict[Kind, Address]) -> None:
    """Remove the files of unix sockets."""
    import os

    for address in wanted.values():
        if isinstance(address, str) and not address.startswith("\0"):
            with suppress(OSError):
                os.unlink(address)
