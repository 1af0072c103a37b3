"""Keys that verify tokens: a JSON Web Key Set, or a secret. Nothing here does I/O.

joserfc imports a set as a whole: one bad key fails all of them, and it believes in ``oct``. Here
each key is imported alone, from the members that make it and no others, and the algorithms that
it may be used with are settled then. A token can only choose among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from ffhost.auth.secrets import AuthSecret, HmacKey
from ffhost.auth.tokens import MalformedToken, UnverifiedToken, decode_base64url, parse_token_object

Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether a signature (second) is that of the bytes (first)."""

ASYMMETRIC = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
) | {"EdDSA", "Ed25519", "Ed448"}
SYMMETRIC = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
KEYS_LIMIT = 100
"""Keys of a set that are imported. Issuers have two to ten; a kid that all share tries them all."""
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "Ed448": ("EdDSA", "Ed448"),
}
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


class TokenVerificationKey:
    """One key, with what verifies by it for each algorithm that it may be used with."""

    __slots__ = ("key_id", "verifiers")

    def __init__(self, key_id: str | None, verifiers: dict[str, Verify]) -> None:
        self.key_id = key_id
        self.verifiers = verifiers


class TokenKeySet:
    """Keys at one moment. A set that was fetched anew is another object."""

    __slots__ = ("_by_id", "algorithms", "keys")

    def __init__(self, keys: Sequence[TokenVerificationKey]) -> None:
        self.keys = tuple(keys)
        self.algorithms = frozenset(name for key in keys for name in key.verifiers)
        self._by_id: dict[str | None, list[TokenVerificationKey]] = {}
        for key in keys:
            self._by_id.setdefault(key.key_id, []).append(key)

    def candidates(self, algorithm: str, key_id: str | None) -> list[Verify]:
        """Return what may verify a token; empty if no key fits.

        With a key id: each key of that id, since some sets have one twice. Without: the only
        key that fits the algorithm.
        """
        keys: Iterable[TokenVerificationKey] = self.keys
        if key_id is not None:
            keys = self._by_id.get(key_id, ())
        fitting = [key.verifiers[algorithm] for key in keys if algorithm in key.verifiers]
        return fitting if key_id is not None or len(fitting) == 1 else []

    def knows(self, key_id: str | None) -> bool:
        """Whether there is a key of this id; there is nothing to ask for without one."""
        return key_id is None or key_id in self._by_id


class TokenSecretSet(TokenKeySet):
    """The secrets that both sides share: tried one after another, whatever the token's ``kid``."""

    def __init__(self, secrets: Sequence[AuthSecret]) -> None:
        super().__init__([TokenVerificationKey(None, _by_secret(secret)) for secret in secrets])

    def candidates(self, algorithm: str, key_id: str | None) -> list[Verify]:
        """Return what verifies by each secret that is long enough for *algorithm*."""
        return [key.verifiers[algorithm] for key in self.keys if algorithm in key.verifiers]

    def knows(self, key_id: str | None) -> bool:
        """Return True: there is nobody to ask for others."""
        return True


def _by_secret(secret: AuthSecret) -> dict[str, Verify]:
    # RFC 7518, section 3.2: a key is at least as long as the hash.
    return {
        name: _verifier_by_secret(secret, hash_name)
        for name, hash_name in SYMMETRIC.items()
        if len(secret) * 8 >= int(name[2:])
    }


def _verifier_by_secret(secret: AuthSecret, hash_name: str) -> Verify:
    key = HmacKey(secret.reveal(), hash_name)

    def verify(signed: bytes, signature: bytes) -> bool:
        return AuthSecret(key.digest(signed)).matches(signature)

    return verify


def any_key_verifies(token: UnverifiedToken, candidates: Sequence[Verify]) -> bool:
    """Whether one of *candidates* verifies *token*."""
    return any(verify(token.signed, token.signature) for verify in candidates)


