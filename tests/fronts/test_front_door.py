"""Functions behind a door, called through both fronts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ffhost.auth.standard_webhooks import StandardWebhooks
from ffhost.auth.webhook_schemes import GitHubWebhooks, SlackWebhooks
from ffhost.testing import Client
from tests.auth_signing import key_set, public, sign, sign_with_secret
from tests.conftest import Serve

KEY = "a-key-that-only-machines-know"
SECRET = "0123456789abcdef0123456789abcdef"
HOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CODE = """
import ffhost, json, pathlib

def who(request):
    principal = ffhost.current().principal
    if principal is None:
        return {"name": None}
    return {"name": principal.name, "way": principal.way, "claims": principal.claims}

def count(request):
    file = pathlib.Path(__file__).with_name("count.txt")
    number = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(number))
    return str(number), int(request.headers.get("x-status", "200"))
"""
CONFIG = f"""
auth:
  staff:
    jwt: {{issuer: https://id.example.com, audience: orders, jwks: keys.json, scopes: [write]}}
  shared: {{jwt: {{secret: {SECRET}}}}}
  machines: {{keys: {{ci: {KEY}, slow: {{key: {KEY}-too, rate: 1/h}}}}, header: X-API-Key}}
  github: {{webhook: {{scheme: github, secret: [old, hush]}}}}
  slack: {{webhook: {{scheme: slack, secret: hush}}}}
  hooks: {{webhook: {{scheme: standard, secret: {HOOK}}}}}
defaults: {{auth: [staff, machines]}}
functions:
  who: {{target: main.py:who}}
  open: {{target: main.py:who, auth: public}}
  shared: {{target: main.py:who, auth: shared}}
  pushed: {{target: main.py:who, auth: [github, slack]}}
  count: {{target: main.py:count, auth: hooks}}
  crossed:
    target: main.py:who
    cors: {{allow_origins: ["https://app.example.com"]}}
"""


@pytest.fixture
def host(serve: Serve, tmp_path: Any) -> Client:
    (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="one")))
    return serve(CODE, CONFIG)


def claims(**changes: Any) -> dict[str, Any]:
    later = int(time.time()) + 600
    return {
        "iss": "https://id.example.com", "aud": "orders", "sub": "ada", "exp": later,
        "scope": "write", **changes,
    }  # fmt: skip


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_public_function_asks_nobody_and_has_no_principal(host: Client) -> None:
    assert host.get("/open").json() == {"name": None}


def test_a_token_opens_the_door_and_names_who_calls(host: Client) -> None:
    said = claims()
    answer = host.get("/who", headers=bearer(sign("ES256", said)))
    assert answer.json() == {"name": "ada", "way": "staff", "claims": said}


def test_a_key_opens_the_door_and_names_who_calls(host: Client) -> None:
    answer = host.get("/who", headers={"X-API-Key": KEY})
    assert answer.json() == {"name": "ci", "way": "machines", "claims": {}}


def test_a_token_by_a_shared_secret_opens_its_door(host: Client) -> None:
    said = {"sub": "bob", "exp": int(time.time()) + 60}
    answer = host.get("/shared", headers=bearer(sign_with_secret(SECRET.encode(), said)))
    assert answer.json()["name"] == "bob"


def test_nobody_else_is_let_in(host: Client) -> None:
    answer = host.get("/who")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="ffhost", ApiKey realm="ffhost", header="x-api-key"'
    )
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.pop("execution_id") == answer.headers["function-execution-id"]
    assert problem == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "valid credentials are required",
    }


def test_valid_credentials_that_do_not_suffice_are_403(host: Client) -> None:
    answer = host.get("/who", headers=bearer(sign("ES256", claims(scope="read"))))
    assert answer.status == 403
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="ffhost", error="insufficient_scope", scope="write"'
    )
    assert answer.json()["detail"] == "the credentials do not allow this call"


def test_a_key_beyond_its_rate_is_429(host: Client) -> None:
    headers = {"X-API-Key": f"{KEY}-too"}
    assert host.get("/who", headers=headers).status == 200
    answer = host.get("/who", headers=headers)
    assert answer.status == 429
    assert 3500 < int(answer.headers["retry-after"]) <= 3600


@pytest.mark.parametrize("secret", ["old", "hush"])
def test_a_signed_body_opens_the_door(host: Client, secret: str) -> None:
    body = json.dumps({"ref": "é"}).encode()
    signed = GitHubWebhooks().sign(secret, body, 0, "id")
    assert host.post("/pushed", body=body, headers=signed).json()["name"] == "github"
    assert host.post("/pushed", body=body + b" ", headers=signed).status == 401


def test_any_of_several_webhooks_opens_the_door(host: Client) -> None:
    signed = SlackWebhooks().sign("hush", b"a=b", int(time.time()), "")
    assert host.post("/pushed", body=b"a=b", headers=signed).json()["way"] == "slack"
    late = SlackWebhooks().sign("hush", b"a=b", int(time.time()) - 400, "")
    assert host.post("/pushed", body=b"a=b", headers=late).status == 401


def test_a_delivery_that_was_taken_is_answered_without_a_call(host: Client) -> None:
    now = int(time.time())
    first = StandardWebhooks().sign(HOOK, b"{}", now, "msg_1")
    assert host.post("/count", body=b"{}", headers=first).text == "1"
    again = StandardWebhooks().sign(HOOK, b"{}", now - 5, "msg_1")
    for headers in (first, again):
        answer = host.post("/count", body=b"{}", headers=headers)
        assert (answer.status, answer.body) == (200, b"")
    other = StandardWebhooks().sign(HOOK, b"{}", now, "msg_2")
    assert host.post("/count", body=b"{}", headers=other).text == "2"


def test_a_delivery_that_failed_is_called_again(host: Client) -> None:
    signed = StandardWebhooks().sign(HOOK, b"{}", int(time.time()), "msg_1")
    failing = host.post("/count", body=b"{}", headers={**signed, "x-status": "500"})
    assert (failing.status, failing.text) == (500, "1")
    assert host.post("/count", body=b"{}", headers=signed).text == "2"


def test_a_repeat_needs_a_valid_signature_too(host: Client) -> None:
    signed = StandardWebhooks().sign(HOOK, b"{}", int(time.time()), "msg_1")
    assert host.post("/count", body=b"{}", headers=signed).status == 200
    assert host.post("/count", body=b"{} ", headers=signed).status == 401


def test_preflights_and_probes_are_not_asked_and_refusals_carry_cors(host: Client) -> None:
    origin = {"origin": "https://app.example.com"}
    asked = {**origin, "access-control-request-method": "POST"}
    assert host.request("OPTIONS", "/crossed", headers=asked).status in (200, 204)
    refused = host.get("/crossed", headers=origin)
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example.com"
    assert host.get("/_ffhost/live").status == 200
    assert host.get("/_ffhost/ready").json() == {"status": "ready"}


def test_a_header_of_the_client_never_becomes_a_principal(host: Client) -> None:
    assert host.get("/open", headers={"ffhost.principal": "root"}).json() == {"name": None}
    assert host.get("/open", headers=bearer(sign("ES256", claims()))).json() == {"name": None}
