"""Doors of several ways, keys with rates, what is told and what is logged."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.auth.api_keys import ApiKey, ApiKeyWay
from ffhost.auth.claims import TokenClaimRules
from ffhost.auth.doors import Door, DoorAwaitingBody
from ffhost.auth.jwks import import_json_web_keys
from ffhost.auth.jwt import JwtWay
from ffhost.auth.principals import Principal
from ffhost.auth.rates import CallerRate, CallerRateLimiter
from ffhost.auth.refusal_log import AuthRefusalReports
from ffhost.auth.refusals import CallerRefusal, DeniedCaller
from ffhost.auth.remembered_callers import RememberedTokens, WebhookDeliveries
from ffhost.auth.secrets import AuthSecret, HmacKey
from ffhost.auth.webhook_schemes import GitHubWebhooks
from ffhost.auth.webhooks import WebhookWay
from tests.auth_signing import CLAIMS, NOW, key_set, public, sign

BILLING = "billing-key-0123456789"


def keys(header: str = "authorization", limiter: CallerRateLimiter | None = None) -> ApiKeyWay:
    made = [
        ApiKey("billing", AuthSecret(BILLING.encode()), limiter),
        ApiKey("ci", AuthSecret(b"ci-key-0123456789")),
    ]
    return ApiKeyWay("machines", made, header=header)


class Held:
    """Keys that never change, or none."""

    known = True

    def __init__(self, text: bytes | None) -> None:
        self.keys = None if text is None else import_json_web_keys(text)[0]

    def ask(self, now: float) -> None:
        return


def jwt(known: bool = True, **rules: object) -> JwtWay:
    held = Held(key_set(public("P-256", kid="one")) if known else None)
    return JwtWay("staff", held, TokenClaimRules(audience=["orders"], **rules))  # type: ignore[arg-type]


def github() -> WebhookWay:
    return WebhookWay("github", GitHubWebhooks(), [GitHubWebhooks().verifier("secret")])


def opened(door: Door, headers: dict[str, str], body: bytes = b"", now: float = NOW) -> Principal:
    result = door.check(headers, now)
    if isinstance(result, DoorAwaitingBody):
        result = result.check_body(body)
    assert isinstance(result, Principal), result
    return result


def closed(
    door: Door, headers: dict[str, str], body: bytes = b"", now: float = NOW
) -> DeniedCaller:
    result = door.check(headers, now)
    if isinstance(result, DoorAwaitingBody):
        result = result.check_body(body)
    assert isinstance(result, DeniedCaller), result
    return result


def bearer(value: str) -> dict[str, str]:
    return {"authorization": f"Bearer {value}"}


def test_a_key_names_its_bearer() -> None:
    door = Door([keys()])
    principal = opened(door, bearer(BILLING))
    assert (principal.name, principal.way, principal.claims) == ("billing", "machines", {})
    assert opened(door, bearer("ci-key-0123456789")).name == "ci"


@pytest.mark.parametrize(
    "value", ["", "x", BILLING[:-1], BILLING + "x", BILLING.upper(), BILLING + "é", "\udcff"]
)
def test_another_key_is_refused(value: str) -> None:
    refused = closed(Door([keys()]), bearer(value))
    assert refused.error.status == 401
    assert refused.error.headers == {
        "www-authenticate": 'Bearer realm="ffhost", error="invalid_token"'
    }
    assert refused.refusal.reason == "unknown key"


def test_a_key_may_come_in_a_field_of_its_own() -> None:
    door = Door([keys("x-api-key")])
    assert opened(door, {"x-api-key": BILLING}).name == "billing"
    assert closed(door, bearer(BILLING)).error.headers == {
        "www-authenticate": 'ApiKey realm="ffhost", header="x-api-key"'
    }
    assert closed(door, {"x-api-key": f"{BILLING}, {BILLING}"}).error.status == 401


def test_a_key_beyond_its_rate_is_429_with_retry_after() -> None:
    door = Door([keys(limiter=CallerRateLimiter(CallerRate(1, 60)))])
    opened(door, bearer(BILLING))
    refused = closed(door, bearer(BILLING), now=NOW + 1)
    assert (refused.error.status, refused.error.headers) == (429, {"retry-after": "59"})
    assert refused.refusal.reason == "rate exceeded"
    opened(door, bearer("ci-key-0123456789"))
    opened(door, bearer(BILLING), now=NOW + 60)


def test_any_of_several_ways_opens_the_door() -> None:
    door = Door([jwt(), keys("x-api-key"), github()])
    signed = GitHubWebhooks().sign("secret", b"body", 0, "id")
    assert opened(door, bearer(sign("ES256"))).way == "staff"
    assert opened(door, {"x-api-key": BILLING}).way == "machines"
    assert opened(door, signed, b"body").way == "github"
    assert opened(door, {**signed, "x-api-key": BILLING}, b"other").way == "machines"
    refused = closed(door, {})
    assert refused.error.headers["www-authenticate"] == (
        'Bearer realm="ffhost", ApiKey realm="ffhost", header="x-api-key", Webhook scheme="github"'
    )


def test_two_ways_that_read_the_same_field_do_not_stand_in_each_others_way() -> None:
    for ways in ([jwt(), keys()], [keys(), jwt()]):
        door = Door(ways)
        assert opened(door, bearer(sign("ES256"))).way == "staff"
        assert opened(door, bearer(BILLING)).way == "machines"


def test_the_way_that_came_nearest_to_a_yes_speaks() -> None:
    token = bearer(sign("ES256"))
    forbidding = jwt(scopes=["more"])
    assert closed(Door([keys(), forbidding]), token).error.status == 403
    assert closed(Door([jwt(known=False), keys()]), token).error.status == 503
    assert closed(Door([jwt(known=False), keys()]), {}).error.status == 401
    limited = keys(limiter=CallerRateLimiter(CallerRate(1, 60)))
    opened(Door([limited]), bearer(BILLING))
    assert closed(Door([limited, jwt()]), bearer(BILLING)).error.status == 429
    signed = GitHubWebhooks().sign("secret", b"body", 0, "id")
    assert closed(Door([github(), forbidding]), {**signed, **token}, b"x").error.status == 403


def test_a_caller_learns_nothing_but_the_kind_of_refusal() -> None:
    door = Door([jwt()])
    bad = [
        sign("ES256", number=1),
        sign("ES256", {**CLAIMS, "exp": 1}),
        sign("ES256", {**CLAIMS, "aud": "other"}),
        sign("ES256", kid="other"),
        "rubbish",
    ]
    answers = {
        (error.status, error.detail, tuple(error.headers.items()), tuple(error.members))
        for error in (closed(door, bearer(token)).error for token in bad)
    }
    assert len(answers) == 1


def test_a_rate_fills_up_again_and_never_above_itself() -> None:
    limiter = CallerRateLimiter(CallerRate.parse("2/s"))
    assert [limiter.take("a", 0) for _ in range(3)] == [0, 0, 0.5]
    assert limiter.take("a", 0.5) == 0
    assert [limiter.take("a", 1000) for _ in range(3)] == [0, 0, 0.5]
    assert limiter.take("b", 0) == 0
    assert limiter.take("a", 0) == 0.5  # a clock that goes back gives nothing


def test_a_limiter_forgets_the_oldest_of_too_many() -> None:
    limiter = CallerRateLimiter(CallerRate(1, 3600), buckets=2)
    for caller in "abc":
        assert limiter.take(caller, 0) == 0
    assert limiter.take("c", 0) > 0
    assert limiter.take("a", 0) == 0


@pytest.mark.parametrize("text", ["", "100", "0/s", "-1/s", "1/d", "1.5/s", "1 / s", "1/s ", "1/S"])
def test_what_is_not_a_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        CallerRate.parse(text)


@pytest.mark.parametrize("text", ["1/s", "100/m", "1000/h"])
def test_a_rate_is_shown_as_it_was_written(text: str) -> None:
    assert str(CallerRate.parse(text)) == text


@given(st.lists(st.tuples(st.floats(0, 10), st.sampled_from("ab")), max_size=200))
def test_no_caller_ever_gets_more_than_its_rate(calls: list[tuple[float, str]]) -> None:
    limiter = CallerRateLimiter(CallerRate(5, 1))
    taken: dict[str, list[float]] = {"a": [], "b": []}
    for now, caller in sorted(calls):
        if limiter.take(caller, now) == 0:
            taken[caller].append(now)
    for times in taken.values():
        for begin in times:
            window = [each for each in times if begin <= each < begin + 1]
            assert len(window) <= 10  # a full bucket, and what flows in meanwhile


def test_secrets_are_never_compared_by_accident() -> None:
    secret = AuthSecret(b"secret")
    for other in (AuthSecret(b"secret"), b"secret", None):
        with pytest.raises(TypeError, match="compared with matches"):
            assert secret == other
        with pytest.raises(TypeError, match="compared with matches"):
            assert secret != other
    with pytest.raises(TypeError):
        assert HmacKey(b"a") == HmacKey(b"a")
    with pytest.raises(TypeError):
        assert secret in [AuthSecret(b"secret")]
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.matches(b"secret")
    assert not secret.matches(b"secreT")
    assert not secret.matches(b"")
    assert not secret.matches("é".encode())
    assert "secret" not in f"{secret!r} {secret} {HmacKey(b'secret')!r}"


def test_a_principal_is_frozen_and_crosses_processes() -> None:
    principal = Principal("ada", "staff", b'{"sub": "ada"}', "id")
    with pytest.raises(AttributeError):
        principal.name = "root"
    with pytest.raises(AttributeError):
        del principal.name
    copy = pickle.loads(pickle.dumps(principal))
    assert copy == principal
    assert (copy.claims, copy.delivery) == ({"sub": "ada"}, "id")
    assert repr(principal) == "Principal('ada', way='staff')"
    assert principal != Principal("ada", "other", b'{"sub": "ada"}')


def test_a_delivery_counts_for_one_function_and_the_oldest_are_forgotten() -> None:
    deliveries = WebhookDeliveries(limit=2)
    first, second, third = (Principal("hook", "hook", delivery=each) for each in "abc")
    deliveries.take("orders", first)
    assert deliveries.taken("orders", first)
    assert not deliveries.taken("other", first)
    assert not deliveries.taken("orders", second)
    deliveries.take("orders", second)
    deliveries.take("orders", third)
    assert not deliveries.taken("orders", first)


def test_what_is_remembered_is_bounded() -> None:
    bounded: RememberedTokens[int] = RememberedTokens(3)
    for number in range(10):
        bounded.put(str(number), number)
    assert (len(bounded), bounded.get("6"), bounded.get("7")) == (3, None, 7)
    bounded.put("7", 70)
    bounded.put("new", 1)
    assert (bounded.get("7"), bounded.get("8")) == (70, None)


def test_refusals_are_logged_once_a_second_for_each_reason() -> None:
    written: list[tuple[str, str, int]] = []
    reports = AuthRefusalReports(lambda refusal, name, n: written.append((refusal.reason, name, n)))
    for number in range(1000):
        reports.report(CallerRefusal(401, "wrong signature"), "hello", number / 250)
    reports.report(CallerRefusal(401, "no credentials"), "other", 0)
    assert written == [
        ("wrong signature", "hello", 0),
        ("wrong signature", "hello", 249),
        ("wrong signature", "hello", 249),
        ("wrong signature", "hello", 249),
        ("no credentials", "other", 0),
    ]
