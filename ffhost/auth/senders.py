"""The schemes by the names that the configuration has for them."""

from __future__ import annotations

from ffhost.auth.standard_webhooks import StandardWebhooks
from ffhost.auth.webhook_schemes import (
    GitHubWebhooks,
    HmacWebhooks,
    SlackWebhooks,
    StripeWebhooks,
    WebhookScheme,
)

_SENDERS: dict[str, type[StandardWebhooks | GitHubWebhooks | StripeWebhooks | SlackWebhooks]] = {
    "standard": StandardWebhooks,
    "github": GitHubWebhooks,
    "stripe": StripeWebhooks,
    "slack": SlackWebhooks,
}


def webhook_scheme_named(
    name: str,
    header: str | None = None,
    prefix: str = "",
    encoding: str = "hex",
    algorithm: str = "sha256",
) -> WebhookScheme:
    """Return the scheme *name*; what follows it describes ``hmac`` and nothing else."""
    if name == "hmac":
        return HmacWebhooks(header or "", prefix, encoding, algorithm)
    return _SENDERS[name]()
