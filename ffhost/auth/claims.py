"""What the claims of a token must say. Composed when the way is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LATEST = 253402300799
"""The last second of the year 9999. ``exp: 10**400`` would never pass."""


class TokenVerdict(NamedTuple):
    """What the claims of one token come to.

    Attributes:
        status: 0 if they will do, else 401 or 403
        reason: what is wrong, for the log
        until: when the token expires, in seconds since 1970
    """

    status: int
    reason: str
    until: float = 0


class TokenClaimRules:
    """The rules of one way.

    Args:
        issuer: what ``iss`` must be; None for any
        audience: one of these must be in ``aud``; empty for any
        claims: claims by name: a text, number or boolean that the token's claim must equal, or
            hold if it is a list; a list of them, any of which will do; or a mapping of claims
            inside the claim
        scopes: all of these must be in ``scope`` or ``scp``
        leeway: seconds by which clocks may differ
    """

    def __init__(
        self,
        *,
        issuer: str | None = None,
        audience: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
        scopes: Sequence[str] = (),
        leeway: float = 30,
    ) -> None:
        self._issuer = issuer
        self._audience = frozenset(audience)
        self._claims = dict(claims or {})
        self._scopes = frozenset(scopes)
        self._leeway = leeway

    def judge(self, claims: Mapping[str, Any], now: float) -> TokenVerdict:
        """Whether *claims* are valid at *now* (401 if not), and suffice (403 if not)."""
        until = claims.get("exp")
        if until is None:
            return TokenVerdict(401, "token without exp")
        if not _is_time(until):
            return TokenVerdict(401, "malformed exp")
        until += self._leeway
        reason = self._invalid(claims, until, now)
        if reason:
            return TokenVerdict(401, reason)
        if not all(_holds(claims, name, wanted) for name, wanted in self._claims.items()):
            return TokenVerdict(403, "claims do not suffice", until)
        if not self._scopes <= scopes_of_token(claims):
            return TokenVerdict(403, "scopes do not suffice", until)
        return TokenVerdict(0, "", until)

    def _invalid(self, claims: Mapping[str, Any], until: float, now: float) -> str:
        if now >= until:
            return "token expired"
        if "nbf" in claims:
            if not _is_time(claims["nbf"]):
                return "malformed nbf"
            if now < claims["nbf"] - self._leeway:
                return "token not yet valid"
        if self._issuer is not None and claims.get("iss") != self._issuer:
            return "wrong issuer"
        if self._audience and self._audience.isdisjoint(_texts(claims.get("aud"))):
            return "wrong audience"
        if not isinstance(claims.get("sub", ""), str):
            return "malformed sub"
        return ""


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LATEST


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def scopes_of_token(claims: Mapping[str, Any]) -> set[str]:
    """Return the scopes of a token: ``scope`` (RFC 8693) or ``scp`` (Entra, Okta)."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        found.update(value.split(" ") if isinstance(value, str) else _texts(value))
    found.discard("")
    return found


def _holds(claims: Any, name: str, wanted: Any) -> bool:
    if not isinstance(claims, Mapping) or name not in claims:
        return False
    value = claims[name]
    if isinstance(wanted, Mapping):
        return all(_holds(value, inner, each) for inner, each in wanted.items())
    accepted = wanted if isinstance(wanted, list | tuple) else [wanted]
    held = value if isinstance(value, list) else [value]
    return any(_same(one, other) for one in held for other in accepted)


def _same(one: Any, other: Any) -> bool:
    # True == 1 in Python, and an admin claim of 1 is not the boolean that was asked for.
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
