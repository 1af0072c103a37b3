"""The way ``jwt``: a signed token names who calls."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ffhost.auth.claims import TokenClaimRules, TokenVerdict
from ffhost.auth.jwks import ASYMMETRIC, TokenKeySet, any_key_verifies
from ffhost.auth.principals import Principal
from ffhost.auth.rates import CallerRateLimiter
from ffhost.auth.refusals import KEYS_RETRY_AFTER, CallerRefusal
from ffhost.auth.remembered_callers import TOKEN_BYTES, TOKENS, RememberedTokens
from ffhost.auth.tokens import MalformedToken, UnverifiedToken, parse_token, parse_token_object
from ffhost.auth.ways import (
    AUTHORIZATION,
    bearer_challenge,
    missing_credentials,
    presented_credentials,
)


class TokenKeys(Protocol):
    """Where keys come from; None while there are none to judge by."""

    keys: TokenKeySet | None
    known: bool
    """Whether there have been keys at any time."""

    def ask(self, now: float) -> None:
        """Ask for new ones, in the background."""
        ...


class VerifiedToken(NamedTuple):
    """A token that was verified: by which keys, until when, and what it says."""

    keys: TokenKeySet
    until: float
    name: str
    payload: bytes
    refusal: CallerRefusal | None


class JwtWay:
    """A way that verifies tokens.

    Args:
        name: the way's name in the configuration
        keys: where the keys come from
        rules: what the claims must say
        header: the field that holds the token, in lower case
        scopes: the scopes that a 403 names
        limiter: calls that each ``sub`` may make; None for any number
    """

    def __init__(
        self,
        name: str,
        keys: TokenKeys,
        rules: TokenClaimRules,
        *,
        header: str = AUTHORIZATION,
        scopes: Sequence[str] = (),
        limiter: CallerRateLimiter | None = None,
    ) -> None:
        self.name = name
        self._keys = keys
        self._rules = rules
        self._header = header
        self._limiter = limiter
        self._verified: RememberedTokens[VerifiedToken] = RememberedTokens(TOKENS)
        self._missing = missing_credentials(name, bearer_challenge(header))
        self._invalid = bearer_challenge(header, "invalid_token")
        self._insufficient = bearer_challenge(header, "insufficient_scope", " ".join(scopes))

    @property
    def ready(self) -> bool:
        """Whether there have been keys to judge by."""
        return self._keys.known

    def check(self, headers: Mapping[str, str], now: float) -> Principal | CallerRefusal:
        """Check the token of a request."""
        text = presented_credentials(headers, self._header)
        if text is None:
            return self._missing
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        found = self._verified.get(digest)
        if found is None or found.keys is not self._keys.keys or now >= found.until:
            judged = self._judge(text, digest, now)
            if isinstance(judged, CallerRefusal):
                return judged
            found = judged
        return found.refusal or self._admit(found, now)

    def _admit(self, found: VerifiedToken, now: float) -> Principal | CallerRefusal:
        if self._limiter is not None:
            wait = self._limiter.take(found.name, now)
            if wait:
                return CallerRefusal(429, "rate exceeded", retry_after=wait, way=self.name)
        return Principal(found.name, self.name, found.payload)

    def _judge(self, text: str, digest: bytes, now: float) -> VerifiedToken | CallerRefusal:
        try:
            token = parse_token(text)
            keys = self._keys.keys
            refusal = self._verify(token, keys, now)
            if refusal is not None or keys is None:
                return refusal or self._refused("no keys")
            claims = parse_token_object(token.payload)
        except MalformedToken as error:
            return self._refused(str(error))
        verdict = self._rules.judge(claims, now)
        if verdict.status == 401:
            return self._refused(verdict.reason)
        name = claims.get("sub") or self.name
        judged = VerifiedToken(keys, verdict.until, name, token.payload, self._forbidden(verdict))
        if len(token.payload) <= TOKEN_BYTES:
            self._verified.put(digest, judged)
        return judged

    def _verify(
        self, token: UnverifiedToken, keys: TokenKeySet | None, now: float
    ) -> CallerRefusal | None:
        if keys is None:
            if token.algorithm not in ASYMMETRIC:
                return self._refused("algorithm not allowed")
            return CallerRefusal(503, "no keys yet", retry_after=KEYS_RETRY_AFTER, way=self.name)
        if not keys.knows(token.key_id):
            self._keys.ask(now)
            return self._refused("unknown kid")
        candidates = keys.candidates(token.algorithm, token.key_id)
        if not candidates:
            known = token.algorithm in keys.algorithms
            return self._refused("no kid" if known else "algorithm not allowed")
        return None if any_key_verifies(token, candidates) else self._refused("wrong signature")

    def _refused(self, reason: str) -> CallerRefusal:
        return CallerRefusal(401, reason, self._invalid, way=self.name)

    def _forbidden(self, verdict: TokenVerdict) -> CallerRefusal | None:
        if verdict.status == 0:
            return None
        return CallerRefusal(403, verdict.reason, self._insufficient, way=self.name)
