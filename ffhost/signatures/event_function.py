"""The signature ``event``: ``data, context`` in, nothing out. Google's background functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost import events
from ffhost.errors import MethodNotAllowed
from ffhost.events.handed_event import HandedEventMessage
from ffhost.loading.targets import TargetForm
from ffhost.signatures import parameters
from ffhost.signatures.codec import Codec, SignatureOptions
from ffhost.signatures.event_replies import make_acknowledgement_encoder, refuse_generator_signature
from ffhost.signatures.foreign_responses import encode_foreign_exception
from ffhost.signatures.results import HTML, result_encoder
from ffhost.web.messages import Message, Reply

_NO_EVENT: Any = object()
"""Placeholder for the data of a request that only checks whether the container is up."""


def make_event_codec(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    """Make the codec of a function that takes data and context.

    Raises:
        LoadError: the function takes something else, or is a generator
    """
    name = options.name
    parameters.signature_accepts(form, name, "event", 2, wants="data and context")
    refuse_generator_signature(target, name, "event")
    acknowledge = make_acknowledgement_encoder(options.single)
    is_async = form.kind == "async"
    decode, call = _decode, target
    methods: tuple[str, ...] = ("POST",)
    if options.single:
        decode = _decode_or_greet
        call = _async_unless_greeted(target) if is_async else _unless_greeted(target)
        methods = ("GET", "POST")

    def encode(value: Any) -> Reply:
        return Reply(200, [HTML]) if value is _NO_EVENT else acknowledge()

    handled = result_encoder(name)
    return Codec(
        "event", decode, call, encode, is_async, methods, encode_foreign_exception, handled
    )


def _decode(message: Message) -> tuple[Any, ...]:
    if isinstance(message, HandedEventMessage):
        return events.decode_handed_background_event(message)
    return events.decode_background_event(message)


# functions-framework answers GET / of a background function with 200 and nothing: that is
# how Google's platform looks whether the container is up.


def _decode_or_greet(message: Message) -> tuple[Any, ...]:
    if message.method not in ("GET", "HEAD"):
        return _decode(message)
    if message.path not in ("", "/"):
        raise MethodNotAllowed("an event must be sent with POST", headers={"Allow": "POST"})
    return _NO_EVENT, None


def _unless_greeted(target: Callable[..., Any]) -> Callable[..., Any]:
    def call(data: Any, context: Any) -> Any:
        return data if data is _NO_EVENT else target(data, context)

    return call


def _async_unless_greeted(target: Callable[..., Any]) -> Callable[..., Any]:
    async def call(data: Any, context: Any) -> Any:
        return data if data is _NO_EVENT else await target(data, context)

    return call
