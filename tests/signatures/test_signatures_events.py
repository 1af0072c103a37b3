"""Functions that take events: what they are called with, and how they are acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ffhost import events
from ffhost.errors import BadRequest, LoadError, MethodNotAllowed
from ffhost.signatures import Codec, SignatureOptions, make_codec
from ffhost.web.messages import Message, Reply
from ffhost.web.problems import crash_problem, problem_reply

HTML = ("content-type", "text/html; charset=utf-8")
BINARY = {
    "ce-id": "1",
    "ce-source": "//s",
    "ce-type": "t",
    "ce-specversion": "1.0",
    "content-type": "application/json",
}
BACKGROUND = json.dumps(
    {
        "data": {"a": 1},
        "context": {
            "eventId": "7",
            "timestamp": "2024-01-01T00:00:00Z",
            "eventType": "x.y",
            "resource": "r",
        },
    }
).encode()


def run(codec: Codec, message: Message) -> Reply:
    arguments = codec.decode(message)
    if codec.is_async:

        async def call() -> Any:
            return await codec.call(*arguments)

        return codec.encode(asyncio.run(call()))
    return codec.encode(codec.call(*arguments))


def both(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Give *function* and its coroutine twin."""

    async def later(*arguments: Any) -> Any:
        return function(*arguments)

    async def one(event: Any) -> Any:
        return await later(event)

    async def two(data: Any, context: Any) -> Any:
        return await later(data, context)

    return [function, two if function.__code__.co_argcount == 2 else one]


def batch(count: int) -> Message:
    documents = [
        {"id": str(number), "source": "//s", "type": "t", "specversion": "1.0", "data": number}
        for number in range(count)
    ]
    headers = {"content-type": "application/cloudevents-batch+json"}
    return Message("POST", "/", headers=headers, body=json.dumps(documents).encode())


def parts(reply: Reply) -> tuple[int, list[tuple[str, str]], bytes]:
    return reply.status, reply.headers, reply.body


def test_an_event_is_acknowledged_without_a_body_and_with_ok_in_single_target_mode() -> None:
    seen = []

    def take(event: Any) -> None:
        seen.append((event["id"], event.data))

    message = Message("POST", "/", headers=BINARY, body=b'{"a": 1}')
    for target in both(take):
        assert parts(run(make_codec("cloudevent", target), message)) == (204, [], b"")
        single = make_codec("cloudevent", target, SignatureOptions(single=True))
        assert parts(run(single, message)) == (200, [HTML], b"OK")
    assert seen == [("1", {"a": 1})] * 4


def test_a_returned_event_is_the_reply_and_anything_else_is_ignored() -> None:
    message = Message("POST", "/", headers=BINARY, body=b'{"a": 1}')
    for target in both(lambda event: event):
        reply = run(make_codec("cloudevent", target), message)
        assert (reply.status, reply.header("ce-id")) == (200, "1")
        assert json.loads(reply.body) == {"a": 1}
    for value in ("done", 3, ("x", 500), {"a": 1}):
        codec = make_codec("cloudevent", lambda event, value=value: value)
        assert parts(run(codec, message)) == (204, [], b"")


def test_a_batch_is_called_in_order_and_its_replies_are_a_batch() -> None:
    seen: list[int] = []

    def take(event: Any) -> Any:
        seen.append(event.data)
        return event if event.data == 1 else None

    for target in both(take):
        reply = run(make_codec("cloudevent", target), batch(3))
        assert reply.header("content-type") == "application/cloudevents-batch+json"
        assert [each["id"] for each in json.loads(reply.body)] == ["1"]
    assert seen == [0, 1, 2, 0, 1, 2]
    quiet = make_codec("cloudevent", lambda event: None)
    assert parts(run(quiet, batch(2))) == (204, [], b"")
    assert parts(run(quiet, batch(0))) == (204, [], b"")


