"""Doors as OpenAPI describes them: security schemes, and the requirements of an operation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ffhost.auth.senders import webhook_scheme_named
from ffhost.config.settings import Settings, WaySettings


def openapi_security_schemes(settings: Settings, ways: Iterable[str]) -> dict[str, Any]:
    """Return the schemes of *ways*, by name, in the order of the configuration."""
    wanted = set(ways)
    return {name: _scheme(way) for name, way in settings.auth.items() if name in wanted}


def openapi_security(settings: Settings, ways: Iterable[str]) -> list[dict[str, list[str]]]:
    """Return what an operation requires: any one of *ways*, with the scopes of its tokens."""
    return [{name: _scopes(settings.auth[name])} for name in ways]


def _scopes(way: WaySettings) -> list[str]:
    return [] if way.jwt is None else list(way.jwt.scopes)


def _scheme(way: WaySettings) -> dict[str, Any]:
    if way.jwt is not None:
        issuer = f" of {way.jwt.issuer}" if way.jwt.issuer else ""
        words = f"A signed token{issuer}."
        if way.jwt.header.lower() == "authorization":
            bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            return {**bearer, "description": words}
        return _field(way.jwt.header, words)
    if way.keys is not None:
        words = "A key that was given to the caller."
        if way.header.lower() == "authorization":
            return {"type": "http", "scheme": "bearer", "description": words}
        return _field(way.header, words)
    assert way.webhook is not None
    header = webhook_scheme_named(way.webhook.scheme, way.webhook.header).header
    return _field(header, f"The signature of the body, scheme {way.webhook.scheme!r}.")


def _field(name: str, words: str) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": name, "description": words}
