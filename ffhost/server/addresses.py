"""What a server is bound to, as the settings and clients write it. Opens nothing."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from ffhost.config.settings import Settings
from ffhost.errors import StartupError

Kind = Literal["public", "admin"]
Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""

LISTENER_KEY = "ffhost.listener"
"""Where the front finds the kind of the listener that accepted a request.

In the ``state`` of an ASGI scope. Addresses would say less: a bind to
every address accepts on another one, and port 0 becomes some port.
"""


class ListeningAddress(NamedTuple):
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

    @property
    def local_url(self) -> str:
        """Return the address as a browser on this machine opens it."""
        return f"http://localhost:{self.sockname[1]}" if self.everywhere else self.url


def addresses_to_bind(settings: Settings) -> dict[Kind, Address]:
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


def show_bound_address(address: Address) -> str:
    """Return *address* as gunicorn's ``bind`` and error messages have it."""
    if isinstance(address, str):
        return f"unix:{address}"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connection_ends(transport: Any) -> tuple[tuple[str, int | None] | None, tuple[str, int] | None]:
    """Return the server's and the client's address of a connection, as ASGI has them.

    The transport knows both; to ask its socket takes six system calls.
    """
    ours, theirs = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    client = (theirs[0], theirs[1]) if isinstance(theirs, tuple) else None
    if isinstance(ours, tuple):
        return (ours[0], ours[1]), client
    return ((ours, None) if isinstance(ours, str) else None), client


def cannot_listen_error(address: Address, error: Exception) -> StartupError:
    """Return the error that names *address* and what the system says."""
    reason = getattr(error, "strerror", None) or str(error)
    return StartupError(f"cannot listen on {show_bound_address(address)}: {reason.lower()}")
