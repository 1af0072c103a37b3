"""A receiver of webhooks: the sender proves with an HMAC that it knows the secret.

The signature covers the bytes of the body, so it is checked before anything parses them.
Senders repeat a delivery that was not answered in time: what was taken once is acknowledged
again and not done again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading

import ffhost

log = logging.getLogger(__name__)

REMEMBERED = 10_000
"""Deliveries that are known to this process; with several workers use a shared store."""

_seen: dict[str, None] = {}
_lock = threading.Lock()


@ffhost.http
def webhook(request: ffhost.Request) -> tuple[str, int]:
    """Take one delivery."""
    given = request.headers.get("X-Signature-256")
    if given is None:
        return "the signature is missing\n", 401
    secret = str(ffhost.current().config["secret"])
    if not hmac.compare_digest(given.encode(), signature(secret, request.data).encode()):
        return "the signature is wrong\n", 401
    delivery = request.headers.get("X-Delivery-Id")
    if delivery is None:
        return "X-Delivery-Id is missing\n", 400
    try:
        event = json.loads(request.data)["event"]
    except (ValueError, KeyError, TypeError):
        return "expected a JSON object with 'event'\n", 400
    if not is_new(delivery):
        return "known\n", 200
    log.info("delivered", extra={"event_name": event, "delivery": delivery})
    return "taken\n", 202


def signature(secret: str, body: bytes) -> str:
    """Give the value of ``X-Signature-256`` for *body*."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_new(delivery: str) -> bool:
    """Say whether *delivery* comes for the first time, and remember it."""
    with _lock:
        if delivery in _seen:
            return False
        _seen[delivery] = None
        if len(_seen) > REMEMBERED:
            del _seen[next(iter(_seen))]
        return True
