"""The way jwt: which tokens open it."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from ffhost.auth.claims import TokenClaimRules
from ffhost.auth.jwks import TokenKeySet, TokenSecretSet, import_json_web_keys
from ffhost.auth.jwt import JwtWay
from ffhost.auth.key_sources import FixedKeys
from ffhost.auth.principals import Principal
from ffhost.auth.rates import CallerRate, CallerRateLimiter
from ffhost.auth.refusals import CallerRefusal
from ffhost.auth.secrets import AuthSecret
from tests.auth_signing import (
    CLAIMS,
    ISSUER,
    NOW,
    key_set,
    kind_of,
    private_key,
    public,
    sign,
    sign_with_secret,
    signing_input,
)

ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
    "EdDSA", "Ed25519", "Ed448",
]  # fmt: skip


class HeldKeys:
    """Keys that a test holds, and how often others were asked for."""

    known = True

    def __init__(self, keys: TokenKeySet | None) -> None:
        self.keys = keys
        self.asked = 0

    def ask(self, now: float) -> None:
        self.asked += 1


def held(*keys: Any) -> HeldKeys:
    return HeldKeys(import_json_web_keys(key_set(*keys))[0])


def way(keys: Any, header: str = "authorization", limiter: Any = None, **rules: Any) -> JwtWay:
    rules = {"issuer": ISSUER, "audience": ["orders"], **rules}
    scopes = rules.get("scopes", ())
    return JwtWay(
        "staff", keys, TokenClaimRules(**rules), header=header, scopes=scopes, limiter=limiter
    )


def present(token: str, jwt: JwtWay, now: float = NOW) -> Principal | CallerRefusal:
    return jwt.check({"authorization": f"Bearer {token}"}, now)


def reason(result: Principal | CallerRefusal, status: int = 401) -> str:
    assert isinstance(result, CallerRefusal), result
    assert result.status == status
    return result.reason


@pytest.fixture
def es() -> JwtWay:
    return way(held(public("P-256", kid="one")))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_algorithm_is_accepted_without_a_warning(algorithm: str) -> None:
    jwt = way(held(public(kind_of(algorithm), kid="one")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        principal = present(sign(algorithm), jwt)
    assert isinstance(principal, Principal)
    assert (principal.name, principal.way) == ("ada", "staff")
    assert principal.claims == CLAIMS


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_that_another_key_signed_is_refused(algorithm: str) -> None:
    jwt = way(held(public(kind_of(algorithm), kid="one")))
    assert reason(present(sign(algorithm, number=1), jwt)) == "wrong signature"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "nOnE"])
def test_a_token_without_a_signature_is_refused(es: JwtWay, name: str) -> None:
    for signature in ("", sign("ES256").rpartition(".")[2]):
        for kid in ({}, {"kid": "one"}):
            token = f"{signing_input({'alg': name, **kid}, CLAIMS)}.{signature}"
            assert reason(present(token, es)) == "algorithm not allowed"


def test_a_public_key_is_never_taken_for_a_shared_secret() -> None:
    jwt = way(held(public("RSA", kid="one")))
    key = private_key("RSA")
    for secret in (
        key.as_pem(private=False),
        key.as_pem(private=False).strip(),
        key.as_der(private=False),
        json.dumps(key.as_dict(private=False)).encode(),
        key.as_dict(private=False)["n"].encode(),
    ):
        assert reason(present(sign_with_secret(secret), jwt)) == "algorithm not allowed"


def test_the_algorithm_belongs_to_the_key() -> None:
    only_rs = way(held(public("RSA", kid="one", alg="RS256")))
    assert isinstance(present(sign("RS256"), only_rs), Principal)
    assert reason(present(sign("PS256"), only_rs)) == "algorithm not allowed"
    assert reason(present(sign("RS512"), only_rs)) == "algorithm not allowed"
    assert reason(present(sign("ES256"), only_rs)) == "algorithm not allowed"


def test_an_unknown_kid_asks_for_new_keys() -> None:
    keys = held(public("P-256", kid="one"))
    jwt = way(keys)
    assert isinstance(present(sign("ES256"), jwt), Principal)
    assert keys.asked == 0
    assert reason(present(sign("ES256", kid="two"), jwt)) == "unknown kid"
    assert keys.asked == 1


def test_a_key_that_was_rotated_in_is_used_and_one_that_was_rotated_out_is_not() -> None:
    keys = held(public("P-256", kid="one"))
    jwt = way(keys)
    old, new = sign("ES256"), sign("ES256", kid="two", number=1)
    assert isinstance(present(old, jwt), Principal)
    keys.keys = held(public("P-256", kid="one"), public("P-256", 1, kid="two")).keys
    assert isinstance(present(old, jwt), Principal)
    assert isinstance(present(new, jwt), Principal)
    keys.keys = held(public("P-256", 1, kid="two")).keys
    assert reason(present(old, jwt)) == "unknown kid"
    assert isinstance(present(new, jwt), Principal)


def test_without_a_kid_the_only_key_that_fits_the_algorithm_is_used() -> None:
    token = sign("ES256", kid=None)
    mixed = [public("RSA", kid="a"), public("P-256", kid="b"), public("Ed25519", kid="c")]
    assert isinstance(present(token, way(held(*mixed))), Principal)
    assert isinstance(present(token, way(held(public("P-256")))), Principal)
    two = way(held(*mixed, public("P-256", 1, kid="d")))
    assert reason(present(token, two)) == "no kid"


@pytest.mark.parametrize("number", [0, 1])
def test_of_a_kid_that_stands_twice_each_key_is_tried(number: int) -> None:
    jwt = way(held(public("P-256", 0, kid="one"), public("P-256", 1, kid="one")))
    assert isinstance(present(sign("ES256", number=number), jwt), Principal)
    assert reason(present(sign("ES256", number=2), jwt)) == "wrong signature"


@pytest.mark.parametrize("kid", [7, None, True, ["one"], {"a": 1}])
def test_a_kid_that_is_not_a_text_is_refused(es: JwtWay, kid: Any) -> None:
    token = sign("ES256", kid=None, header={"kid": kid})
    result = present(token, es)
    if kid is None:  # JSON null: as if it were not there
        assert isinstance(result, Principal)
    else:
        assert reason(result) == "malformed token"


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_keys_that_a_token_brings_are_not_looked_at(es: JwtWay, member: str) -> None:
    brought = {
        "jwk": public("P-256", 1, kid="one"),
        "jku": "https://evil.example.com/jwks",
        "x5u": "https://evil.example.com/x5u",
        "x5c": ["MIIB"],
    }
    header = {member: brought[member]}
    assert reason(present(sign("ES256", header=header, number=1), es)) == "wrong signature"
    assert isinstance(present(sign("ES256", header=header), es), Principal)


@pytest.mark.parametrize("crit", [[], ["exp"], ["b64"], ["unknown"], None, "exp", [7]])
def test_a_token_with_crit_is_refused(es: JwtWay, crit: Any) -> None:
    assert reason(present(sign("ES256", header={"crit": crit}), es)) == "token needs an extension"


def test_a_token_with_a_detached_payload_is_refused(es: JwtWay) -> None:
    token = sign("ES256", header={"b64": False})
    assert reason(present(token, es)) == "token needs an extension"
    head, _, signature = sign("ES256").split(".")
    assert reason(present(f"{head}..{signature}", es)) == "wrong signature"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": int(NOW) - 31}, "token expired"),
        ({"exp": int(NOW) - 30}, "token expired"),
        ({"exp": 0}, "token expired"),
        ({"exp": -1}, "token expired"),
        ({"exp": None}, "token without exp"),
        ({"exp": str(int(NOW) + 600)}, "malformed exp"),
        ({"exp": True}, "malformed exp"),
        ({"exp": [int(NOW) + 600]}, "malformed exp"),
        ({"exp": 10**400}, "malformed exp"),
        ({"exp": 10**30}, "malformed exp"),
        ({"exp": 253402300800}, "malformed exp"),
        ({"nbf": int(NOW) + 31}, "token not yet valid"),
        ({"nbf": "soon"}, "malformed nbf"),
        ({"nbf": None}, "malformed nbf"),
        ({"nbf": 10**400}, "malformed nbf"),
        ({"iss": "https://id.example.com/"}, "wrong issuer"),
        ({"iss": "https://evil.example.com"}, "wrong issuer"),
        ({"iss": [ISSUER]}, "wrong issuer"),
        ({"iss": None}, "wrong issuer"),
        ({"aud": "other"}, "wrong audience"),
        ({"aud": "ORDERS"}, "wrong audience"),
        ({"aud": ["other", "more"]}, "wrong audience"),
        ({"aud": []}, "wrong audience"),
        ({"aud": None}, "wrong audience"),
        ({"aud": {"orders": 1}}, "wrong audience"),
        ({"aud": [["orders"]]}, "wrong audience"),
        ({"sub": 7}, "malformed sub"),
        ({"sub": ["ada"]}, "malformed sub"),
        ({"sub": None}, "malformed sub"),
    ],
)
def test_claims_that_make_a_token_invalid(es: JwtWay, changes: Any, expected: str) -> None:
    assert reason(present(sign("ES256", {**CLAIMS, **changes}), es)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW) - 29},
        {"exp": NOW + 0.5},
        {"exp": 253402300799},
        {"nbf": int(NOW) + 30},
        {"nbf": 0.5},
        {"iat": int(NOW) + 10_000},
        {"iat": "whenever"},
        {"aud": ["other", "orders"]},
        {"aud": ["orders", 7, None]},
        {"anything": {"deep": [1, None]}},
    ],
)
def test_claims_that_leave_a_token_valid(es: JwtWay, changes: Any) -> None:
    claims = {**CLAIMS, **changes}
    result = present(sign("ES256", claims), es)
    assert isinstance(result, Principal)
    assert result.claims == claims


def test_a_token_without_exp_is_refused(es: JwtWay) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != "exp"}
    assert reason(present(sign("ES256", claims), es)) == "token without exp"


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b'["a"]', b'"text"', b"7", b"null", b"{", b"\xff\xfe", b"{}{}",
        b'{"exp": NaN}', b'{"exp": Infinity}', b'{"exp": 1e999}', b'{"exp": 1, "exp": 2}',
        b"[" * 100_000, b'{"a":' * 3000, b'{"exp":' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_a_payload_that_is_not_one_json_object_is_refused(es: JwtWay, payload: bytes) -> None:
    assert reason(present(sign("ES256", payload), es)) in ("malformed token", "token too long")


def test_a_token_without_sub_is_named_as_its_way(es: JwtWay) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != "sub"}
    result = present(sign("ES256", claims), es)
    assert isinstance(result, Principal)
    assert result.name == "staff"


@pytest.mark.parametrize(
    ("rules", "claims"),
    [
        ({"role": "admin"}, {"role": "admin"}),
        ({"role": "admin"}, {"role": ["reader", "admin"]}),
        ({"role": ["admin", "owner"]}, {"role": "owner"}),
        ({"role": ["admin", "owner"]}, {"role": ["owner", "reader"]}),
        ({"realm_access": {"roles": "admin"}}, {"realm_access": {"roles": ["admin"]}}),
        ({"https://example.com/role": "admin"}, {"https://example.com/role": "admin"}),
        ({"level": 7}, {"level": 7}),
        ({"level": 7}, {"level": 7.0}),
        ({"email_verified": True}, {"email_verified": True}),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "y"}),
    ],
)
def test_claims_that_suffice(rules: Any, claims: Any) -> None:
    jwt = way(held(public("P-256", kid="one")), claims=rules)
    assert isinstance(present(sign("ES256", {**CLAIMS, **claims}), jwt), Principal)


@pytest.mark.parametrize(
    ("rules", "claims"),
    [
        ({"role": "admin"}, {}),
        ({"role": "admin"}, {"role": "Admin"}),
        ({"role": "admin"}, {"role": "administrator"}),
        ({"role": "admin"}, {"role": {"admin": True}}),
        ({"role": "admin"}, {"role": [["admin"]]}),
        ({"role": "admin"}, {"role": None}),
        ({"level": 1}, {"level": True}),
        ({"level": 7}, {"level": "7"}),
        ({"email_verified": True}, {"email_verified": 1}),
        ({"email_verified": True}, {"email_verified": "true"}),
        ({"realm_access": {"roles": "admin"}}, {"realm_access": "roles"}),
        ({"realm_access": {"roles": "admin"}}, {"realm_access": ["roles"]}),
        ({"realm_access": {"roles": "admin"}}, {"realm_access.roles": "admin"}),
        ({"a": "x", "b": "y"}, {"a": "x"}),
    ],
)
def test_claims_that_do_not_suffice_are_403(rules: Any, claims: Any) -> None:
    jwt = way(held(public("P-256", kid="one")), claims=rules)
    result = present(sign("ES256", {**CLAIMS, **claims}), jwt)
    assert reason(result, 403) == "claims do not suffice"
    assert isinstance(result, CallerRefusal)
    assert result.challenge == 'Bearer realm="ffhost", error="insufficient_scope"'


@pytest.mark.parametrize(
    ("claims", "enough"),
    [
        ({"scope": "orders:write orders:read"}, True),
        ({"scope": "orders:write  orders:read"}, True),
        ({"scp": ["orders:read", "orders:write"]}, True),
        ({"scp": "orders:read orders:write"}, True),
        ({"scope": "orders:write"}, False),
        ({"scope": ""}, False),
        ({"scope": "orders:write,orders:read"}, False),
        ({"scope": 7}, False),
        ({"scp": [7, None]}, False),
        ({}, False),
    ],
)
def test_all_scopes_must_be_there(claims: Any, enough: bool) -> None:
    jwt = way(held(public("P-256", kid="one")), scopes=["orders:read", "orders:write"])
    result = present(sign("ES256", {**CLAIMS, **claims}), jwt)
    if enough:
        assert isinstance(result, Principal)
    else:
        assert reason(result, 403) == "scopes do not suffice"
        assert isinstance(result, CallerRefusal)
        assert result.challenge == (
            'Bearer realm="ffhost", error="insufficient_scope", scope="orders:read orders:write"'
        )


def test_a_wrong_audience_is_401_and_not_403_even_where_claims_are_missing() -> None:
    jwt = way(held(public("P-256", kid="one")), claims={"role": "admin"})
    assert reason(present(sign("ES256", {**CLAIMS, "aud": "other"}), jwt)) == "wrong audience"


def test_a_token_of_64_kib_is_refused_before_it_is_decoded(es: JwtWay) -> None:
    token = sign("ES256", {**CLAIMS, "padding": "x" * 49_000})
    assert len(token) > 64 * 1024
    assert reason(present(token, es)) == "token too long"
    assert isinstance(present(sign("ES256", {**CLAIMS, "padding": "x" * 11_000}), es), Principal)


def test_a_header_may_have_4_kib(es: JwtWay) -> None:
    assert isinstance(present(sign("ES256", header={"x5c": ["x" * 3900]}), es), Principal)
    long = sign("ES256", header={"x5c": ["x" * 4200]})
    assert reason(present(long, es)) == "token header too long"


def test_each_token_has_one_spelling(es: JwtWay) -> None:
    token = sign("ES256")
    head, payload, signature = token.split(".")
    last = signature[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(last) ^ 1]  # the same bytes, with a spare bit set
    for other in (
        f"{head}.{payload}.{signature[:-1]}{twin}",
        f"{token}=",
        f"{head}.{payload}.{signature}==",
        f"{head}.{payload}.{signature} ",
        f"{head}.{payload}.{signature}\n",
        f"{head} .{payload}.{signature}",
        f"{head}.{payload}.{signature}.",
        f"{head}.{payload}.{signature}.{signature}",
        f"{head}.{payload}",
        f".{payload}.{signature}",
        f"{head}.{payload}.",
        token.replace("-", "+").replace("_", "/") + "+",
        "",
        ".",
        "..",
        "é.é.é",
        "\ud800",
    ):
        if other.strip(" ") == token:
            continue
        result = present(other, es)
        assert isinstance(result, CallerRefusal), other
        assert result.status == 401


def test_a_repeated_authorization_field_is_refused(es: JwtWay) -> None:
    token = sign("ES256")
    for joined in (f"Bearer {token}, Bearer {token}", f"Bearer {token},Bearer {token}"):
        assert reason(es.check({"authorization": joined}, NOW)) == "malformed token"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_read_in_any_case(es: JwtWay, scheme: str) -> None:
    assert isinstance(es.check({"authorization": f"{scheme} {sign('ES256')}"}, NOW), Principal)


@pytest.mark.parametrize("value", [None, "", "Basic YTpi", "Bearer", "Bearertoken", "Digest x"])
def test_other_credentials_are_as_good_as_none(es: JwtWay, value: str | None) -> None:
    result = es.check({} if value is None else {"authorization": value}, NOW)
    assert reason(result) == "no credentials"
    assert isinstance(result, CallerRefusal)
    assert result.challenge == 'Bearer realm="ffhost"'


def test_an_invalid_token_is_told_as_rfc_6750_says_and_no_closer(es: JwtWay) -> None:
    results = [
        present(token, es)
        for token in ("x", sign("ES256", number=1), sign("ES256", {**CLAIMS, "exp": 1}))
    ]
    assert {each.challenge for each in results if isinstance(each, CallerRefusal)} == {
        'Bearer realm="ffhost", error="invalid_token"'
    }


def test_an_assertion_of_a_proxy_is_read_from_its_own_field() -> None:
    jwt = way(held(public("P-256", kid="one")), header="x-goog-iap-jwt-assertion")
    token = sign("ES256")
    assert isinstance(jwt.check({"x-goog-iap-jwt-assertion": token}, NOW), Principal)
    assert isinstance(jwt.check({"x-goog-iap-jwt-assertion": f"Bearer {token}"}, NOW), Principal)
    result = jwt.check({"authorization": f"Bearer {token}"}, NOW)
    assert reason(result) == "no credentials"


def test_only_where_there_are_no_keys_to_judge_by_it_is_503() -> None:
    keys = HeldKeys(None)
    jwt = way(keys)
    result = present(sign("ES256"), jwt)
    assert reason(result, 503) == "no keys yet"
    assert isinstance(result, CallerRefusal)
    assert result.retry_after == 5
    assert reason(present("rubbish", jwt)) == "malformed token"
    assert reason(present(sign_with_secret(b"s" * 32), jwt)) == "algorithm not allowed"
    assert reason(jwt.check({}, NOW)) == "no credentials"
    keys.keys = held(public("P-256", kid="one")).keys
    assert isinstance(present(sign("ES256"), jwt), Principal)
    keys.keys = None
    assert reason(present(sign("ES256"), jwt), 503) == "no keys yet"


class CountedKeys(TokenKeySet):
    """Keys that count how often a signature was looked at."""

    looked_at = 0

    def candidates(self, algorithm: str, key_id: str | None) -> Any:
        self.looked_at += 1
        return super().candidates(algorithm, key_id)


def counted(*keys: Any) -> CountedKeys:
    return CountedKeys(import_json_web_keys(key_set(*keys))[0].keys)


def test_a_verified_token_is_remembered_until_it_expires() -> None:
    keys = counted(public("P-256", kid="one"))
    jwt = way(HeldKeys(keys))
    token = sign("ES256")
    for _ in range(5):
        assert isinstance(present(token, jwt), Principal)
    assert keys.looked_at == 1
    late = CLAIMS["exp"] + 30
    assert isinstance(present(token, jwt, late - 1), Principal)
    assert reason(present(token, jwt, late)) == "token expired"


def test_a_token_is_verified_anew_by_new_keys() -> None:
    source = HeldKeys(counted(public("P-256", kid="one")))
    jwt = way(source)
    token = sign("ES256")
    assert isinstance(present(token, jwt), Principal)
    source.keys = counted(public("P-256", 1, kid="one"))
    assert reason(present(token, jwt)) == "wrong signature"


def test_a_token_that_does_not_suffice_is_remembered_as_such() -> None:
    keys = counted(public("P-256", kid="one"))
    jwt = way(HeldKeys(keys), scopes=["more"])
    token = sign("ES256")
    for _ in range(5):
        assert reason(present(token, jwt), 403) == "scopes do not suffice"
    assert keys.looked_at == 1


def test_refused_tokens_take_no_memory() -> None:
    jwt = way(held(public("P-256", kid="one")))
    for number in range(50):
        present(f"{sign('ES256')}{number}", jwt)
    assert len(jwt._verified) == 0


def test_what_one_call_does_to_its_claims_is_not_seen_by_the_next(es: JwtWay) -> None:
    token = sign("ES256")
    first = present(token, es)
    assert isinstance(first, Principal)
    first.claims["sub"] = "root"
    second = present(token, es)
    assert isinstance(second, Principal)
    assert second.claims["sub"] == "ada"


SECRET = b"0123456789abcdef0123456789abcdef"


def by_secret(*secrets: bytes) -> JwtWay:
    keys = FixedKeys(TokenSecretSet([AuthSecret(each) for each in secrets]))
    return way(keys)


def test_a_shared_secret_verifies_hs_tokens_and_no_others() -> None:
    jwt = by_secret(SECRET)
    assert isinstance(present(sign_with_secret(SECRET), jwt), Principal)
    assert reason(present(sign_with_secret(SECRET[:-1]), jwt)) == "wrong signature"
    assert reason(present(sign("ES256"), jwt)) == "algorithm not allowed"
    unsigned = f"{signing_input({'alg': 'none'}, CLAIMS)}."
    assert reason(present(unsigned, jwt)) == "algorithm not allowed"


def test_two_secrets_hold_at_once_while_they_are_rotated() -> None:
    jwt = by_secret(SECRET, SECRET[::-1])
    assert isinstance(present(sign_with_secret(SECRET), jwt), Principal)
    assert isinstance(present(sign_with_secret(SECRET[::-1]), jwt), Principal)


def test_a_secret_serves_the_hashes_that_it_is_long_enough_for() -> None:
    jwt = by_secret(SECRET)
    token = sign_with_secret(SECRET, algorithm="HS512")
    assert reason(present(token, jwt)) == "algorithm not allowed"
    long = SECRET * 2
    for algorithm in ("HS256", "HS384", "HS512"):
        token = sign_with_secret(long, algorithm=algorithm)
        assert isinstance(present(token, by_secret(long)), Principal)


def test_each_sub_has_a_rate_of_its_own() -> None:
    jwt = way(held(public("P-256", kid="one")), limiter=CallerRateLimiter(CallerRate(2, 1)))
    ada, bob = sign("ES256"), sign("ES256", {**CLAIMS, "sub": "bob"})
    assert isinstance(present(ada, jwt), Principal)
    assert isinstance(present(ada, jwt), Principal)
    result = present(ada, jwt)
    assert reason(result, 429) == "rate exceeded"
    assert isinstance(result, CallerRefusal)
    assert result.retry_after == pytest.approx(0.5)
    assert isinstance(present(bob, jwt), Principal)
    assert isinstance(present(ada, jwt, NOW + 0.5), Principal)
