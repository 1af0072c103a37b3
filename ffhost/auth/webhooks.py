"""The way ``webhook``: the sender signs each body with a secret that both sides know.

What can be refused without the body is: fields that are missing, signatures of the wrong form,
times that are too old. The rest waits for the last byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ffhost.auth.principals import Principal
from ffhost.auth.refusals import MISSING, CallerRefusal
from ffhost.auth.ways import WayAwaitingBody
from ffhost.auth.webhook_schemes import (
    Verifier,
    WebhookClaim,
    WebhookFieldsMalformed,
    WebhookScheme,
    WebhookSignatureAbsent,
)

TOLERANCE = 300.0
"""Seconds by which a signed time may differ from ours: what the senders' own libraries allow."""


class WebhookWay:
    """A way that checks signatures.

    Args:
        name: the way's name in the configuration; its callers' name, too
        scheme: where the signature stands and what it is of
        verifiers: one for each secret; several while secrets are rotated
        tolerance: seconds by which a signed time may differ from ours
    """

    def __init__(
        self,
        name: str,
        scheme: WebhookScheme,
        verifiers: Sequence[Verifier],
        tolerance: float = TOLERANCE,
    ) -> None:
        self.name = name
        self._scheme = scheme
        self._verifiers = tuple(verifiers)
        self._tolerance = tolerance
        self._challenge = f'Webhook scheme="{scheme.name}"'

    def check(self, headers: Mapping[str, str], now: float) -> WayAwaitingBody | CallerRefusal:
        """Check what stands in the header fields."""
        try:
            claimed = self._scheme.read(headers)
        except WebhookSignatureAbsent:
            return self._refused(MISSING)
        except WebhookFieldsMalformed as error:
            return self._refused(str(error))
        if claimed.timestamp is not None and abs(now - claimed.timestamp) > self._tolerance:
            return self._refused("timestamp outside of the tolerance")
        return WayAwaitingBody(lambda body: self._check_body(claimed, body))

    def _check_body(self, claimed: WebhookClaim, body: bytes) -> Principal | CallerRefusal:
        # Every secret is tried, so that the time does not tell which one signed.
        found = [verify(claimed, body) for verify in self._verifiers]
        if not any(found):
            return self._refused("wrong signature")
        claims: dict[str, str | int] = {}
        if claimed.delivery is not None:
            claims["id"] = claimed.delivery
        if claimed.timestamp is not None:
            claims["timestamp"] = claimed.timestamp
        return Principal(self.name, self.name, json.dumps(claims).encode(), claimed.delivery)

    def _refused(self, reason: str) -> CallerRefusal:
        return CallerRefusal(401, reason, self._challenge, way=self.name)
