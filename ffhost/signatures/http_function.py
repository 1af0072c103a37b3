"""The signature ``http``: a request in, a response out.

A function of one parameter gets the request and returns; one of two required positional
parameters is a Falcon responder, ``(req, resp)``, and sets its answer on ``resp``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.loading.targets import TargetForm
from ffhost.signatures import parameters
from ffhost.signatures.codec import Codec, SignatureOptions, signature_error
from ffhost.signatures.foreign_responses import encode_foreign_exception
from ffhost.signatures.requests import native_request_adapter
from ffhost.signatures.results import Encode, result_encoder
from ffhost.web.messages import Message, Reply

Decode: TypeAlias = Callable[[Message], tuple[Any, ...]]


def make_http_codec(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    """Make the codec of an http function.

    Raises:
        LoadError: the function takes neither a request nor ``(req, resp)``
    """
    name = options.name
    count = parameters.signature_accepts(
        form, name, "http", 1, 2, wants="one request, or Falcon's (req, resp)"
    )
    if count == 2:
        return _compose_responder(target, form, options)
    make, around = options.adapter or native_request_adapter()

    def decode(message: Message) -> tuple[Any, ...]:
        return (make(message),)

    call, is_async = target, form.kind == "async"
    if around is not None:
        call = around(target, is_async)
    if form.kind == "async_generator":
        call, is_async = invoke_with_loop_generator(call), True
    encode = result_encoder(name)
    return Codec(
        "http",
        _mounted(decode, options),
        call,
        encode if around is None else _passing_replies(encode),
        is_async,
        None,
        encode_foreign_exception,
        encode,
    )


def _passing_replies(encode: Encode) -> Encode:
    """Return *encode* for results of which most are made by the adapter of the request."""
    return lambda value: value if value.__class__ is Reply else encode(value)


def _mounted(decode: Decode, options: SignatureOptions) -> Decode:
    """Return *decode* for messages whose path begins where the function is mounted."""
    if not options.strip_path:
        return decode
    from ffhost.signatures.requests.mount import (  # few functions are
        MountedRequestMessage,
        RequestMount,
    )

    mount = RequestMount(options.mount)
    return lambda message: decode(MountedRequestMessage(message, mount))


def invoke_with_loop_generator(target: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that calls *target*, whose async generator belongs to a loop."""

    async def call(*arguments: Any) -> Any:
        return target(*arguments)

    return call


def _compose_responder(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    from ffhost.signatures import falcon_responses  # few functions are responders

    name = options.name
    if form.positional[form.required - 1] == "context":
        raise signature_error(
            f"{name} takes (data, context) like an event function; write signature: event, or "
            f"decorate it with @ffhost.event"
        )

    make = native_request_adapter().make

    def decode(message: Message) -> tuple[Any, ...]:
        return make(message), falcon_responses.new_falcon_response()

    if form.kind == "async":
        call: Callable[..., Any] = falcon_responses.wrap_async_falcon_responder(target, name)
        is_async = True
    else:
        call = falcon_responses.wrap_falcon_responder(target, name)
        is_async = False
    handled = result_encoder(name)
    return Codec(
        "http",
        _mounted(decode, options),
        call,
        falcon_responses.encode_falcon_response,
        is_async,
        None,
        encode_foreign_exception,
        handled,
    )
