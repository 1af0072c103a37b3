"""Commands and the front door: what is public, calling what is locked, and describing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.auth_signing import key_set, public
from tests.commands import Ran, ffhost

SECRET = "0123456789abcdef0123456789abcdef"
PARTNER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAIN = """
import ffhost

def who(request):
    principal = ffhost.current().principal
    return principal.name if principal else "nobody"
"""
CONFIG = f"""
auth:
  staff: {{jwt: {{issuer: https://i, audience: a, jwks: keys.json, scopes: [x, y]}}}}
  backend:
    jwt:
      secret: {SECRET}
      audience: [a, b]
      issuer: i
      claims: {{r: [s], n: {{m: 1}}}}
      scopes: [x]
  machines:
    header: X-API-Key
    keys: {{ci: {SECRET}-1, other: {{key: {SECRET}-2, rate: 9/s}}}}
  github: {{webhook: {{scheme: github, secret: hush}}}}
  slack: {{webhook: {{scheme: slack, secret: hush}}}}
  stripe: {{webhook: {{scheme: stripe, secret: hush}}}}
  partner: {{webhook: {{scheme: standard, secret: {PARTNER}}}}}
  shop: {{webhook: {{scheme: hmac, secret: hush, header: X-Sum, encoding: base64}}}}
functions:
  open: {{target: main.py:who}}
  all:
    target: main.py:who
    auth: [staff, backend, machines, github, slack, stripe, partner, shop]
  keyed:
    target: main.py:who
    auth: machines
    examples:
      - {{request: {{path: /keyed}}, response: {{status: 200, body: ci}}}}
      - {{request: {{path: /keyed}}, response: {{status: 401}}}}
      - {{request: {{path: /keyed, headers: {{X-Api-Key: wrong}}}}, response: {{status: 401}}}}
  staffed: {{target: main.py:who, auth: staff}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="one")))
    return tmp_path


def invoke(folder: Path, *arguments: str) -> Ran:
    return ffhost("invoke", *arguments, cwd=folder)


def test_check_names_what_is_public_when_asked(folder: Path) -> None:
    assert "public" not in ffhost("check", cwd=folder).out
    assert ffhost("check", "--public", cwd=folder).out.endswith("public: open\n")
    assert "public: open" in ffhost("check", "--public", "--no-import", cwd=folder).out


def test_functions_shows_the_door_of_each(folder: Path) -> None:
    records = json.loads(ffhost("functions", "--format", "json", cwd=folder).out)
    assert {each["name"]: each["door"] for each in records} == {
        "open": ["public"],
        "all": ["staff", "backend", "machines", "github", "slack", "stripe", "partner", "shop"],
        "keyed": ["machines"],
        "staffed": ["staff"],
    }


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("backend", "ffhost-invoke"),
        ("machines", "ci"),
        ("machines/other", "other"),
        ("github", "github"),
        ("slack", "slack"),
        ("stripe", "stripe"),
        ("partner", "partner"),
        ("shop", "shop"),
    ],
)
def test_invoke_signs_as_a_way_wants_it(folder: Path, way: str, name: str) -> None:
    ran = invoke(folder, "all", "--auth", way, "--data", '{"é": 1}')
    assert (ran.status, ran.out.strip()) == (0, name), ran.err


def test_invoke_without_credentials_is_refused(folder: Path) -> None:
    ran = invoke(folder, "all")
    assert ran.status == 1
    assert "401 Unauthorized" in ran.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["all", "--auth", "machine"], "unknown way 'machine'"),
        (["all", "--auth", "machines/nobody"], "'machines' has no key 'nobody'"),
        (["all", "--auth", "github/x"], "the way 'github' has no keys"),
        (["all", "--auth", "staff"], "only the issuer can sign tokens for 'staff'"),
    ],
)
def test_invoke_says_what_it_cannot_sign(folder: Path, arguments: list[str], expected: str) -> None:
    ran = invoke(folder, *arguments)
    assert ran.status != 0
    assert expected in ran.err
    assert SECRET not in ran.err + ran.out


def test_invoke_sends_a_token_that_is_given(folder: Path) -> None:
    import time

    from tests.auth_signing import sign

    claims = {"iss": "https://i", "aud": "a", "sub": "ada", "scope": "x y"}
    token = sign("ES256", {**claims, "exp": int(time.time()) + 60})
    assert invoke(folder, "staffed", "--token", token).out.strip() == "ada"
    assert invoke(folder, "staffed", "--token", token + "x").status == 1


def test_examples_are_called_with_credentials_unless_they_have_their_own(folder: Path) -> None:
    ran = ffhost("test", "keyed", cwd=folder)
    assert ran.status == 0, ran.out


def test_no_command_shows_a_key(folder: Path) -> None:
    for arguments in (["config"], ["config", "--format", "json"], ["functions"], ["check"]):
        ran = ffhost(*arguments, cwd=folder)
        assert ran.status == 0
        for secret in (SECRET, "hush", PARTNER):
            assert secret not in ran.out + ran.err, arguments


def test_the_openapi_document_has_the_security_schemes(folder: Path) -> None:
    document = json.loads(ffhost("openapi", "--format", "json", cwd=folder).out)
    schemes = document["components"]["securitySchemes"]
    assert {name: (each["type"], each.get("name")) for name, each in schemes.items()} == {
        "staff": ("http", None),
        "backend": ("http", None),
        "machines": ("apiKey", "X-API-Key"),
        "github": ("apiKey", "X-Hub-Signature-256"),
        "slack": ("apiKey", "X-Slack-Signature"),
        "stripe": ("apiKey", "Stripe-Signature"),
        "partner": ("apiKey", "webhook-signature"),
        "shop": ("apiKey", "X-Sum"),
    }
    assert schemes["staff"]["scheme"] == "bearer"
    staffed, opened = document["paths"]["/staffed"]["get"], document["paths"]["/open"]["get"]
    assert staffed["security"] == [{"staff": ["x", "y"]}]
    assert {"401", "403"} <= staffed["responses"].keys()
    assert "security" not in opened
    assert "401" not in opened["responses"]
    assert len(document["paths"]["/all"]["get"]["security"]) == 8
