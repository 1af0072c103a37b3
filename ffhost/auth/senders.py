"""The schemes by the names that the configuration has for them."""

from __future__ import annotations

from ffhost.auth.schemes import GitHub, Hmac, Scheme, Slack, Stripe
from ffhost.auth.standard_webhooks import Standard

_SENDERS: dict[str, type[Standard | GitHub | Stripe | Slack]] = {
    "standard": Standard,
    "github": GitHub,
    "stripe": Stripe,
    "slack": Slack,
}


def scheme_named(
    name: str,
    header: str | None = None,
    prefix: str = "",
    encoding: str = "hex",
    algorithm: str = "sha256",
) -> Scheme:
    """Return the scheme *name*; what follows it describes ``hmac`` and nothing else."""
    if name == "hmac":
        return Hmac(header or "", prefix, encoding, algorithm)
    return _SENDERS[name]()
