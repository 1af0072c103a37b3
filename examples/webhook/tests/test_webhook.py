"""Deliveries with right, wrong and missing signatures, in process."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from ffhost.testing import Answer, Client, client

CONFIG = Path(__file__).parents[1] / "functions.yaml"
SECRET = "for-tests"


def host() -> Client:
    return client(CONFIG, environ={"WEBHOOK_SECRET": SECRET})


def deliver(to: Client, body: bytes, *, secret: str = SECRET, delivery: str = "1") -> Answer:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-signature-256": f"sha256={digest}", "x-delivery-id": delivery}
    return to.post("/hooks/orders", headers=headers, body=body)


def test_a_signed_delivery_is_taken_once() -> None:
    body = json.dumps({"event": "order.paid"}).encode()
    with host() as to:
        first, second = (deliver(to, body, delivery="once") for _ in range(2))
    assert [(each.status, each.text) for each in (first, second)] == [
        (202, "taken\n"),
        (200, "known\n"),
    ]


def test_another_secret_is_refused_before_the_body_is_parsed() -> None:
    with host() as to:
        answer = deliver(to, b"{ no JSON", secret="another")
    assert (answer.status, answer.text) == (401, "the signature is wrong\n")


def test_a_body_that_was_changed_is_refused() -> None:
    with host() as to:
        digest = hmac.new(SECRET.encode(), b'{"event": "a"}', hashlib.sha256).hexdigest()
        headers = {"x-signature-256": f"sha256={digest}", "x-delivery-id": "2"}
        answer = to.post("/hooks/orders", headers=headers, body=b'{"event": "b"}')
    assert answer.status == 401


def test_a_signed_body_that_is_no_event_is_the_senders_mistake() -> None:
    with host() as to:
        assert deliver(to, b"[]", delivery="3").status == 400


def test_a_large_body_is_refused_by_the_host() -> None:
    with host() as to:
        assert deliver(to, b"x" * (1024 * 1024 + 1), delivery="4").status == 413
