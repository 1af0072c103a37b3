"""From where a browser may connect: the check against DNS rebinding.

A page of another site can make its own name lead to this machine, and then talk to what listens
here. It cannot leave out ``Origin``, and it cannot choose ``Host``. Agents that are not browsers
send no ``Origin``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from ffhost.errors import Forbidden

_LOCAL = ("localhost", "127.0.0.1", "::1")


class AgentOriginRule:
    """Which origins and hosts are let in.

    Args:
        allowed: origins besides those of this machine; ``*`` for all
        local: whether the server listens on this machine only
    """

    def __init__(self, allowed: Collection[str], *, local: bool) -> None:
        self._allowed = frozenset(allowed)
        self._hosts = {urlsplit(each).hostname for each in allowed}
        self._local = local

    def check(self, headers: Mapping[str, str]) -> None:
        """Check the header fields of a request.

        Raises:
            Forbidden: a page of another site may have sent it
        """
        if "*" in self._allowed:
            return
        origin = headers.get("origin")
        if origin is not None and origin not in self._allowed and not _is_local(origin):
            raise Forbidden("pages of this origin may not connect")
        host = f"//{headers.get('host', '')}"
        if self._local and not _is_local(host) and _hostname(host) not in self._hosts:
            raise Forbidden("this host is not served here")


def serves_local_agents_only(address: str) -> bool:
    """Whether a server that listens on *address* is reached from this machine only."""
    return address in _LOCAL or address.startswith("127.")


def _is_local(url: str) -> bool:
    return _hostname(url) in _LOCAL


def _hostname(url: str) -> str | None:
    """Return the name of the host; None for what is not one, such as two joined by a comma."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None  # reading the port checks it
    except ValueError:
        return None
