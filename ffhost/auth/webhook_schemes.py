"""How senders of webhooks sign: five schemes, each by its sender's published rules.

A scheme reads what a request claims, and signs in the same way for tests and ``ffhost invoke``.
The claimed signature is compared as it is written, not decoded: it has one spelling only.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from ffhost.auth.secrets import AuthSecret, HmacKey

SIGNATURES = 16
"""Signatures that one request may carry; senders send one for each secret that is rotated."""
_TIME = re.compile("[0-9]{1,11}")
_HEX = re.compile("[0-9a-f]{64}")
DELIVERY_ID = re.compile("[!-~]{1,256}")


class WebhookSignatureAbsent(Exception):
    """The request does not carry the scheme's signature."""


class WebhookFieldsMalformed(Exception):
    """The fields do not have the scheme's form; the message is for the log."""


class WebhookClaim(NamedTuple):
    """What a request says of itself.

    Attributes:
        prefix: what was signed in front of the body
        signatures: signatures as written, without what names their version
        timestamp: seconds since 1970, where the scheme signs a time
        delivery: the id of the delivery, where the scheme signs one
    """

    prefix: bytes
    signatures: tuple[bytes, ...]
    timestamp: int | None = None
    delivery: str | None = None


Verifier: TypeAlias = Callable[[WebhookClaim, bytes], bool]
"""Whether one secret has signed what is claimed, with this body."""


class WebhookScheme(Protocol):
    """One sender's rules.

    Attributes:
        name: the scheme's name in the configuration
        header: the field that holds the signature
    """

    name: str
    header: str

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read what the fields (lower-case names) claim.

        Raises:
            WebhookSignatureAbsent: the signature is not there
            WebhookFieldsMalformed: a field does not have the scheme's form
        """
        ...

    def verifier(self, secret: str) -> Verifier:
        """Return what verifies by *secret*, as it is written in the configuration.

        Raises:
            ValueError: the sender does not make such secrets
        """
        ...

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Return the fields that the sender would send with *body*."""
        ...


def hmac_hex_verifier(key: HmacKey) -> Verifier:
    """Return what compares signatures that are written as lower-case hex digits."""

    def verify(claimed: WebhookClaim, body: bytes) -> bool:
        expected = AuthSecret(key.digest(claimed.prefix, body).hex().encode())
        return _any_matches(expected, claimed)

    return verify


def hmac_base64_verifier(key: HmacKey) -> Verifier:
    """Return what compares signatures that are written as base64."""

    def verify(claimed: WebhookClaim, body: bytes) -> bool:
        expected = AuthSecret(base64.b64encode(key.digest(claimed.prefix, body)))
        return _any_matches(expected, claimed)

    return verify


def _any_matches(expected: AuthSecret, claimed: WebhookClaim) -> bool:
    return sum(map(expected.matches, claimed.signatures)) > 0


def find_webhook_field(headers: Mapping[str, str], name: str) -> str:
    """Return the field *name*, or raise `WebhookSignatureAbsent`."""
    value = headers.get(name)
    if not value:
        raise WebhookSignatureAbsent
    return value


def read_webhook_timestamp(text: str) -> int:
    """Read whole seconds since 1970, in ASCII digits only."""
    if not _TIME.fullmatch(text):
        raise WebhookFieldsMalformed("malformed timestamp")
    return int(text)


def read_webhook_hex(text: str, prefix: str) -> bytes:
    """Read *prefix* and a SHA-256 in lower-case hex digits."""
    if not text.startswith(prefix) or not _HEX.fullmatch(text[len(prefix) :]):
        raise WebhookFieldsMalformed("malformed signature")
    return text[len(prefix) :].encode()


