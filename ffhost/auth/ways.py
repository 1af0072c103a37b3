"""What all ways have in common: their results, and how credentials are read from header fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from ffhost.auth.principals import Principal
from ffhost.auth.refusals import MISSING, REALM, CallerRefusal

BodyCheck: TypeAlias = Callable[[bytes], Principal | CallerRefusal]
"""Looks at the whole body; what could be refused without it has been."""


class WayAwaitingBody(NamedTuple):
    """A request that may be let in once its body has been read."""

    finish: BodyCheck


Result: TypeAlias = Principal | CallerRefusal | WayAwaitingBody


class AuthWay(Protocol):
    """A named way to prove who calls."""

    name: str

    def check(self, headers: Mapping[str, str], now: float) -> Result:
        """Check a request by its header fields (lower-case names) at the time *now*."""
        ...


AUTHORIZATION = "authorization"


def read_bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return the credentials of ``Authorization: Bearer``, or None without such a field.

    A field that occurs twice arrives joined with a comma and a space, and is not a token then.
    """
    value = headers.get(AUTHORIZATION)
    if value is None or value[:7].lower() != "bearer ":
        return None
    return value[7:].strip(" ")


def presented_credentials(headers: Mapping[str, str], name: str) -> str | None:
    """Return the credentials in the field *name*; another than Authorization holds them bare."""
    if name == AUTHORIZATION:
        return read_bearer_token(headers)
    value = headers.get(name)
    if value is not None and value[:7].lower() == "bearer ":
        value = value[7:].strip(" ")
    return value


def bearer_challenge(name: str, error: str = "", scopes: str = "") -> str:
    """Return the challenge of RFC 6750, section 3, for credentials in the field *name*."""
    scheme = "Bearer" if name == AUTHORIZATION else "ApiKey"
    parts = [f'{scheme} realm="{REALM}"']
    if name != AUTHORIZATION:
        parts.append(f'header="{name}"')
    if error:
        parts.append(f'error="{error}"')
    if scopes:
        parts.append(f'scope="{scopes}"')
    return ", ".join(parts)


def missing_credentials(name: str, challenge: str) -> CallerRefusal:
    """Return the refusal of a request without credentials for the way *name*."""
    return CallerRefusal(401, MISSING, challenge, way=name)
