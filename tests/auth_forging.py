"""Forged requests: good ones, and those that a mutator makes of them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import NamedTuple

from ffhost.auth.standard_webhooks import StandardWebhooks
from ffhost.auth.webhook_schemes import (
    GitHubWebhooks,
    HmacWebhooks,
    SlackWebhooks,
    StripeWebhooks,
    WebhookScheme,
)
from tests.auth_signing import (
    CLAIMS,
    key_set,
    private_key,
    public,
    sign,
    sign_with_secret,
    signing_input,
)

KEY = "a-key-that-only-machines-know"
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SCHEMES: dict[str, WebhookScheme] = {
    "standard": StandardWebhooks(),
    "github": GitHubWebhooks(),
    "stripe": StripeWebhooks(),
    "slack": SlackWebhooks(),
    "hmac": HmacWebhooks("x-signature"),
}
KEYS = key_set(
    public("P-256", kid="es"), public("RSA", kid="rs"), public("Ed25519", kid="ed", alg="EdDSA")
)
_ALGORITHMS = {"es": "ES256", "rs": "RS256", "ed": "EdDSA"}
_CHARACTERS = string.ascii_letters + string.digits + "-_=+/.,:;!"


class Forged(NamedTuple):
    """One request: the way it is meant for, its fields and body, and whether it is good."""

    way: str
    headers: dict[str, str]
    body: bytes
    good: bool


class Forger:
    """Makes requests; one in ten is good.

    Args:
        seed: the same requests for the same seed
        now: the time by which times are valid, in seconds since 1970
    """

    def __init__(self, seed: int, now: float) -> None:
        self._random = random.Random(seed)
        self.now = int(now)
        self._count = 0

    def request(self) -> Forged:
        """Make one request."""
        self._count += 1
        good = self._random.random() < 0.1
        way = self._random.choice(["staff", "machines", *SCHEMES])
        if way == "staff":
            token = self._token() if good else self._bad_token()
            return Forged(way, {"authorization": f"Bearer {token}"}, b"", good)
        if way == "machines":
            key = KEY if good else self._mutated(KEY)
            return Forged(way, {"authorization": f"Bearer {key}"}, b"", good)
        return self._webhook(way, good)

    def _claims(self) -> dict[str, object]:
        return {**CLAIMS, "exp": self.now + 600, "jti": self._count}

    def _token(self) -> str:
        kid = self._random.choice(list(_ALGORITHMS))
        return sign(_ALGORITHMS[kid], self._claims(), kid=kid)

    def _bad_token(self) -> str:
        makers: list[Callable[[], str]] = [
            lambda: self._mutated(self._token()),
            lambda: self._mutated(self._token()),
            self._without_signature,
            self._by_public_key,
            self._by_another_key,
            self._with_wrong_claims,
            self._with_other_parts,
            self._with_odd_header,
        ]
        return self._random.choice(makers)()

    def _without_signature(self) -> str:
        name = self._random.choice(["none", "None", "NONE", "nOnE", ""])
        return f"{signing_input({'alg': name, 'kid': 'es'}, self._claims())}."

    def _by_public_key(self) -> str:
        key = private_key("RSA")
        return sign_with_secret(key.as_pem(private=False), self._claims())

    def _by_another_key(self) -> str:
        kid = self._random.choice([*_ALGORITHMS, "unknown", None])
        algorithm = _ALGORITHMS.get(kid or "es", "ES256")
        return sign(algorithm, self._claims(), kid=kid, number=1)

    def _with_wrong_claims(self) -> str:
        wrong = self._random.choice(
            [
                {"exp": self.now - 3600},
                {"exp": 10**400},
                {"exp": None},
                {"nbf": self.now + 3600},
                {"iss": "https://evil.example.com"},
                {"aud": ["other"]},
                {"aud": {}},
                {"sub": 7},
            ]
        )
        return sign("ES256", {**self._claims(), **wrong}, kid="es")

    def _with_other_parts(self) -> str:
        parts = self._token().split(".")
        other = sign("ES256", {**self._claims(), "sub": "root"}, kid="es").split(".")
        parts[1] = other[1]
        return self._random.choice(
            [".".join(parts), ".".join(parts[:2]), ".".join([*parts, parts[2]]), "..", ""]
        )

    def _with_odd_header(self) -> str:
        header = self._random.choice(
            [{"crit": []}, {"crit": ["exp"]}, {"b64": False}, {"kid": 7}, {"x": "y" * 5000}]
        )
        return sign("ES256", self._claims(), kid=None, header={"kid": "es", **header})

    def _webhook(self, way: str, good: bool) -> Forged:
        body = self._random.randbytes(self._random.randrange(200))
        delivery = f"msg_{self._count}_{self._random.randrange(10**9)}"
        headers = SCHEMES[way].sign(HOOK_SECRET, body, self.now, delivery)
        headers.pop("x-github-delivery", None)
        if good:
            return Forged(way, headers, body, True)
        spoil = self._random.randrange(4)
        if spoil == 0:
            body += b"x"
        elif spoil == 1:
            del headers[self._random.choice(list(headers))]
        elif spoil == 2 and way not in ("github", "hmac"):
            headers = SCHEMES[way].sign(HOOK_SECRET, body, self.now - 3600, delivery)
        else:
            name = self._random.choice(list(headers))
            headers[name] = self._mutated(headers[name])
        return Forged(way, headers, body, False)

    def _mutated(self, text: str) -> str:
        """Change, drop, double or insert one character; never to the same text."""
        while True:
            index = self._random.randrange(len(text))
            character = self._random.choice(_CHARACTERS)
            end = index + self._random.choice([0, 1, 1, 2])
            mutated = text[:index] + character * self._random.choice([0, 1, 1, 2]) + text[end:]
            if mutated not in (text, ""):
                return mutated
