"""Key sets: imported key by key, and what is dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.auth.jwks import KEYS_LIMIT, import_json_web_keys
from tests.auth_signing import key_set, private_key, public

GOOD = public("P-256", kid="good")


def dropped(*bad: Any) -> list[str]:
    keys, notes = import_json_web_keys(key_set(*bad, GOOD))
    assert [key.key_id for key in keys.keys] == ["good"]
    return notes


@pytest.mark.parametrize(
    ("bad", "note"),
    [
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, "is private and must not be published"),
        (private_key("P-256").as_dict(private=True), "is private and must not be published"),
        (private_key("RSA").as_dict(private=True), "is private and must not be published"),
        (public("RSA", n="u" * 200), "is shorter than 2048 bits"),
        (public("X25519"), "its curve is not supported"),
        (public("P-256", alg="RS256"), "its alg does not fit its type"),
        (public("P-256", alg="none"), "its alg does not fit its type"),
        (public("P-256", alg=["ES256"]), "its alg does not fit its type"),
        (public("RSA", alg="HS256"), "its alg does not fit its type"),
        (public("P-256", kid=7), "its kid is not a text"),
        (public("P-256", x="!!"), "its values are not a key"),
        (public("RSA", n="!!"), "its values are not a key"),
        (public("RSA", e="="), "its values are not a key"),
        (public("P-256", x="AAAA"), "its values are not a key"),
        ({"kty": "EC", "crv": "P-256"}, "needs the members crv, x, y as texts"),
        ({"kty": "RSA", "n": 7, "e": "AQAB"}, "needs the members n, e as texts"),
        ({"kty": "RSA", "n": "", "e": ""}, "is shorter than 2048 bits"),
        ({"kty": "EC", "crv": "secp256k1", "x": "A", "y": "A"}, "its curve is not supported"),
        ({"kty": ["RSA"]}, "its kty is not RSA, EC or OKP"),
        ({}, "its kty is not RSA, EC or OKP"),
        ("text", "is not an object"),
        (None, "is not an object"),
        ([], "is not an object"),
    ],
)
def test_a_key_that_cannot_be_used_is_dropped_alone_and_told(bad: Any, note: str) -> None:
    (told,) = dropped(bad)
    assert told.startswith("key 0")
    assert told.endswith(f": {note}")


@pytest.mark.parametrize(
    "members", [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": []}, {"key_ops": "verify"}]
)
def test_a_key_for_something_else_is_passed_over_in_silence(members: Any) -> None:
    assert dropped(public("RSA", **members)) == []


@pytest.mark.parametrize(
    "members",
    [
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"x5c": "not a list"},
        {"x5t": 7},
        {"ext": "yes"},
        {"use": "sig", "key_ops": ["verify", "wrapKey"]},
        {"unknown": {"deep": None}},
    ],
)
def test_members_that_do_not_make_the_key_do_not_matter(members: Any) -> None:
    keys, notes = import_json_web_keys(key_set(public("P-256", **members)))
    assert len(keys.keys) == 1
    assert notes == []


def test_a_note_holds_nothing_of_a_private_key() -> None:
    private = private_key("P-256").as_dict(private=True)
    (note,) = dropped(private)
    assert private["d"] not in note


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "it is not a JSON object"),
        (b"<!doctype html><html></html>", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"),
        (b"\xff", "it is not a JSON object"),
        (b"{}", "it has no list 'keys'"),
        (b'{"keys": {}}', "it has no list 'keys'"),
        (b'{"keys": []}', "it has no key that can be used"),
        (b'{"keys": [7]}', "it has no key that can be used; key 0: is not an object"),
    ],
)
def test_a_set_without_a_usable_key_is_an_error(text: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match="it ") as caught:
        import_json_web_keys(text)
    assert str(caught.value) == expected


def test_of_an_endless_set_the_first_keys_are_used() -> None:
    keys, notes = import_json_web_keys(key_set(*[GOOD] * (KEYS_LIMIT + 5)))
    assert len(keys.keys) == KEYS_LIMIT
    assert notes == [f"only the first {KEYS_LIMIT} of {KEYS_LIMIT + 5} keys are used"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
names = st.sampled_from(
    ["kty", "kid", "alg", "use", "key_ops", "crv", "x", "y", "n", "e", "d", "k", "x5c"]
)
entries = st.dictionaries(
    names,
    json_values | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", "sig"]),
)


@given(st.lists(entries | json_values, max_size=4))
def test_no_set_breaks_the_good_key_in_it(others: list[Any]) -> None:
    keys, _ = import_json_web_keys(json.dumps({"keys": [*others, GOOD]}).encode())
    assert "good" in [key.key_id for key in keys.keys]


@given(st.binary(max_size=200))
def test_no_text_raises_anything_but_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        import_json_web_keys(text)
