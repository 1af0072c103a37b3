"""The way webhook: the senders' published vectors, and everything close to them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.auth.principals import Principal
from ffhost.auth.refusals import CallerRefusal
from ffhost.auth.standard_webhooks import StandardWebhooks
from ffhost.auth.ways import WayAwaitingBody
from ffhost.auth.webhook_schemes import (
    GitHubWebhooks,
    HmacWebhooks,
    SlackWebhooks,
    StripeWebhooks,
    WebhookScheme,
)
from ffhost.auth.webhooks import WebhookWay
from tests.auth_signing import private_key

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


class Vector:
    """A request that a sender has published, or that was made by its published rules."""

    def __init__(
        self, scheme: WebhookScheme, secret: str, now: int, body: bytes, headers: dict[str, str]
    ) -> None:
        self.scheme = scheme
        self.secret = secret
        self.now = now
        self.body = body
        self.headers = headers


GITHUB = Vector(
    GitHubWebhooks(),
    "It's a Secret to Everybody",
    0,
    b"Hello, World!",
    {
        "x-hub-signature-256": "sha256="
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    },
)
SLACK = Vector(
    SlackWebhooks(),
    "8f742231b10e8888abcd99yyyzzz85a5",
    1531420618,
    SLACK_BODY,
    {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
)
STANDARD = Vector(
    StandardWebhooks(),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    1614265330,
    b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
)
STRIPE = Vector(
    StripeWebhooks(),
    "whsec_test_secret",
    1700000000,
    b'{"id":"evt_1","object":"event"}',
    {
        "stripe-signature": "t=1700000000,"
        "v1=0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"
    },
)
SHOPIFY_SECRET = "hush"
SHOPIFY = Vector(
    HmacWebhooks("x-shopify-hmac-sha256", encoding="base64"),
    SHOPIFY_SECRET,
    0,
    b'{"id": 7}',
    {
        "x-shopify-hmac-sha256": base64.b64encode(
            hmac.new(SHOPIFY_SECRET.encode(), b'{"id": 7}', hashlib.sha256).digest()
        ).decode()
    },
)
VECTORS = [GITHUB, SLACK, STANDARD, STRIPE, SHOPIFY]
TIMED = [SLACK, STANDARD, STRIPE]
NAMES = ["github", "slack", "standard", "stripe", "hmac"]

every = pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
timed = pytest.mark.parametrize("vector", TIMED, ids=["slack", "standard", "stripe"])


def way(vector: Vector, *secrets: str) -> WebhookWay:
    scheme = vector.scheme
    verifiers = [scheme.verifier(secret) for secret in secrets or (vector.secret,)]
    return WebhookWay("hook", scheme, verifiers)


def judge(
    vector: Vector,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    now: float | None = None,
    made: WebhookWay | None = None,
) -> Principal | CallerRefusal:
    result = (made or way(vector)).check(
        vector.headers if headers is None else headers, vector.now if now is None else now
    )
    if isinstance(result, WayAwaitingBody):
        return result.finish(vector.body if body is None else body)
    return result


def reason(result: Principal | CallerRefusal) -> str:
    assert isinstance(result, CallerRefusal), result
    assert result.status == 401
    return result.reason


@every
def test_the_senders_own_signature_is_accepted(vector: Vector) -> None:
    result = judge(vector)
    assert isinstance(result, Principal)
    assert (result.name, result.way) == ("hook", "hook")


@every
def test_what_we_sign_is_what_the_sender_signs(vector: Vector) -> None:
    delivery = vector.headers.get("webhook-id", "some-id")
    signed = vector.scheme.sign(vector.secret, vector.body, vector.now, delivery)
    assert {name: signed[name] for name in vector.headers} == vector.headers


@every
def test_another_body_is_refused(vector: Vector) -> None:
    for body in (b"", vector.body + b"\n", vector.body[:-1], vector.body.swapcase() + b"x"):
        assert reason(judge(vector, body=body)) == "wrong signature"


@every
def test_another_secret_is_refused(vector: Vector) -> None:
    other = {"standard": "whsec_" + base64.b64encode(b"x" * 24).decode()}
    secret = other.get(vector.scheme.name, vector.secret + "x")
    assert reason(judge(vector, made=way(vector, secret))) == "wrong signature"


@every
def test_two_secrets_hold_at_once_while_they_are_rotated(vector: Vector) -> None:
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert isinstance(judge(vector, made=way(vector, other, vector.secret)), Principal)
    assert isinstance(judge(vector, made=way(vector, vector.secret, other)), Principal)


@every
def test_a_request_without_the_fields_is_refused_before_its_body_is_read(vector: Vector) -> None:
    for left_out in vector.headers:
        headers = {name: value for name, value in vector.headers.items() if name != left_out}
        result = way(vector).check(headers, vector.now)
        assert isinstance(result, CallerRefusal)
        assert result.reason == "no credentials"
        empty = way(vector).check({**headers, left_out: ""}, vector.now)
        assert isinstance(empty, CallerRefusal)


@every
def test_a_signature_in_other_case_truncated_or_decorated_is_refused(vector: Vector) -> None:
    name = next(name for name in vector.headers if "signature" in name or "hmac" in name)
    value = vector.headers[name]
    for other in (
        value.upper(),
        value.swapcase(),
        value[:-1],
        value + "0",
        value + "=",
        value + "\n",
        "0" + value,
        value.replace("=", "", 1),
        value + "é",
        "é" * 70,
        ",".join([value] * 2) + "x",
    ):
        if other == value:
            continue
        headers = {**vector.headers, name: other}
        assert isinstance(judge(vector, headers), CallerRefusal), other


@timed
def test_an_old_time_is_refused_before_the_body_is_read(vector: Vector) -> None:
    for now in (vector.now + 300, vector.now - 300):
        assert isinstance(judge(vector, now=now), Principal)
    for now in (vector.now + 301, vector.now - 301, 0):
        result = way(vector).check(vector.headers, now)
        assert isinstance(result, CallerRefusal)
        assert result.reason == "timestamp outside of the tolerance"


@timed
def test_the_time_is_signed(vector: Vector) -> None:
    headers = {
        name: value.replace(str(vector.now), str(vector.now + 1))
        for name, value in vector.headers.items()
    }
    assert headers != vector.headers
    assert reason(judge(vector, headers)) == "wrong signature"


@timed
@pytest.mark.parametrize("text", ["", "123.7", "1e9", "-1", "+1", " 1", "1 ", "٣", "9" * 12, "x"])
def test_a_time_is_whole_seconds_in_ascii_digits(vector: Vector, text: str) -> None:
    headers = {
        name: text if value == str(vector.now) else value.replace(f"t={vector.now}", f"t={text}")
        for name, value in vector.headers.items()
    }
    result = way(vector).check(headers, vector.now)
    assert isinstance(result, CallerRefusal)
    assert result.reason in ("malformed timestamp", "no credentials")


@every
@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff\xfe", bytes(range(256)), "é".encode()])
def test_bodies_of_any_bytes_are_signed_as_they_are(vector: Vector, body: bytes) -> None:
    headers = vector.scheme.sign(vector.secret, body, vector.now, "id")
    assert isinstance(judge(vector, headers, body), Principal)
    assert isinstance(judge(vector, headers, body + b" "), CallerRefusal)


def test_githubs_sha1_is_not_looked_at() -> None:
    digest = hmac.new(GITHUB.secret.encode(), GITHUB.body, hashlib.sha1).hexdigest()
    assert reason(judge(GITHUB, {"x-hub-signature": f"sha1={digest}"})) == "no credentials"
    assert reason(judge(GITHUB, {"x-hub-signature-256": f"sha1={digest}"})) == "malformed signature"


def stripe(text: str) -> str:
    result = judge(STRIPE, {"stripe-signature": text})
    return "" if isinstance(result, Principal) else result.reason


def test_of_stripes_signatures_only_v1_counts_and_each_may_match() -> None:
    right = STRIPE.headers["stripe-signature"].partition("v1=")[2]
    wrong = "0" * 64
    assert stripe(f"t=1700000000,v1={wrong},v1={right}") == ""
    assert stripe(f"t=1700000000,v1={right},v0={wrong}") == ""
    assert stripe(f"v1={right},t=1700000000") == ""
    assert stripe(f"t=1700000000,v0={right}") == "malformed signature"
    assert stripe(f"t=1700000000,v1={wrong}") == "wrong signature"
    assert stripe(f"t=1700000000,t=1700000000,v1={right}") == "malformed signature"
    assert stripe(f"v1={right}") == "malformed signature"
    assert stripe("t=1700000000" + f",v1={wrong}" * 17) == "malformed signature"
    assert stripe("rubbish") == "malformed signature"


def test_stripes_secret_is_the_key_as_it_is_written() -> None:
    secret = "whsec_" + base64.b64encode(b"0" * 32).decode()
    body = STRIPE.body
    decoded = hmac.new(b"0" * 32, b"1700000000." + body, hashlib.sha256).hexdigest()
    whole = hmac.new(secret.encode(), b"1700000000." + body, hashlib.sha256).hexdigest()
    made = way(STRIPE, secret)
    for digest, good in ((decoded, False), (whole, True)):
        headers = {"stripe-signature": f"t=1700000000,v1={digest}"}
        assert isinstance(judge(STRIPE, headers, made=made), Principal) is good


def standard(**changes: str) -> str:
    headers = {**STANDARD.headers, **{f"webhook-{name}": value for name, value in changes.items()}}
    result = judge(STANDARD, headers)
    return "" if isinstance(result, Principal) else result.reason


def test_of_standards_signatures_each_may_match() -> None:
    right = STANDARD.headers["webhook-signature"]
    wrong = "v1," + base64.b64encode(b"0" * 32).decode()
    assert standard(signature=f"{wrong} {right}") == ""
    assert standard(signature=f"v2,abc {right} v1a,abc") == ""
    assert standard(signature=wrong) == "wrong signature"
    assert standard(signature=right.replace("v1,", "v1a,")) == "wrong signature"
    assert standard(signature=right.replace("v1,", "v2,")) == "wrong signature"
    assert standard(signature=right.replace("v1,", "")) == "malformed signature"
    assert standard(signature=f"{right}  {right}") == "malformed signature"
    assert standard(signature=" ".join([wrong] * 16 + [right])) == "malformed signature"


def test_the_border_between_id_and_time_cannot_be_moved() -> None:
    secret = STANDARD.secret
    inner = f"{STANDARD.now}.hello".encode()
    headers = StandardWebhooks().sign(secret, inner, STANDARD.now, "msg")
    moved = {**headers, "webhook-id": f"msg.{STANDARD.now}"}
    assert reason(judge(STANDARD, moved, b"hello")) == "malformed id"


@pytest.mark.parametrize("delivery", ["", "a b", "é", "x" * 257, "a\n", "a, b.c"])
def test_an_id_is_short_and_visible(delivery: str) -> None:
    headers = {**STANDARD.headers, "webhook-id": delivery}
    assert reason(judge(STANDARD, headers)) in ("malformed id", "no credentials")


def test_standards_id_and_time_are_the_claims() -> None:
    result = judge(STANDARD)
    assert isinstance(result, Principal)
    assert result.claims == {"id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330}
    assert result.delivery == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    github = judge(GITHUB)
    assert isinstance(github, Principal)
    assert (github.claims, github.delivery) == ({}, None)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with 'whsec_' or 'whpk_'"),
        ("whsec_", "has 24 to 64 bytes, this one has 0"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "this one has 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "this one has 65"),
        ("whsec_***", "what follows 'whsec_' is not base64"),
        ("whpk_" + base64.b64encode(b"x" * 31).decode(), "an ed25519 key has 32 bytes"),
    ],
)
def test_a_secret_that_the_scheme_does_not_know_is_an_error(secret: str, expected: str) -> None:
    with pytest.raises(ValueError, match="(?s)" + expected) as caught:
        StandardWebhooks().verifier(secret)
    assert "MfKQ" not in str(caught.value)


def test_v1a_is_verified_by_the_senders_public_key() -> None:
    key = private_key("Ed25519")
    raw = key.public_key.public_bytes_raw()
    public = "whpk_" + base64.b64encode(raw).decode()
    signed = f"msg_1.{STANDARD.now}.".encode() + STANDARD.body
    signature = base64.b64encode(key.private_key.sign(signed)).decode()
    headers = {**STANDARD.headers, "webhook-id": "msg_1", "webhook-signature": f"v1a,{signature}"}
    made = way(STANDARD, public)
    assert isinstance(judge(STANDARD, headers, made=made), Principal)
    assert reason(judge(STANDARD, headers, b"other", made=made)) == "wrong signature"
    both = way(STANDARD, STANDARD.secret, public)
    assert isinstance(judge(STANDARD, headers, made=both), Principal)
    assert isinstance(judge(STANDARD, made=both), Principal)
    assert reason(judge(STANDARD, made=made)) == "wrong signature"
    for wrong in (signature[:-2] + "AA", signature + "=", "", "é", signature.lower()):
        headers["webhook-signature"] = f"v1a,{wrong}"
        assert isinstance(judge(STANDARD, headers, made=made), CallerRefusal)


def test_the_reference_library_agrees() -> None:
    from datetime import datetime

    from standardwebhooks import Webhook as Reference

    reference = Reference(STANDARD.secret)
    at = datetime.fromtimestamp(STANDARD.now)
    signature = reference.sign("msg_9", at, '{"a": "é"}')
    ours = StandardWebhooks().sign(STANDARD.secret, '{"a": "é"}'.encode(), STANDARD.now, "msg_9")
    assert ours["webhook-signature"] == signature


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_anybody_elses_scheme_can_be_described(algorithm: str, encoding: str) -> None:
    scheme = HmacWebhooks("x-signature", "sig=", encoding, algorithm)
    vector = Vector(scheme, "secret", 0, b"body", scheme.sign("secret", b"body", 0, ""))
    assert isinstance(judge(vector), Principal)
    bare = {"x-signature": vector.headers["x-signature"].removeprefix("sig=")}
    assert reason(judge(vector, bare)) == "malformed signature"


def test_an_empty_secret_is_an_error() -> None:
    for scheme in (GitHubWebhooks(), StripeWebhooks(), SlackWebhooks(), HmacWebhooks("x")):
        with pytest.raises(ValueError, match="must not be empty"):
            scheme.verifier("")


FIELDS = sorted({name for vector in VECTORS for name in vector.headers})


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=100)), st.binary(max_size=50))
def test_no_fields_and_no_body_are_accepted_by_chance(headers: Any, body: bytes) -> None:
    for vector in VECTORS:
        assert isinstance(judge(vector, headers, body), CallerRefusal)
