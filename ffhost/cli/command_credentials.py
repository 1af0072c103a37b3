"""Credentials for functions behind a door, made from what the configuration holds.

A developer can call what he has locked: with one of the keys, with a body signed as the sender
would, or with a token by the way's own secret. Where only the issuer can sign, ``--token`` takes
a token of the issuer's.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from typing import Any

from ffhost.auth.jwks import SYMMETRIC
from ffhost.auth.secrets import HmacKey
from ffhost.auth.tokens import encode_base64url
from ffhost.cli.exit_messages import WrongCommandUse
from ffhost.cli.function_client import CommandCall
from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.settings import JwtSettings, WaySettings, WebhookSettings
from ffhost.config.settings.auth_settings import PUBLIC
from ffhost.host.host_doors import host_door_secret, host_webhook_scheme

TOKEN_SECONDS = 300
"""How long a token that is made here may be used."""
SUBJECT = "ffhost-invoke"


def add_token_to_command_call(
    call: CommandCall, config: LoadedConfig, function: str, token: str
) -> CommandCall:
    """Return *call* with *token* in the field that the function's tokens come in."""
    for name in ways_for_command_call(config, function):
        jwt = config.settings.auth[name].jwt
        if jwt is not None:
            return call.with_headers(_carried(jwt.header, token))
    return call.with_headers(_carried("Authorization", token))


def sign_command_call(call: CommandCall, config: LoadedConfig, word: str) -> CommandCall:
    """Return *call* with credentials of a way: ``NAME``, or ``NAME/KEY`` for one of its keys.

    Raises:
        WrongCommandUse: there is no such way or key, or nothing here can sign for it
    """
    name, _, caller = word.partition("/")
    way = config.settings.auth.get(name)
    if way is None:
        raise WrongCommandUse(f"unknown way {name!r}", _known(name, config))
    if way.keys is not None:
        return call.with_headers(_carried(way.header, _key(way.keys, name, caller)))
    if caller:
        raise WrongCommandUse(f"the way {name!r} has no keys", f"write --auth {name}")
    if way.webhook is not None:
        return call.with_headers(_webhook(way.webhook, name, call.body))
    assert way.jwt is not None
    if way.jwt.secret is None:
        raise WrongCommandUse(
            f"only the issuer can sign tokens for {name!r}", "get one there, and write --token"
        )
    return call.with_headers(_carried(way.jwt.header, _token(way.jwt)))


def sign_command_call_if_possible(
    call: CommandCall, config: LoadedConfig, function: str
) -> CommandCall:
    """Return *call* with credentials of the first way that can be signed for here.

    A call that brings credentials of its own is left alone, and one for which there are none.
    """
    names = ways_for_command_call(config, function)
    own = {name.lower() for name in call.headers}
    if any(_header(config.settings.auth[name]).lower() in own for name in names):
        return call
    for name in names:
        with suppress(WrongCommandUse):
            return sign_command_call(call, config, name)
    return call


def _header(way: WaySettings) -> str:
    if way.webhook is not None:
        return host_webhook_scheme(way.webhook).header
    return way.header if way.jwt is None else way.jwt.header


def ways_for_command_call(config: LoadedConfig, function: str) -> list[str]:
    """Return the names of the ways that open *function*; none if it is public."""
    names = config.settings.function(function).auth or [PUBLIC]
    return [] if names == [PUBLIC] else list(names)


def _known(name: str, config: LoadedConfig) -> str:
    near = nearest_known_word(name, config.settings.auth)
    if near:
        return f"did you mean {near!r}?"
    return f"there are {', '.join(config.settings.auth) or 'none'}"


def _carried(header: str, credentials: str) -> dict[str, str]:
    bare = header.lower() != "authorization"
    return {header: credentials if bare else f"Bearer {credentials}"}


def _key(keys: dict[str, Any], name: str, caller: str) -> str:
    chosen = caller or next(iter(keys))
    if chosen not in keys:
        raise WrongCommandUse(f"{name!r} has no key {chosen!r}", f"there are {', '.join(keys)}")
    entry = keys[chosen]
    return host_door_secret(entry["key"] if isinstance(entry, dict) else entry)[0].decode()


def _webhook(webhook: WebhookSettings, name: str, body: bytes) -> dict[str, str]:
    secret = host_door_secret(webhook.secret)[0].decode()
    delivery = f"msg_{secrets.token_hex(12)}"
    try:
        return host_webhook_scheme(webhook).sign(secret, body, int(time.time()), delivery)
    except ValueError:
        raise WrongCommandUse(
            f"only the sender can sign for {name!r}: the configuration holds its public key"
        ) from None


def _token(jwt: JwtSettings) -> str:
    """Return a token that the way accepts, with the claims and scopes that it asks for."""
    now = int(time.time())
    claims: dict[str, Any] = {"sub": SUBJECT, "iat": now, "exp": now + TOKEN_SECONDS}
    if jwt.issuer is not None:
        claims["iss"] = jwt.issuer
    if jwt.audience:
        claims["aud"] = jwt.audience[0]
    if jwt.scopes:
        claims["scope"] = " ".join(jwt.scopes)
    claims.update({name: _sufficient(wanted) for name, wanted in jwt.claims.items()})
    secret = host_door_secret(jwt.secret)[0]
    head = encode_base64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    text = f"{head}.{encode_base64url(json.dumps(claims).encode())}"
    return f"{text}.{encode_base64url(HmacKey(secret, SYMMETRIC['HS256']).digest(text.encode()))}"


def _sufficient(wanted: Any) -> Any:
    if isinstance(wanted, dict):
        return {name: _sufficient(each) for name, each in wanted.items()}
    return wanted[0] if isinstance(wanted, list) and wanted else wanted
