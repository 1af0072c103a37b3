"""The way ``keys``: a key that its bearer alone knows names who calls."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ffhost.auth.principals import Principal
from ffhost.auth.rates import CallerRateLimiter
from ffhost.auth.refusals import CallerRefusal
from ffhost.auth.secrets import AuthSecret
from ffhost.auth.ways import (
    AUTHORIZATION,
    bearer_challenge,
    missing_credentials,
    presented_credentials,
)


class ApiKey(NamedTuple):
    """One key: whose it is, and how often it may be used."""

    name: str
    secret: AuthSecret
    limiter: CallerRateLimiter | None = None


class ApiKeyWay:
    """A way that compares what callers send with the keys of the configuration.

    A key is found by a hash that strangers cannot compute, so the search tells nothing of the
    keys; then it is compared in constant time.
    """

    def __init__(self, name: str, keys: Iterable[ApiKey], *, header: str = AUTHORIZATION) -> None:
        self.name = name
        self._header = header
        self._salt = secrets.token_bytes(32)
        self._keys = {self._hash(key.secret.reveal()): key for key in keys}
        self._missing = missing_credentials(name, bearer_challenge(header))
        error = "invalid_token" if header == AUTHORIZATION else ""
        self._unknown = CallerRefusal(401, "unknown key", bearer_challenge(header, error), way=name)

    def check(self, headers: Mapping[str, str], now: float) -> Principal | CallerRefusal:
        """Check the key of a request."""
        text = presented_credentials(headers, self._header)
        if text is None:
            return self._missing
        given = text.encode("utf-8", "surrogatepass")
        key = self._keys.get(self._hash(given))
        if key is None or not key.secret.matches(given):
            return self._unknown
        if key.limiter is not None:
            wait = key.limiter.take(key.name, now)
            if wait:
                return CallerRefusal(429, "rate exceeded", retry_after=wait, way=self.name)
        return Principal(key.name, self.name)

    def _hash(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=self._salt, digest_size=32).digest()
