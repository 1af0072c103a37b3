"""Each way opens the functions that name it, and no others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from ffhost.auth.standard_webhooks import StandardWebhooks
from ffhost.auth.webhook_schemes import GitHubWebhooks, HmacWebhooks, SlackWebhooks, StripeWebhooks
from ffhost.testing import Client, client

CONFIG = Path(__file__).parents[1] / "functions.yaml"
TOKEN_SECRET = "for-tests-for-tests-for-tests-32"
PARTNER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENVIRON = {
    "TOKEN_SECRET": TOKEN_SECRET,
    "CI_KEY": "key-of-ci-in-tests",
    "BILLING_KEY": "key-of-billing-in-tests",
    "HOOK_SECRET": "hush",
    "PARTNER_SECRET": PARTNER_SECRET,
}
ISSUERS_KEY = ECKey.generate_key("P-256", private=True, auto_kid=False)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    """Serve the example with a key set whose private half is here."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [{**ISSUERS_KEY.as_dict(private=False), "kid": "test"}]}))
    environ = {**ENVIRON, "FFHOST_AUTH__STAFF__JWT__JWKS": str(keys)}
    with client(CONFIG, environ=environ) as running:
        yield running


def staff_token(**changes: Any) -> dict[str, str]:
    claims = {
        "iss": "https://id.example.com",
        "aud": "orders",
        "sub": "ada",
        "role": "clerk",
        "scope": "orders:read orders:write",
        "exp": int(time.time()) + 60,
        **changes,
    }
    token = jwt.encode({"alg": "ES256", "kid": "test"}, claims, ISSUERS_KEY)
    return {"authorization": f"Bearer {token}"}


def test_staff_may_order_with_a_token_of_the_issuer(host: Client) -> None:
    answer = host.post("/order", headers=staff_token(), json={"item": "tea"})
    assert (answer.status, answer.json()) == (200, {"item": "tea", "by": "ada"})


def test_staff_of_another_role_or_without_the_scope_may_not(host: Client) -> None:
    for changes in ({"role": "guest"}, {"scope": "orders:read"}):
        answer = host.post("/order", headers=staff_token(**changes), json={"item": "tea"})
        assert answer.status == 403


def test_a_token_for_another_service_is_worth_nothing(host: Client) -> None:
    assert host.post("/order", headers=staff_token(aud="stock"), json={"item": "t"}).status == 401


def test_services_order_with_a_token_by_the_shared_secret(host: Client) -> None:
    claims = {"sub": "stock", "aud": "orders", "exp": int(time.time()) + 60}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(TOKEN_SECRET))
    headers = {"authorization": f"Bearer {token}"}
    assert host.post("/order", headers=headers, json={"item": "tea"}).json()["by"] == "stock"


def test_a_key_says_who_calls_but_cannot_order(host: Client) -> None:
    headers = {"x-api-key": ENVIRON["BILLING_KEY"]}
    assert host.get("/me", headers=headers).json()["name"] == "billing"
    assert host.post("/order", headers=headers, json={"item": "tea"}).status == 401


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("github", GitHubWebhooks().sign("hush", b"{}", int(time.time()), "1")),
        ("stripe", StripeWebhooks().sign("hush", b"{}", int(time.time()), "1")),
        ("slack", SlackWebhooks().sign("hush", b"{}", int(time.time()), "1")),
        ("partner", StandardWebhooks().sign(PARTNER_SECRET, b"{}", int(time.time()), "1")),
        (
            "shop",
            HmacWebhooks("X-Shopify-Hmac-Sha256", encoding="base64").sign("hush", b"{}", 0, "1"),
        ),
    ],
)
def test_a_delivery_is_taken_with_its_senders_signature(
    host: Client, path: str, headers: dict[str, str]
) -> None:
    assert host.post(f"/hooks/{path}", headers=headers, body=b"{ }").status == 401
    assert host.post(f"/hooks/{path}", headers=headers, body=b"{}").status == 202


def test_the_status_is_for_everybody(host: Client) -> None:
    assert host.get("/status").text == "open\n"
