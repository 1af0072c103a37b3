"""Checks of ``auth``: ways that contradict themselves, and references to unknown ways."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import PathKey
from ffhost.config.settings import NAME_PATTERN, show_setting
from ffhost.config.settings.auth_settings import PUBLIC, REQUIRED

KEY_LENGTH = 16
"""Shortest key in characters: 16 hexadecimal digits are 64 bits."""
SECRET_LENGTH = 32
"""Bytes of the shortest secret for HS256 (RFC 7518, section 3.2)."""
_KINDS = ("jwt", "keys", "webhook")
_HMAC_ONLY = ("header", "prefix", "encoding", "algorithm")
_UNTIMED = ("github", "hmac")


def check_auth_settings(values: dict[str, Any], report: ConfigProblemReporter) -> None:
    """Report what is wrong with the ways, and with the functions that refer to them."""
    ways = _mapping(values.get("auth"))
    for name, way in ways.items():
        _check_way(name, way, report)
    _check_references(values, list(ways), report)
    _check_admin(values, ways, report)
    _check_events(values, list(ways), report)
    if "mcp" in values:
        _check_address("mcp", "use the tools", values, list(ways), report)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_way(name: str, way: Any, report: ConfigProblemReporter) -> None:
    path: PathKey = ("auth", name)
    if name in (PUBLIC, REQUIRED) or not re.fullmatch(NAME_PATTERN, name):
        report.at(
            path,
            f"{name!r} is not a valid way name",
            "a letter, then at most 62 letters, digits, '-' and '_'; not public or required",
            key=True,
        )
    if not isinstance(way, dict):
        return
    kinds = [kind for kind in _KINDS if kind in way]
    if len(kinds) != 1:
        report.at(path, "a way needs exactly one of jwt, keys and webhook", key=True)
    if "header" in way and kinds and "keys" not in way:
        where = "write it below jwt" if "jwt" in way else "remove this line"
        report.at((*path, "header"), "this 'header' is only for ways with keys", where, key=True)
    if isinstance(way.get("jwt"), dict):
        _check_jwt(way["jwt"], (*path, "jwt"), report)
    if isinstance(way.get("keys"), dict):
        _check_keys(way["keys"], (*path, "keys"), report)
    if isinstance(way.get("webhook"), dict):
        _check_webhook(way["webhook"], (*path, "webhook"), report)


# ── jwt ───────────────────────────────────────────────────────────────────────


def _check_jwt(jwt: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    if "secret" in jwt:
        _check_secrets(jwt["secret"], (*path, "secret"), report, SECRET_LENGTH)
        for other in ("jwks", "stale"):
            if other in jwt:
                message = f"'secret' cannot be combined with {other!r}"
                report.at((*path, other), message, "remove one of them", key=True)
        return
    if "issuer" not in jwt and "jwks" not in jwt:
        report.at(
            path, "needs keys to verify tokens with", "write 'issuer', 'jwks' or 'secret'", key=True
        )
    if "jwks" not in jwt:
        _check_url(jwt.get("issuer"), (*path, "issuer"), report)
    elif "://" in str(jwt["jwks"]):
        _check_url(jwt["jwks"], (*path, "jwks"), report)
    if "audience" not in jwt and not jwt.get("claims"):
        report.at(
            path,
            "tokens that the issuer made for other services would be accepted",
            "write 'audience', or the claims that name this service",
            key=True,
        )


def _check_url(value: Any, path: PathKey, report: ConfigProblemReporter) -> None:
    if not isinstance(value, str):
        return
    try:
        url = urlsplit(value)
        right = url.scheme in ("http", "https") and bool(url.hostname) and not url.fragment
        right = right and (url.port is None or url.port > 0)
    except ValueError:
        right = False
    if not right or any(character <= " " for character in value):
        report.at(
            path, f"expected a URL, got {show_setting(value)}", "write 'https://id.example.com'"
        )


# ── keys ──────────────────────────────────────────────────────────────────────


def _check_keys(keys: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    if not keys:
        report.at(path, "expected at least one key", "write 'ci: {from_env: CI_KEY}'", key=True)
    seen: dict[str, str] = {}
    for name, entry in keys.items():
        here = (*path, name)
        if not name or not name.isprintable() or len(name) > 100:
            report.at(here, f"{show_setting(name)} is not a valid key name", key=True)
        if isinstance(entry, dict):
            _check_entry(entry, here, report)
            entry = entry.get("key")
        for secret in _check_secrets(entry, here, report, KEY_LENGTH, sent=True):
            other = seen.setdefault(secret, name)
            if other != name:
                report.at(here, f"has the same key as {other!r}", key=True, secret=True)


def _check_entry(entry: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    for unknown in entry.keys() - {"key", "rate"}:
        near = nearest_known_word(unknown, ("key", "rate"))
        hint = f"did you mean {near!r}?" if near else "known here: key, rate"
        report.at((*path, unknown), "unknown key", hint, key=True, secret=True)
    if "rate" in entry:
        from ffhost.auth.rates import CallerRate

        try:
            CallerRate.parse(entry["rate"])
        except (ValueError, TypeError):
            message = "expected a rate such as '100/s', '20/m' or '1000/h', got "
            report.at((*path, "rate"), message + show_setting(entry["rate"]))
    if "key" not in entry:
        report.at(path, "has no key", "write 'key: {from_env: NAME}'", key=True, secret=True)


def _check_secrets(
    value: Any, path: PathKey, report: ConfigProblemReporter, length: int = 1, *, sent: bool = False
) -> list[str]:
    """Report secrets of the wrong form; return those that are strings."""
    secrets = value if isinstance(value, list) else [value]
    texts = [each for each in secrets if isinstance(each, str)]
    if value is None or not secrets:  # an unreadable secret was reported already
        if path not in report.paths and not _reported_below(path, report):
            report.at(path, "has no value", "write {from_env: NAME}", key=True, secret=True)
    elif len(texts) != len(secrets):
        what = "expected a secret or a list of secrets"
        report.at(path, what, "write {from_env: NAME}", key=True, secret=True)
    elif any(len(each.encode("utf-8", "surrogatepass")) < length for each in texts):
        report.at(path, _too_short(length), key=True, secret=True)
    elif sent and not all(re.fullmatch("[!-~]+", each) for each in texts):
        report.at(
            path,
            "a key must consist of visible ASCII characters, without spaces",
            "a header field cannot carry other characters safely",
            key=True,
            secret=True,
        )
    return texts


def _too_short(length: int) -> str:
    return "a secret must not be empty" if length == 1 else f"must have {length} bytes or more"


def _reported_below(path: PathKey, report: ConfigProblemReporter) -> bool:
    return any(each[: len(path)] == path for each in report.paths)


# ── webhook ───────────────────────────────────────────────────────────────────


def _check_webhook(webhook: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    scheme = webhook.get("scheme")
    if "secret" in webhook:
        texts = _check_secrets(webhook["secret"], (*path, "secret"), report)
        if scheme == "standard":
            _check_standard(texts, (*path, "secret"), report)
    if scheme == "hmac" and "header" not in webhook:
        hint = "write 'header: X-Signature'"
        report.at(
            path, "scheme: hmac needs the header field that holds the signature", hint, key=True
        )
    for name in _HMAC_ONLY:
        if scheme != "hmac" and name in webhook:
            message = f"{name!r} is for scheme: hmac; the sender's own rules hold here"
            report.at((*path, name), message, "remove this line", key=True)
    if scheme in _UNTIMED and "tolerance" in webhook:
        message = f"a signature of scheme {scheme!r} contains no timestamp"
        report.at((*path, "tolerance"), message, "remove this line", key=True)


def _check_standard(secrets: Iterable[str], path: PathKey, report: ConfigProblemReporter) -> None:
    from ffhost.auth.standard_webhooks import PUBLIC_KEY, SECRET, check_webhook_secret

    for secret in secrets:
        try:
            check_webhook_secret(secret)
        except ValueError as error:
            hint = f"copy it as the sender shows it, with {SECRET!r} or {PUBLIC_KEY!r}"
            report.at(path, str(error), hint, key=True, secret=True)


# ── references ─────────────────────────────────────────────────────────────────────


def _check_references(
    values: dict[str, Any], ways: list[str], report: ConfigProblemReporter
) -> None:
    defaults = _mapping(values.get("defaults")).get("auth")
    _check_names(defaults, ("defaults", "auth"), ways, report, required=True)
    for name, function in _mapping(values.get("functions")).items():
        path: PathKey = ("functions", name, "auth")
        written = _mapping(function).get("auth")
        _check_names(written, path, ways, report)
        if written is None and defaults in (REQUIRED, [REQUIRED]) and isinstance(function, dict):
            report.at(
                ("functions", name),
                "has no 'auth', which defaults.auth requires",
                "write 'auth: public', or the name of a way under auth",
                key=True,
            )


def _check_names(
    value: Any,
    path: PathKey,
    ways: list[str],
    report: ConfigProblemReporter,
    *,
    required: bool = False,
) -> None:
    names = value if isinstance(value, list) else [value] if value is not None else []
    words = (PUBLIC, REQUIRED) if required else (PUBLIC,)
    for index, name in enumerate(names):
        here = (*path, index) if isinstance(value, list) else path
        if name in words and len(names) > 1:
            report.at(
                here, f"{name!r} cannot be combined with other names", "remove it, or the others"
            )
        elif name in names[:index]:
            report.at(here, f"{name!r} occurs twice")
        elif isinstance(name, str) and name and name not in (*ways, *words):
            near = nearest_known_word(name, (*ways, *words))
            known = f"known: {', '.join((*ways, *words))}"
            hint = f"did you mean {near!r}?" if near else known
            report.at(here, f"unknown way {name!r}", hint)


def _check_address(
    section: str, who: str, values: dict[str, Any], ways: list[str], report: ConfigProblemReporter
) -> Any:
    """Check the ways of an address of the host itself; return the ways that open it."""
    path = (section, "auth")
    written = _mapping(values.get(section)).get("auth")
    defaults = _mapping(values.get("defaults")).get("auth")
    _check_names(written, path, ways, report)
    if written is None and defaults in (REQUIRED, [REQUIRED]):
        message = f"says nothing of who may {who}, which defaults.auth requires"
        report.at((section,), message, "write 'auth: public', or the name of a way", key=True)
    return defaults if written is None else written


def _check_events(values: dict[str, Any], ways: list[str], report: ConfigProblemReporter) -> None:
    if "events" not in values:
        return
    effective = _check_address("events", "send events", values, ways, report)
    if effective not in (None, PUBLIC, [PUBLIC]):
        return
    defaults = _mapping(values.get("defaults")).get("auth")
    for name, function in _mapping(values.get("functions")).items():
        own = _mapping(function).get("auth", defaults)
        if _mapping(function).get("subscriptions") and own not in (None, PUBLIC, [PUBLIC]):
            report.at(
                ("functions", name, "subscriptions"),
                "anybody may send events to a function that only some may call",
                "write 'events: {auth: ...}', or 'auth: public' for the function",
                key=True,
            )


def _check_admin(
    values: dict[str, Any], ways: dict[str, Any], report: ConfigProblemReporter
) -> None:
    value, path = _mapping(values.get("admin")).get("auth"), ("admin", "auth")
    _check_names(value, path, list(ways), report)
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and "webhook" in _mapping(ways.get(name)):
            report.at(path, f"{name!r} checks webhooks, but the admin listener receives none")
