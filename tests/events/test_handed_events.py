"""An event that a function hands to another one is the event that HTTP would have brought."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffhost import events
from ffhost.errors import RequestError, ResultError
from ffhost.events.binding import make_handed_event_decoder
from ffhost.events.cloudevent_writer import binary_event_of
from ffhost.events.handed_event import HandedEventMessage, can_be_handed_over
from ffhost.events.received_event import Event
from ffhost.testing import Client, client
from ffhost.web.messages import Message
from tests.events.decoders import decode_background_event, make_event_decoder

TRACE = {"traceparent": f"00-{1:032x}-{2:016x}-01", "tracestate": "a=b"}
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["", '"x"', "%41", "a b", "\ud800"]))
TIMES = st.sampled_from(["2026-01-02T03:04:05Z", "no time", datetime(2026, 1, 2, tzinfo=UTC)])
ATTRIBUTES = st.fixed_dictionaries(
    {
        "id": TEXTS,
        "source": TEXTS,
        "type": st.sampled_from(
            ["t", "google.cloud.pubsub.topic.v1.messagePublished", "google.\u00e9"]
        ),
        "specversion": st.sampled_from(["1.0", "0.3"]),
    },
    optional={
        "time": TIMES,
        "subject": TEXTS,
        "datacontenttype": st.sampled_from(
            ["application/json", "text/plain", "application/CloudEvents+json", "x/y\n", ""]
        ),
        "datacontentencoding": st.sampled_from(["base64", "utf-8"]),
        "eventid": TEXTS,
        "my-ext": TEXTS,
        "extensions": TEXTS,
        "number": st.one_of(st.integers(), st.booleans(), st.none(), st.binary(max_size=4)),
        "traceparent": TEXTS,
    },
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
BODIES = st.sampled_from(['{"a": 1}', b"[1]", b'""', "MTI="])
DATA = st.one_of(JSON, st.binary(max_size=8), BODIES)


class AnyEvent:
    """An event of a class of the user's own."""

    def __init__(self, attributes: Mapping[str, Any], data: Any) -> None:
        self._attributes, self._data = attributes, data

    def get_attributes(self) -> dict[str, Any]:
        return dict(self._attributes)

    def get_data(self) -> Any:
        return self._data


def seen(event: Any) -> Any:
    if isinstance(event, Event):
        payload = event._payload
        whole = None if payload is None else (payload.old, payload.raw, payload.new)
        return type(event), list(event._attributes.items()), event.data, whole
    data, context = event
    return data, context.__dict__ if hasattr(context, "__dict__") else repr(context)


def outcome(decode: Any, *given: Any) -> Any:
    try:
        return seen(decode(*given))
    except RequestError as error:
        return type(error), error.detail, [(each.field, each.message) for each in error.errors]


@settings(max_examples=100, deadline=None)
@given(ATTRIBUTES, DATA)
def test_a_handed_event_is_read_as_its_request_would_be(attributes: Any, data: Any) -> None:
    try:
        written = binary_event_of(AnyEvent(attributes, data))
    except ResultError:
        return
    if not can_be_handed_over(written):
        return
    headers = {**dict(written.headers()), **TRACE}
    message = HandedEventMessage(
        written, TRACE, Message("GET", "/"), lambda: dict(TRACE), "POST", "/"
    )
    assert outcome(make_handed_event_decoder(), message) == outcome(
        make_event_decoder(), headers, written.body, "/"
    )
    assert outcome(events.decode_handed_background_event, message) == outcome(
        decode_background_event, headers, written.body, "/"
    )
    assert (message.headers, message.body) == (headers, written.body)


def test_attributes_that_would_be_read_in_another_way_are_not_handed_over() -> None:
    plain = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}
    assert can_be_handed_over(binary_event_of(AnyEvent(plain, {})))
    for more in (
        {"eventid": "2"},
        {"datacontenttype": "application/cloudevents+json"},
        {"subject": "\ud800"},
    ):
        assert not can_be_handed_over(binary_event_of(AnyEvent({**plain, **more}, None)))


MAIN = """
import ffhost
from cloudevents.core.v1.event import CloudEvent as NewEvent
from cloudevents.v1.http.event import CloudEvent as OldEvent

GOT = []
KIND = "google.cloud.pubsub.topic.v1.messagePublished"
SOURCE = "//pubsub.googleapis.com/projects/p/topics/t"
ATTRIBUTES = {"type": KIND, "source": SOURCE, "id": "7 \u00e9"}
DATA = {"message": {"data": "aGVsbG8=", "attributes": {"a": "b"}}}
EVENTS = {"old": OldEvent(ATTRIBUTES, DATA), "new": NewEvent(ATTRIBUTES, DATA)}

@ffhost.cloud_event
def plain(event):
    GOT.append((event.get_attributes(), event.data))

@ffhost.cloud_event
async def coroutine(event: NewEvent):
    GOT.append((event.get_attributes(), event.get_data()))

@ffhost.event
def background(data, context):
    GOT.append((data, context.event_id, context.resource))

def caller(request):
    name, kind = request.args["name"], request.args["kind"]
    return {"status": ffhost.call_sync(name, event=EVENTS[kind]).status}

async def async_caller(request):
    name, kind = request.args["name"], request.args["kind"]
    return {"status": (await ffhost.call(name, event=EVENTS[kind])).status}
"""
CALLEES = ("plain", "coroutine", "background")


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def host(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("handed")
    (folder / "main.py").write_text(MAIN)
    functions = {
        name: {"target": f"main.py:{name}"} for name in (*CALLEES, "caller", "async_caller")
    }
    (folder / "functions.yaml").write_text(json.dumps({"functions": functions}))
    with client(folder, front=request.param) as made:
        yield made


@pytest.mark.parametrize("name", CALLEES)
@pytest.mark.parametrize("kind", ["old", "new"])
@pytest.mark.parametrize("caller", ["caller", "async_caller"])
def test_a_function_gets_the_event_that_it_would_get_by_http(
    host: Client, name: str, kind: str, caller: str
) -> None:
    module = host.service.host.functions["plain"].module
    assert module is not None
    module.GOT.clear()
    written = binary_event_of(module.EVENTS[kind])
    headers = dict(written.headers())
    assert host.post(f"/{name}", body=written.body, headers=headers).status < 300
    assert host.get(f"/{caller}?name={name}&kind={kind}").json()["status"] < 300
    by_http, handed = module.GOT
    assert handed == by_http
