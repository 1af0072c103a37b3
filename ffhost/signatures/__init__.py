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
from ffhost.loading.targets import TargetForm, form_of_target
from ffhost.signatures.codec import (
    AnsweredApplicationCrash,
    Codec,
    SignatureOptions,
    as_single_target_codec,
    signature_error,
    single_target_preparation,
)
from ffhost.signatures.inference import InferredSignature, infer_signature


def make_codec(
    kind: str,
    target: Callable[..., Any],
    options: SignatureOptions | None = None,
    form: TargetForm | None = None,
) -> Codec:
    """Make the codec of *target* under the signature *kind*.

    Args:
        form: of the target, where it is known

    Raises:
        LoadError: the target does not have the form that the signature needs
    """
    composer = _composer(kind)
    return composer(target, form or form_of_target(target), options or SignatureOptions())


def _composer(kind: str) -> Callable[[Callable[..., Any], TargetForm, SignatureOptions], Codec]:
    # Imported on demand: typed functions need pydantic, events the CloudEvents SDK.
    if kind == "http":
        from ffhost.signatures import http_function

        return http_function.make_http_codec
    if kind == "typed":
        from ffhost.signatures import typed_function

        return typed_function.make_typed_codec
    if kind == "cloudevent":
        from ffhost.signatures import cloudevent_function

        return cloudevent_function.make_cloudevent_codec
    if kind == "event":
        from ffhost.signatures import event_function

        return event_function.make_event_codec
    if kind == "wsgi":
        from ffhost.signatures import wsgi_application

        return wsgi_application.make_wsgi_codec
    if kind == "asgi":
        from ffhost.signatures import asgi_application

        return asgi_application.make_asgi_codec
    raise signature_error(
        f"unknown signature {kind!r}; expected {', '.join(SIGNATURES[:-1])} or {SIGNATURES[-1]}"
    )


__all__ = [
    "AnsweredApplicationCrash",
    "Codec",
    "InferredSignature",
    "SignatureOptions",
    "as_single_target_codec",
    "infer_signature",
    "make_codec",
    "single_target_preparation",
]
