"""Cross-origin requests: what a preflight is answered, and what other answers carry.

The rules are those of the Fetch standard, section 3.2 (CORS protocol). Nothing here calls a
function or knows a server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from ffhost.web.messages import Message, Reply


class CorsRules(Protocol):
    """What a function declares: the block ``cors`` of its settings."""

    @property
    def allow_origins(self) -> Collection[str]:
        """Return the origins that may read answers; ``*`` for all."""

    @property
    def allow_methods(self) -> Collection[str] | None:
        """Return the methods that they may use; None for those of the function."""

    @property
    def allow_headers(self) -> Collection[str]:
        """Return the header fields that they may send; ``*`` for all."""

    @property
    def expose_headers(self) -> Collection[str]:
        """Return the header fields of answers that they may read."""

    @property
    def allow_credentials(self) -> bool:
        """Whether they may send credentials."""

    @property
    def max_age(self) -> float:
        """Return for how many seconds a preflight may be remembered."""


def is_preflight(message: Message) -> bool:
    """Whether a browser asks for permission here."""
    return (
        message.method == "OPTIONS"
        and message.header("origin") is not None
        and message.header("access-control-request-method") is not None
    )


def answer_preflight(cors: CorsRules, methods: Iterable[str], message: Message) -> Reply:
    """Answer a preflight: 204, with permission or without.

    Args:
        cors: what the function declares
        methods: the methods that it answers, for functions that do not list ``allow_methods``
    """
    reply = Reply(204, [("vary", "origin, access-control-request-method")])
    origin = _allowed_origin(cors, message.header("origin"))
    if origin is None:
        return reply
    asked = message.header("access-control-request-method") or ""
    allowed = set(cors.allow_methods or methods) or {asked}
    reply.headers.append(("access-control-allow-origin", origin))
    reply.headers.append(("access-control-allow-methods", ", ".join(sorted(allowed))))
    headers = message.header("access-control-request-headers")
    if "*" in cors.allow_headers:
        # The literal star does not cover Authorization, and nothing with credentials.
        if headers:
            reply.headers.append(("access-control-allow-headers", headers))
    elif cors.allow_headers:
        reply.headers.append(("access-control-allow-headers", ", ".join(cors.allow_headers)))
    if cors.allow_credentials:
        reply.headers.append(("access-control-allow-credentials", "true"))
    reply.headers.append(("access-control-max-age", str(int(cors.max_age))))
    return reply


def permit_cross_origin(cors: CorsRules, message: Message, reply: Reply) -> None:
    """Add to an answer what lets the page that asked read it."""
    reply.headers.append(("vary", "origin"))
    origin = _allowed_origin(cors, message.header("origin"))
    if origin is None:
        return
    reply.headers.append(("access-control-allow-origin", origin))
    if cors.allow_credentials:
        reply.headers.append(("access-control-allow-credentials", "true"))
    if cors.expose_headers:
        reply.headers.append(("access-control-expose-headers", ", ".join(cors.expose_headers)))


def _allowed_origin(cors: CorsRules, origin: str | None) -> str | None:
    if origin is None:
        return None
    if "*" in cors.allow_origins:
        return "*"  # never with credentials: the configuration is checked for that
    return origin if origin in cors.allow_origins else None
