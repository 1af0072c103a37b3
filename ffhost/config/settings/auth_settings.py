"""Authentication and authorization: ways to authenticate callers, and who may call what."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from ffhost.config.settings.names import NAME_PATTERN
from ffhost.config.settings.scalars import (
    InvalidSetting,
    SettingKind,
    Span,
    SpanOrUnlimited,
    SpanOrZero,
    Text,
    show_setting,
)
from ffhost.config.settings.section import Free, SettingsSection, required_setting, setting_key
from ffhost.config.units import Duration

PUBLIC, REQUIRED = "public", "required"
"""Words in the place of a way's name; so no way can have them for a name."""

_TEXTS = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}},
    ]
}


def _texts(expected: str) -> SettingKind:
    def read(value: Any) -> list[str]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts:
            raise InvalidSetting(f"expected {expected}, got {show_setting(value)}")
        for each in texts:
            if not isinstance(each, str) or not each:
                raise InvalidSetting(f"expected a string, got {show_setting(each)}", "quote it")
        return texts

    return SettingKind(read, _TEXTS)


def _read_header(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise InvalidSetting(f"expected the name of a header field, got {show_setting(value)}")
    return value


def _read_rate(value: Any) -> str:
    from ffhost.auth.rates import CallerRate

    try:
        return str(CallerRate.parse(value))
    except (ValueError, TypeError):
        raise InvalidSetting(
            f"expected a rate such as '100/s', '20/m' or '1000/h', got {show_setting(value)}"
        ) from None


def _read_way_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME_PATTERN, value):
        raise InvalidSetting(f"{show_setting(value)} is not a valid way name")
    return value


Texts = Annotated[list[str], _texts("a text or a list of texts")]
Ways = Annotated[list[str], _texts("the name of a way under auth, a list of them, or 'public'")]
"""Names of ways, any of which opens a door; ``["public"]`` for a door that is always open."""
Header = Annotated[str, SettingKind(_read_header, {"type": "string", "minLength": 1})]
RateText = Annotated[
    str, SettingKind(_read_rate, {"type": "string", "pattern": "^[1-9][0-9]{0,8}/(s|m|h)$"})
]
WayName = Annotated[
    str, SettingKind(_read_way_name, {"type": "string", "pattern": f"^{NAME_PATTERN}$"})
]


class JwtSettings(SettingsSection):
    """Callers send a signed token, verified by the issuer's keys, a key set or a shared secret."""

    free: ClassVar[frozenset[str]] = frozenset({"claims", "secret"})
    secret_keys: ClassVar[Mapping[str, frozenset[str]]] = {"secret": frozenset()}

    issuer: Text | None = setting_key(
        None,
        "Issuer",
        "What iss must be; its discovery document leads to the keys. Without it, any, verified by "
        "the keys of jwks or secret.",
        "https://id.example.com",
    )
    audience: Texts | None = setting_key(
        None,
        "Audience",
        "aud must hold one of these. Without it, claims must name this service.",
        "orders",
        ["orders", "billing"],
    )
    jwks: Text | None = setting_key(
        None,
        "Key set",
        "Where the public keys are: a URL, or a file relative to this one. Default: where "
        "the issuer says.",
        "https://id.example.com/keys",
        "keys.json",
    )
    secret: Any = setting_key(
        None,
        "Secret",
        "For HS256, HS384 and HS512: a secret of 32 bytes or more, or a list of them while they "
        "are rotated. Default: tokens are verified by public keys.",
        {"from_env": "TOKEN_SECRET"},
    )
    claims: Free = setting_key(
        dict,
        "Claims",
        "Claims that a token must have, else 403. A list names values any of which will do; a "
        "mapping looks into the claim.",
        {"role": "admin"},
        {"realm_access": {"roles": ["admin", "owner"]}},
    )
    scopes: list[str] = setting_key(
        list,
        "Scopes",
        "All of these must be in scope or scp, else 403.",
        ["orders:write"],
    )
    header: Header = setting_key(
        "Authorization",
        "Header field",
        "Where the token stands: after Bearer in Authorization, bare in any other field.",
        "X-Goog-IAP-JWT-Assertion",
    )
    leeway: SpanOrZero = setting_key(
        Duration(30),
        "Leeway",
        "Largest accepted difference between the clocks of issuer and host.",
        "30s",
    )
    stale: SpanOrUnlimited = setting_key(
        Duration(24 * 3600),
        "Stale keys",
        "How long keys are used while the issuer cannot be reached.",
        "24h",
        "unlimited",
    )
    rate: RateText | None = setting_key(
        None,
        "Rate",
        "Calls of each sub, counted by each worker; more get 429. Default: unlimited.",
        "100/s",
    )


class WebhookSettings(SettingsSection):
    """Senders sign each body with a secret that both sides know."""

    free: ClassVar[frozenset[str]] = frozenset({"secret"})
    secret_keys: ClassVar[Mapping[str, frozenset[str]]] = {"secret": frozenset()}

    scheme: Literal["standard", "github", "stripe", "slack", "hmac"] = required_setting(
        "Scheme",
        "How the sender signs: Standard Webhooks, one of three senders, or hmac over the body "
        "alone for all others.",
        "github",
    )
    secret: Any = required_setting(
        "Secret",
        "The secret as the sender shows it, or a list of them while they are rotated.",
        {"from_env": "GITHUB_SECRET"},
    )
    tolerance: Span = setting_key(
        Duration(300),
        "Tolerance",
        "Largest accepted difference between a signed time and the host's. "
        "github and hmac sign no time.",
        "5m",
    )
    header: Header | None = setting_key(
        None,
        "Header field",
        "Where the signature stands; for hmac only. Default: where the sender puts it.",
        "X-Signature",
    )
    prefix: Text | None = setting_key(
        None,
        "Prefix",
        "What stands before the signature; for hmac only. Default: nothing.",
        "sha256=",
    )
    encoding: Literal["hex", "base64"] = setting_key(
        "hex", "Encoding", "How the signature is written; for hmac only.", "base64"
    )
    algorithm: Literal["sha256", "sha384", "sha512"] = setting_key(
        "sha256", "Hash", "The hash of the HMAC; for hmac only.", "sha512"
    )


class WaySettings(SettingsSection):
    """One way to authenticate callers: jwt, keys or webhook."""

    free: ClassVar[frozenset[str]] = frozenset({"keys"})
    secret_keys: ClassVar[Mapping[str, frozenset[str]]] = {"keys": frozenset({"rate"})}

    jwt: JwtSettings | None = setting_key(
        None,
        "Tokens",
        "Signed tokens of an issuer.",
        {"issuer": "https://id.example.com", "audience": "orders"},
    )
    keys: Free | None = setting_key(
        None,
        "Keys",
        "Keys by the name of their bearer: a secret, a list of them while they are rotated, or a "
        "mapping of key and rate.",
        {
            "ci": {"from_env": "CI_KEY"},
            "billing": {"key": {"from_env": "BILLING_KEY"}, "rate": "100/s"},
        },
    )
    header: Header = setting_key(
        "Authorization",
        "Header field",
        "Where a key stands: after Bearer in Authorization, bare in any other field; for keys "
        "only.",
        "X-API-Key",
    )
    webhook: WebhookSettings | None = setting_key(
        None,
        "Webhook",
        "Bodies that their sender has signed.",
        {"scheme": "github", "secret": {"from_env": "GITHUB_SECRET"}},
    )
