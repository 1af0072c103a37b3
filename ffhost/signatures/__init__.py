"""Signatures: a target becomes a `Codec` (decode, call, encode), composed once at load.

Nothing here reads files or knows a server, and nothing waits, but for an ASGI application:
it has a task beside its call and a lifespan (`asgi_app`, `lifespan`). A signature decides how
a message becomes arguments and how a result becomes a reply. `execution` decides when and where
the call runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost.config.settings import SIGNATURES
from ffhost.signatures.codec import (
    AnsweredCrash,
    Codec,
    SignatureOptions,
    as_single_target,
    signature_error,
)
from ffhost.signatures.inference import Inferred, infer


def compose(
    kind: str, target: Callable[..., Any], options: SignatureOptions | None = None
) -> Codec:
    """Make the codec of *target* under the signature *kind*.

    Raises:
        LoadError: the target does not have the form that the signature needs
    """
    composer = _composer(kind)
    return composer(target, options or SignatureOptions())


def _composer(kind: str) -> Callable[[Callable[..., Any], SignatureOptions], Codec]:
    # Imported on demand: typed functions need pydantic, events the CloudEvents SDK.
    if kind == "http":
        from ffhost.signatures import http_function

        return http_function.compose
    if kind == "typed":
        from ffhost.signatures import typed_function

        return typed_function.compose
    if kind == "cloudevent":
        from ffhost.signatures import cloudevent_function

        return cloudevent_function.compose
    if kind == "event":
        from ffhost.signatures import event_function

        return event_function.compose
    if kind == "wsgi":
        from ffhost.signatures import wsgi_application

        return wsgi_application.compose
    if kind == "asgi":
        from ffhost.signatures import asgi_application

        return asgi_application.compose
    raise signature_error(
        f"unknown signature {kind!r}; expected {', '.join(SIGNATURES[:-1])} or {SIGNATURES[-1]}"
    )


__all__ = [
    "AnsweredCrash",
    "Codec",
    "Inferred",
    "SignatureOptions",
    "as_single_target",
    "compose",
    "infer",
]
