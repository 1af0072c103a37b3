"""Makes credentials for tests: keys of every kind, and tokens good and bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from functools import cache
from typing import Any

from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, OKPKey, RSAKey

NOW = 1_700_000_000.0
ISSUER = "https://id.example.com"
CLAIMS = {"iss": ISSUER, "aud": "orders", "sub": "ada", "exp": int(NOW) + 600}


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@cache
def private_key(kind: str, number: int = 0) -> Any:
    """Make a private key: RSA, P-256, P-384, P-521, Ed25519 or Ed448; the same for each number."""
    if kind == "RSA":
        return RSAKey.generate_key(2048, private=True, auto_kid=False)
    if kind.startswith("P-"):
        return ECKey.generate_key(kind, private=True, auto_kid=False)
    return OKPKey.generate_key(kind, private=True, auto_kid=False)


def public(kind: str, number: int = 0, **members: Any) -> dict[str, Any]:
    """Return the public half as a JWK."""
    return {**private_key(kind, number).as_dict(private=False), **members}


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


KINDS = {"RS": "RSA", "PS": "RSA", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def kind_of(algorithm: str) -> str:
    curves = {"EdDSA": "Ed25519", "Ed25519": "Ed25519", "Ed448": "Ed448"}
    return curves.get(algorithm) or KINDS.get(algorithm) or KINDS[algorithm[:2]]


def sign(
    algorithm: str,
    claims: Any = CLAIMS,
    *,
    kid: Any = "one",
    number: int = 0,
    header: dict[str, Any] | None = None,
    kind: str | None = None,
) -> str:
    """Make a token of *claims* (a value, or the payload's bytes)."""
    head: dict[str, Any] = {"alg": algorithm, "typ": "JWT", **(header or {})}
    if kid is not None:
        head["kid"] = kid
    signed = signing_input(head, claims)
    (model,) = (each for each in JWS_ALGORITHMS if each.name == algorithm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        key = private_key(kind or kind_of(algorithm), number)
        return f"{signed}.{b64(model.sign(signed.encode(), key))}"


def signing_input(head: Any, claims: Any) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"{b64(json.dumps(head).encode())}.{b64(payload)}"


def sign_with_secret(secret: bytes, claims: Any = CLAIMS, algorithm: str = "HS256") -> str:
    """Make a token that is signed with a shared secret."""
    signed = signing_input({"alg": algorithm}, claims)
    name = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), name).digest())}"