class GitHubWebhooks:
    """GitHub signs the body alone. X-Hub-Signature is SHA-1 and is not looked at."""

    name = "github"
    header = "X-Hub-Signature-256"

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read X-Hub-Signature-256."""
        text = find_webhook_field(headers, "x-hub-signature-256")
        return WebhookClaim(b"", (read_webhook_hex(text, "sha256="),))

    def verifier(self, secret: str) -> Verifier:
        """Verify with the secret's text as the key."""
        return hmac_hex_verifier(HmacKey(secret.encode()))

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Sign *body*."""
        signature = HmacKey(secret.encode()).digest(body).hex()
        return {"x-hub-signature-256": f"sha256={signature}", "x-github-delivery": delivery}


class StripeWebhooks:
    """Stripe signs the time and the body, with the whole of ``whsec_…`` as the key's text."""

    name = "stripe"
    header = "Stripe-Signature"

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read Stripe-Signature: ``t=…,v1=…``, with ``v1`` once for each secret."""
        pairs = [
            part.partition("=")[::2]
            for part in find_webhook_field(headers, "stripe-signature").split(",")
        ]
        times = [value for key, value in pairs if key == "t"]
        signatures = [read_webhook_hex(value, "") for key, value in pairs if key == "v1"]
        if len(times) != 1 or not 1 <= len(signatures) <= SIGNATURES:
            raise WebhookFieldsMalformed("malformed signature")
        return WebhookClaim(
            f"{times[0]}.".encode(), tuple(signatures), read_webhook_timestamp(times[0])
        )

    def verifier(self, secret: str) -> Verifier:
        """Verify with the secret's text as the key."""
        return hmac_hex_verifier(HmacKey(secret.encode()))

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Sign *now* and *body*."""
        signature = HmacKey(secret.encode()).digest(f"{now}.".encode(), body).hex()
        return {"stripe-signature": f"t={now},v1={signature}"}


class SlackWebhooks:
    """Slack signs a version, the time and the body."""

    name = "slack"
    header = "X-Slack-Signature"

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read X-Slack-Signature and X-Slack-Request-Timestamp."""
        signature = read_webhook_hex(find_webhook_field(headers, "x-slack-signature"), "v0=")
        text = find_webhook_field(headers, "x-slack-request-timestamp")
        return WebhookClaim(f"v0:{text}:".encode(), (signature,), read_webhook_timestamp(text))

    def verifier(self, secret: str) -> Verifier:
        """Verify with the secret's text as the key."""
        return hmac_hex_verifier(HmacKey(secret.encode()))

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Sign *now* and *body*."""
        signature = HmacKey(secret.encode()).digest(f"v0:{now}:".encode(), body).hex()
        return {"x-slack-request-timestamp": str(now), "x-slack-signature": f"v0={signature}"}


class HmacWebhooks:
    """Anybody else who signs the body alone.

    Args:
        header: the field that holds the signature
        prefix: what stands in front of it, such as ``sha256=``
        encoding: ``hex`` (lower case) or ``base64``
        algorithm: name of the hash: ``sha256``, ``sha384`` or ``sha512``
    """

    name = "hmac"

    def __init__(
        self,
        header: str,
        prefix: str = "",
        encoding: str = "hex",
        algorithm: str = "sha256",
    ) -> None:
        self.header = header
        self._header = header.lower()
        self._prefix = prefix
        self._encoding = encoding
        self._algorithm = algorithm

    def read(self, headers: Mapping[str, str]) -> WebhookClaim:
        """Read the field."""
        text = find_webhook_field(headers, self._header)
        if not text.startswith(self._prefix):
            raise WebhookFieldsMalformed("malformed signature")
        return WebhookClaim(b"", (text[len(self._prefix) :].encode("utf-8", "surrogatepass"),))

    def verifier(self, secret: str) -> Verifier:
        """Verify with the secret's text as the key."""
        key = HmacKey(secret.encode(), self._algorithm)
        return hmac_hex_verifier(key) if self._encoding == "hex" else hmac_base64_verifier(key)

    def sign(self, secret: str, body: bytes, now: int, delivery: str) -> dict[str, str]:
        """Sign *body*."""
        digest = HmacKey(secret.encode(), self._algorithm).digest(body)
        text = digest.hex() if self._encoding == "hex" else base64.b64encode(digest).decode()
        return {self._header: self._prefix + text}
