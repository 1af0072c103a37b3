"""Who the client is when proxies stand in between. The same rule for both fronts.

Only proxies that are named are trusted. ``X-Forwarded-For`` is read from its right end,
where the nearest proxy wrote: the first address that is not a trusted proxy is the client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from ffhost.web.messages import Message

HOPS_LIMIT = 100
"""How many addresses are looked at; no request passes as many proxies of one's own."""


def trust_forwarded(trusted: Sequence[str] | str) -> Callable[[Message], None] | None:
    """Return a function that applies ``X-Forwarded-*`` to a message; None if no proxy is trusted.

    Args:
        trusted: addresses and networks, or ``all``
    """
    if not trusted:
        return None
    everybody = "all" in trusted  # in the list, or the word itself
    networks: list[IPv4Network | IPv6Network] = (
        [] if everybody else [ip_network(each, strict=False) for each in trusted]
    )

    def is_trusted(address: str) -> bool:
        if everybody:
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in networks)

    def apply(message: Message) -> None:
        # A unix socket has no address: whoever can open it is on this machine.
        if message.client is not None and not is_trusted(message.client[0]):
            return
        scheme = (message.header("x-forwarded-proto") or "").split(",")[-1].strip().lower()
        if scheme in ("http", "https"):
            message.scheme = scheme
        sent = (message.header("x-forwarded-for") or "").rsplit(",", HOPS_LIMIT)[-HOPS_LIMIT:]
        chain = [_bare(each.strip()) for each in sent if each.strip()]
        if chain:
            client = next((each for each in reversed(chain) if not is_trusted(each)), chain[0])
            message.client = (client, 0)

    return apply


def trust_loopback_scheme(message: Message) -> None:
    """Take the scheme from a proxy on this machine, and nothing else.

    So does gunicorn by default, and therefore functions-framework: a development proxy that ends
    TLS says so by ``X-Forwarded-Proto: https``. The client's address stays the proxy's.
    """
    if message.header("x-forwarded-proto") != "https":
        return
    if message.client is None or message.client[0] in _LOOPBACK:
        message.scheme = "https"
        message.adopt()


_LOOPBACK = ("127.0.0.1", "::1")


def _bare(address: str) -> str:
    """Strip the port of ``1.2.3.4:5`` and ``[::1]:5``."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
