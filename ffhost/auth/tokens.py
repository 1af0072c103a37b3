"""A JSON Web Token taken apart, strictly (RFC 7515, RFC 7519). Nothing here verifies.

Each token has exactly one spelling here: no padding, no line breaks, no spare bits at the end
of base64, no name twice in an object. So nobody can change a token without breaking it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NamedTuple

TOKEN_LIMIT = 16 * 1024
"""Characters of a token. Servers and proxies take heads of 8 to 32 KiB; no issuer makes more."""
HEADER_LIMIT = 4 * 1024
"""Bytes of a token's header. Certificates in ``x5c`` fill it; joserfc's 512 are too few."""


class MalformedToken(ValueError):
    """Not a token; the message is the reason for the log."""


class UnverifiedToken(NamedTuple):
    """A token whose signature has not been looked at.

    Attributes:
        algorithm: what the header claims; the keys decide whether it counts
        key_id: the header's ``kid``, or None
        signed: the bytes that were signed
        signature: the decoded signature
        payload: the decoded payload, as text
    """

    algorithm: str
    key_id: str | None
    signed: bytes
    signature: bytes
    payload: bytes


def parse_token(text: str) -> UnverifiedToken:
    """Take *text* apart.

    Raises:
        Malformed: it is not a signed token in compact form
    """
    if len(text) > TOKEN_LIMIT:
        raise MalformedToken("token too long")
    parts = text.split(".")
    if len(parts) != 3:
        raise MalformedToken("malformed token")
    header = decode_base64url(parts[0])
    if len(header) > HEADER_LIMIT:
        raise MalformedToken("token header too long")
    algorithm, key_id = _read_header(parse_token_object(header))
    signed = text[: len(parts[0]) + 1 + len(parts[1])].encode()
    return UnverifiedToken(
        algorithm, key_id, signed, decode_base64url(parts[2]), decode_base64url(parts[1])
    )


def _read_header(header: dict[str, Any]) -> tuple[str, str | None]:
    # jku, jwk, x5u and x5c bring keys of the caller's own: they are not looked at.
    algorithm, key_id = header.get("alg"), header.get("kid")
    if "crit" in header or "b64" in header:
        raise MalformedToken("token needs an extension")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise MalformedToken("malformed token")
    return algorithm, key_id


def decode_base64url(text: str) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        Malformed: *text* is something else, or another spelling of the same bytes
    """
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedToken("malformed token") from None
    if encode_base64url(decoded) != text:
        raise MalformedToken("malformed token")
    return decoded


def encode_base64url(value: bytes) -> str:
    """Return *value* as base64url without padding, as tokens have it."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def parse_token_object(text: bytes) -> dict[str, Any]:
    """Parse the JSON object *text*: UTF-8, finite numbers, each name once.

    Raises:
        Malformed: it is something else
    """
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
    except (ValueError, RecursionError):
        raise MalformedToken("malformed token") from None
    if not isinstance(value, dict):
        raise MalformedToken("malformed token")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedToken("malformed token")
    return made


def _refuse(constant: str) -> Any:
    raise MalformedToken("malformed token")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise MalformedToken("malformed token")
    return value
