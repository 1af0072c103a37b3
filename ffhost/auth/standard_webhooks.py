"""Standard Webhooks 1.0.0: an id, a time and the body are signed (standardwebhooks.com).

``v1`` signs with a shared secret, ``v1a`` with an ed25519 key of the sender's. The public half
is all that we have of the latter, so ``ffhost invoke`` cannot sign for it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from ffhost.auth.secrets import HmacKey
from ffhost.auth.webhook_schemes import (
    DELIVERY_ID,
    SIGNATURES,
    Verifier,
    WebhookClaim,
    WebhookFieldsMalformed,
    find_webhook_field,
    hmac_base64_verifier,
    read_webhook_timestamp,
)

SECRET, PUBLIC_KEY = "whsec_", "whpk_"
_SECRET_BYTES = range(24, 65)
_PUBLIC_KEY_BYTES = 32


class StandardWebhooks:
    """The scheme ``standard``."""

    name = "standard"
    header = "webhook-signature"

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read webhook-id, webhook-timestamp and webhook-signature."""
        signatures = find_webhook_field(headers, "webhook-signature").split(" ")
        delivery = find_webhook_field(headers, "webhook-id")
        text = find_webhook_field(headers, "webhook-timestamp")
        # A dot in the id would let somebody move the border between the id and the time.
        if not DELIVERY_ID.fullmatch(delivery) or "." in delivery:
            raise WebhookFieldsMalformed("malformed id")
        if len(signatures) > SIGNATURES or not all("," in each for each in signatures):
            raise WebhookFieldsMalformed("malformed signature")
        signed = tuple(each.encode("utf-8", "surrogatepass") for each in signatures)
        return WebhookClaim(
            f"{delivery}.{text}.".encode(), signed, read_webhook_timestamp(text), delivery
        )

    def verifier(self, secret: str) -> Verifier:
        """Verify ``v1`` by a ``whsec_`` secret, ``v1a`` by a ``whpk_`` key."""
        if secret.startswith(PUBLIC_KEY):
            check_webhook_secret(secret)
            return _of_version(b"v1a,", _by_public_key(_decoded(secret, PUBLIC_KEY)))
        return _of_version(b"v1,", hmac_base64_verifier(HmacKey(_secret(secret))))

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Sign *delivery*, *now* and *body*."""
        key = HmacKey(_secret(secret))
        signature = base64.b64encode(key.digest(f"{delivery}.{now}.".encode(), body)).decode()
        return {
            "webhook-id": delivery,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{signature}",
        }


def check_webhook_secret(secret: str) -> None:
    """Raise ValueError unless *secret* has the form of this scheme's secrets."""
    if not secret.startswith(PUBLIC_KEY):
        _secret(secret)
    elif len(_decoded(secret, PUBLIC_KEY)) != _PUBLIC_KEY_BYTES:
        raise ValueError(f"an ed25519 key has {_PUBLIC_KEY_BYTES} bytes")


def _secret(secret: str) -> bytes:
    if not secret.startswith(SECRET):
        raise ValueError(f"a secret of this scheme begins with {SECRET!r} or {PUBLIC_KEY!r}")
    key = _decoded(secret, SECRET)
    if len(key) not in _SECRET_BYTES:
        raise ValueError(f"a secret of this scheme has 24 to 64 bytes, this one has {len(key)}")
    return key


def _decoded(secret: str, prefix: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {prefix!r} is not base64") from None


def _of_version(version: bytes, verify: Verifier) -> Verifier:
    def verify_version(claimed: WebhookClaim, body: bytes) -> bool:
        signatures = tuple(
            each[len(version) :] for each in claimed.signatures if each.startswith(version)
        )
        return verify(claimed._replace(signatures=signatures), body)

    return verify_version


def _by_public_key(key: bytes) -> Verifier:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(key)

    def verify_one(given: bytes, signed: bytes) -> bool:
        try:
            signature = base64.b64decode(given, validate=True)
            if base64.b64encode(signature) != given:
                return False
            public.verify(signature, signed)
        except (ValueError, InvalidSignature):
            return False
        return True

    def verify(claimed: WebhookClaim, body: bytes) -> bool:
        signed = claimed.prefix + body
        return any(verify_one(given, signed) for given in claimed.signatures)

    return verify
