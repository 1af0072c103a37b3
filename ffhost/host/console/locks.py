"""Who may use the console: what a browser says of the page that asks, and the page's token.

A page of another site can send requests to this listener, and with a name of its own that leads
here (DNS rebinding) it can read the answers. What it cannot choose is what the browser says of it:
``Host``, ``Origin`` and ``Sec-Fetch-Site``.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from ffhost.errors import Forbidden
from ffhost.web.messages import HeaderList, Message

TOKEN_FIELD = "x-ffhost-token"

SECURITY_FIELDS: HeaderList = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types frame",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
]
"""Of every answer."""


def check_console_sender(message: Message, host: str) -> None:
    """Check that no page of another site has sent *message*.

    Args:
        host: the address of the listener, as it is configured

    Raises:
        Forbidden: one may have
    """
    named = message.header("host") or ""
    if not _is_ours(named, host):
        raise Forbidden(f"the console is not served for the host {named[:200]!r}")
    origin = message.header("origin")
    if origin is not None and urlsplit(origin).netloc != named:
        raise Forbidden("the request comes from another site")
    if message.header("sec-fetch-site") == "cross-site":
        raise Forbidden("the request comes from another site")


def _is_ours(named: str, host: str) -> bool:
    """Whether ``Host`` is an address, this machine, or the configured one: no name of others."""
    if host.startswith("unix:"):
        return True  # no browser gets here
    name = _without_port(named).lower()
    if name in ("localhost", host.strip("[]").lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(named: str) -> str:
    if named.startswith("["):
        return named[1:].partition("]")[0]
    name, _, port = named.rpartition(":")
    return name if name and port.isdecimal() else named


def check_console_change(message: Message, token: str) -> None:
    """Check that *message*, which changes something, was sent by the page.

    Raises:
        Forbidden: it does not have the page's token
    """
    given = message.header(TOKEN_FIELD) or ""
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise Forbidden(f"send the token of the session in {TOKEN_FIELD}")
    kind = (message.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Forbidden("send application/json")