def test_the_first_failure_of_a_batch_ends_it_and_its_index_is_told() -> None:
    seen: list[int] = []

    def take(event: Any) -> None:
        seen.append(event.data)
        if event.data == 1:
            raise ValueError("secret")
        if event.data == 3:
            raise BadRequest("not this one")

    for target in both(take):
        codec = make_codec("cloudevent", target)
        with pytest.raises(ValueError, match="secret") as caught:
            run(codec, batch(3))
        assert caught.value.__notes__ == ["at event 1 of the batch (counted from 0)"]
        assert json.loads(crash_problem("id", error=caught.value).body) == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "the function crashed",
            "execution_id": "id",
            "index": 1,
        }
    assert seen == [0, 1, 0, 1]
    with pytest.raises(BadRequest) as refused:
        run(
            make_codec("cloudevent", lambda event: take(event) if event.data == 3 else None),
            batch(4),
        )
    assert json.loads(problem_reply(refused.value).body)["index"] == 3


def test_the_annotation_says_which_class_of_event_is_given() -> None:
    from cloudevents.core.v1.event import CloudEvent

    def take(event: CloudEvent) -> None: ...

    message = Message("POST", "/", headers=BINARY)
    (event,) = make_codec("cloudevent", take).decode(message)
    assert isinstance(event, CloudEvent)
    assert isinstance(event, events.Event)


def test_a_background_function_gets_data_and_context() -> None:
    seen = []

    def take(data: Any, context: Any) -> str:
        seen.append((data, context.event_id, context.event_type))
        return "ignored"

    message = Message("POST", "/", headers={"content-type": "application/json"}, body=BACKGROUND)
    for target in both(take):
        assert parts(run(make_codec("event", target), message)) == (204, [], b"")
        single = make_codec("event", target, SignatureOptions(single=True))
        assert parts(run(single, message)) == (200, [HTML], b"OK")
    assert seen == [({"a": 1}, "7", "x.y")] * 4


def test_in_single_target_mode_a_get_of_a_background_function_answers_empty() -> None:
    for target in both(lambda data, context: 1 / 0):
        codec = make_codec("event", target, SignatureOptions(single=True))
        assert codec.methods == ("GET", "POST")
        assert parts(run(codec, Message("GET", "/"))) == (200, [HTML], b"")
        with pytest.raises(MethodNotAllowed) as caught:
            codec.decode(Message("GET", "/other"))
        assert caught.value.headers == {"Allow": "POST"}
        assert make_codec("event", target).methods == ("POST",)


def test_an_error_handlers_answer_is_an_http_answer_whatever_the_signature() -> None:
    for kind, target in (("cloudevent", lambda event: None), ("event", lambda data, context: None)):
        reply = make_codec(kind, target).encode_handled(("teapot", 418))
        assert (reply.status, reply.body) == (418, b"teapot")


def generator(event: Any) -> Iterator[str]:
    yield "x"


@pytest.mark.parametrize(
    ("kind", "target", "message"),
    [
        (
            "cloudevent",
            lambda: 1,
            "f takes no parameter; the signature cloudevent gives one CloudEvent",
        ),
        (
            "cloudevent",
            lambda a, b: 1,
            "f takes (a, b); the signature cloudevent gives one CloudEvent",
        ),
        ("event", lambda a: 1, "f takes (a); the signature event gives data and context"),
        (
            "cloudevent",
            generator,
            "f is a generator function, and the signature cloudevent does not iterate; its body "
            "would never run",
        ),
        (
            "other",
            lambda a: 1,
            "unknown signature 'other'; expected http, cloudevent, event, typed, wsgi or asgi",
        ),
    ],
)
def test_a_function_of_another_form_is_refused_when_it_is_loaded(
    kind: str, target: Any, message: str
) -> None:
    with pytest.raises(LoadError) as caught:
        make_codec(kind, target, SignatureOptions(name="f"))
    assert str(caught.value) == message
