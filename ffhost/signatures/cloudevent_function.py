"""The signature ``cloudevent``: an event in, nothing or the replying event out.

A batch is called event by event, in order, as one call. A result that is not a
CloudEvent is ignored, as in functions-framework: the event was processed, and an error would
make the broker send it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost import events
from ffhost.events.handed_event import HandedEventMessage
from ffhost.loading.targets import TargetForm
from ffhost.signatures import parameters
from ffhost.signatures.codec import Codec, SignatureOptions
from ffhost.signatures.event_replies import (
    BatchFailureIndex,
    make_acknowledgement_encoder,
    refuse_generator_signature,
)
from ffhost.signatures.foreign_responses import encode_foreign_exception
from ffhost.signatures.results import result_encoder
from ffhost.web.messages import Message, Reply


class _Replies(list[Any]):
    """What the calls of one batch returned."""


def make_cloudevent_codec(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    """Make the codec of a function that takes one CloudEvent.

    Raises:
        LoadError: the function takes something else, or is a generator
    """
    name = options.name
    parameters.signature_accepts(form, name, "cloudevent", 1, wants="one CloudEvent")
    refuse_generator_signature(target, name, "cloudevent")
    wanted = _wanted_class(target, form)
    read, take = events.make_event_decoder(wanted), events.make_handed_event_decoder(wanted)
    is_async = form.kind == "async"

    def decode(message: Message) -> tuple[Any, ...]:
        if isinstance(message, HandedEventMessage):
            return (take(message),)
        return (read(message),)

    return Codec(
        "cloudevent",
        decode,
        _async_caller(target) if is_async else _caller(target),
        _encoder(options.single),
        is_async,
        ("POST",),
        encode_foreign_exception,
        result_encoder(name),
    )


def _wanted_class(target: Callable[..., Any], form: TargetForm) -> Any:
    """Return the annotation of the parameter, None for text that cannot be evaluated."""
    if parameters.signature_mark_of(target, parameters.FIREBASE) is not None:
        from cloudevents.v1.http.event import CloudEvent

        return CloudEvent  # the wrapper takes one of the old SDK, whatever is annotated inside
    annotation = parameters.parameter_annotation(target, form)
    return None if isinstance(annotation, str) else annotation


def _caller(target: Callable[..., Any]) -> Callable[..., Any]:
    batch = events.EventBatch

    def call(event: Any) -> Any:
        if event.__class__ is not batch:
            return target(event)
        replies = _Replies()
        for index, each in enumerate(event):
            with BatchFailureIndex(index):
                replies.append(target(each))
        return replies

    return call


def _async_caller(target: Callable[..., Any]) -> Callable[..., Any]:
    batch = events.EventBatch

    async def call(event: Any) -> Any:
        if event.__class__ is not batch:
            return await target(event)
        replies = _Replies()
        for index, each in enumerate(event):
            with BatchFailureIndex(index):
                replies.append(await target(each))
        return replies

    return call


def _encoder(single: bool) -> Callable[[Any], Reply]:
    acknowledge = make_acknowledgement_encoder(single)

    def encode(value: Any) -> Reply:
        if value is None:
            return acknowledge()
        if value.__class__ is _Replies:
            replies = [each for each in value if each is not None and events.is_cloud_event(each)]
            return events.encode_event_batch(replies) if replies else acknowledge()
        return events.encode_event(value) if events.is_cloud_event(value) else acknowledge()

    return encode