def import_json_web_keys(text: bytes) -> tuple[TokenKeySet, list[str]]:
    """Import a JSON Web Key Set; return it and a note for each key that was dropped.

    Raises:
        ValueError: *text* is not a key set, or none of its keys can be used
    """
    try:
        entries = parse_token_object(text).get("keys")
    except MalformedToken:
        raise ValueError("it is not a JSON object") from None
    if not isinstance(entries, list):
        raise ValueError("it has no list 'keys'")
    keys, notes = [], []
    for index, entry in enumerate(entries[:KEYS_LIMIT]):
        try:
            keys += _import(entry)
        except _Unusable as error:
            notes.append(f"{_label(entry, index)}: {error}")
    if len(entries) > KEYS_LIMIT:
        notes.append(f"only the first {KEYS_LIMIT} of {len(entries)} keys are used")
    if not keys:
        raise ValueError("; ".join(["it has no key that can be used", *notes]))
    return TokenKeySet(keys), notes


class _Unusable(Exception):
    """A key that is dropped, and why."""


def _label(entry: Any, index: int) -> str:
    key_id = entry.get("kid") if isinstance(entry, dict) else None
    return f"key {index}" + (f" ({key_id[:80]!r})" if isinstance(key_id, str) else "")


def _import(entry: Any) -> list[TokenVerificationKey]:
    if not isinstance(entry, dict):
        raise _Unusable("is not an object")
    if _for_others(entry):
        return []
    kind, key_id = entry.get("kty"), entry.get("kid")
    if not isinstance(key_id, str | None):
        raise _Unusable("its kid is not a text")
    if "d" in entry or "k" in entry:
        raise _Unusable("is private and must not be published")
    members = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None or not isinstance(kind, str):
        raise _Unusable("its kty is not RSA, EC or OKP")
    if not all(isinstance(entry.get(name), str) for name in members):
        raise _Unusable(f"needs the members {', '.join(members)} as texts")
    algorithms = _algorithms(entry)
    if kind == "RSA" and _bits(entry["n"]) < _RSA_BITS:
        raise _Unusable(f"is shorter than {_RSA_BITS} bits")
    imported = _imported({"kty": kind, **{name: entry[name] for name in members}})
    return [TokenVerificationKey(key_id, {name: _verifier(name, imported) for name in algorithms})]


def _for_others(entry: dict[str, Any]) -> bool:
    """Whether a key is for something else than verifying, such as encryption: no mistake."""
    use, operations = entry.get("use", "sig"), entry.get("key_ops", ["verify"])
    return use != "sig" or not isinstance(operations, list) or "verify" not in operations


def _algorithms(entry: dict[str, Any]) -> tuple[str, ...]:
    possible = _RSA if entry["kty"] == "RSA" else _CURVES.get(entry["crv"], ())
    if not possible:
        raise _Unusable("its curve is not supported")
    only = entry.get("alg")
    if only is None:
        return possible
    if only not in possible:
        raise _Unusable("its alg does not fit its type")
    return (only,)


def _imported(members: dict[str, str]) -> Any:
    from joserfc.jwk import import_key

    try:
        return import_key(members)  # type: ignore[arg-type]
    except Exception as error:  # joserfc raises JoseError, ValueError, KeyError and TypeError
        raise _Unusable("its values are not a key") from error


def _bits(modulus: str) -> int:
    # Before it is imported: joserfc warns of a short key on stderr.
    try:
        return int.from_bytes(decode_base64url(modulus)).bit_length()
    except MalformedToken:
        raise _Unusable("its values are not a key") from None


def _verifier(algorithm: str, key: Any) -> Verify:
    from joserfc.jwa import JWS_ALGORITHMS

    # The model itself: the registry warns of EdDSA each time it is asked.
    (model,) = (each for each in JWS_ALGORITHMS if each.name == algorithm)

    def verify(signed: bytes, signature: bytes) -> bool:
        try:
            return model.verify(signed, signature, key)
        except Exception:  # an odd signature must never be more than a wrong one
            return False

    return verify
