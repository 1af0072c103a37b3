"""Whatever is sent, a decoder answers with an event or with an error of the caller's."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from cloudevents.core.bindings import http as new_http
from cloudevents.core.v1.event import CloudEvent as NewEvent
from cloudevents.v1 import conversion as old_conversion
from cloudevents.v1.pydantic.v2 import CloudEvent as PydanticEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ffhost import events
from ffhost.errors import RequestError, ResultError
from ffhost.events import builders
from ffhost.events.background import Context
from ffhost.events.conversion import BACKGROUND_TYPES, CLOUD_EVENT_TYPES
from tests.events.decoders import decode_background_event, make_event_decoder

HOSTILE = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "1.0", "0.3", "projects/p/topics/t", "AP8=", "x" * 3, "base64", "\ud800"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
MOMENT = {"event_id": "1", "timestamp": "2020-01-01T00:00:00Z"}
APP = {"userDim": {"appInfo": {"appId": "app"}}}
USER = {"uid": "u", "metadata": {"createdAt": "x"}}
FORMS = [
    builders.pubsub_event("hi", **MOMENT),
    builders.storage_event("b", "o", **MOMENT),
    builders.firestore_event("users/alice", **MOMENT),
    *(
        builders.background_event(kind, data, resource=resource, domain="firebaseio.com", **MOMENT)
        for kind, data, resource in (
            ("providers/firebase.auth/eventTypes/user.create", USER, "projects/p"),
            (
                "providers/google.firebase.database/eventTypes/ref.write",
                {},
                "projects/_/instances/i/refs/r",
            ),
            (
                "providers/google.firebase.analytics/eventTypes/event.log",
                APP,
                "projects/p/events/e",
            ),
            ("providers/firebase.remoteConfig/remoteconfig.update", {}, "projects/p"),
        )
    ),
]
BACKGROUNDS = [json.loads(body) for _, body in FORMS]
CLOUD_EVENTS = [
    json.loads(builders.event_in_all_forms(events.decode_cloud_event(*form, "/")).structured[1])
    for form in FORMS
]
PUSH = json.loads(
    builders.pubsub_push("hi", message_id="1", publish_time="2020-01-01T00:00:00Z")[1]
)
NAMES = st.sampled_from(
    [
        *("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"),
        *("data_base64", "datacontentencoding", "dataschema", "extensions", "myext", "ID"),
        *("context", "eventId", "eventType", "timestamp", "resource", "service", "name"),
        *("message", "messageId", "publishTime", "attributes", "subscription", "domain"),
        *("metadata", "uid", "userDim", "appInfo"),
    ]
) | st.text(max_size=5)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Give an event with some members replaced, added or removed, at any depth."""
    base = draw(st.sampled_from([*BACKGROUNDS, *CLOUD_EVENTS, PUSH]))
    value: dict[str, Any] = json.loads(json.dumps(base))
    for _ in range(draw(st.integers(0, 3))):
        place = value
        while inner := [name for name in place if isinstance(place[name], dict)]:
            if draw(st.booleans()):
                break
            place = place[draw(st.sampled_from(inner))]
        name = draw(st.sampled_from(sorted(place)) | NAMES) if place else draw(NAMES)
        if draw(st.booleans()):
            place.pop(name, None)
        else:
            place[name] = draw(TYPES | VALUES)
    return value


TYPES = st.sampled_from([*CLOUD_EVENT_TYPES, *BACKGROUND_TYPES])
OBJECTS = mutated()
JSON = st.one_of(OBJECTS, st.lists(OBJECTS, max_size=2), VALUES).map(
    lambda value: json.dumps(value).encode()
)
BODIES = st.one_of(
    JSON,
    JSON,
    st.binary(max_size=30),
    st.builds(lambda body, cut: body[: cut % (len(body) + 1)], JSON, st.integers(0, 500)),
    st.sampled_from([b"", b"[" * 2_000, b"9" * 5_000, b'{"a":' * 900, b"\xef\xbb\xbf{}", b"NaN"]),
)
CONTENT_TYPES = st.sampled_from(
    [
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/cloudevents",
        "application/cloudevents+xml",
        "APPLICATION/JSON; charset=x",
        "text/plain",
        "",
        ";;/",
    ]
)
TEXTS = st.one_of(
    st.sampled_from(["1.0", "0.3", "1", "%FF", "%", '"', '"\\', "2020-01-01T00:00:00Z", ""]),
    TYPES,
    st.text(max_size=10),
)
NAMED = NAMES.map(lambda name: f"ce-{name.lower()}")
PLAIN = st.sampled_from(CLOUD_EVENTS).map(
    lambda event: {f"ce-{name}": text for name, text in event.items() if name != "data"}
)
HEADERS = st.one_of(
    st.just({}),
    st.builds(dict.__or__, PLAIN, st.dictionaries(NAMED, TEXTS, max_size=2)),
    st.dictionaries(NAMED, TEXTS, max_size=6),
).flatmap(
    lambda headers: st.fixed_dictionaries(
        {}, optional={"content-type": CONTENT_TYPES, "traceparent": TEXTS, "tracestate": TEXTS}
    ).map(lambda more: {**headers, **more})
)
PATHS = st.sampled_from(["/", "/projects/p/topics/t", "/projects/%FF/topics/%"]) | st.text(
    max_size=9
)


def answer(decode: Any, headers: dict[str, str], body: bytes, path: str) -> Any:
    """Give what was decoded, or None for an error of the caller's; nothing else may be raised."""
    try:
        return decode(headers, body, path)
    except RequestError as error:
        return None if error.status in (400, 415) else pytest.fail(f"status {error.status}")


def events_in(found: Any) -> list[Any]:
    return [found] if isinstance(found, events.Event | PydanticEvent) else list(found or ())


@HOSTILE
@given(headers=HEADERS, body=BODIES, path=PATHS)
def test_no_request_makes_the_cloudevent_decoder_fail(
    headers: dict[str, str], body: bytes, path: str
) -> None:
    for event in events_in(answer(events.decode_cloud_event, headers, body, path)):
        assert event["id"]
        assert event.get_time() is None or event.get_time().tzinfo is not None
        event.get_data()


@pytest.mark.parametrize("annotation", [NewEvent, PydanticEvent])
@HOSTILE
@given(headers=HEADERS, body=BODIES, path=PATHS)
def test_no_request_makes_the_decoder_of_an_annotation_fail(
    annotation: Any, headers: dict[str, str], body: bytes, path: str
) -> None:
    for event in events_in(answer(make_event_decoder(annotation), headers, body, path)):
        assert event["id"]
        event.get_attributes()


@HOSTILE
@given(headers=HEADERS, body=BODIES, path=PATHS)
def test_no_request_makes_the_background_decoder_fail(
    headers: dict[str, str], body: bytes, path: str
) -> None:
    found = answer(decode_background_event, headers, body, path)
    if found is not None:
        _, context = found
        assert isinstance(context, Context)
        assert isinstance(context.event_type, str)


@HOSTILE
@given(headers=HEADERS, body=BODIES)
def test_what_was_decoded_can_be_passed_on_and_handed_to_the_sdk(
    headers: dict[str, str], body: bytes
) -> None:
    for event in events_in(answer(events.decode_cloud_event, headers, body, "/")):
        # Only what no server can hand over, a header with unpaired surrogates, may not pass.
        with contextlib.suppress(ResultError) if surrogates(headers) else contextlib.nullcontext():
            events.encode_event(event)
            events.encode_event_batch([event])
        old_conversion.to_dict(event)
        old_conversion.to_json(event)
        new_http.to_structured_event(event)


def surrogates(headers: dict[str, str]) -> bool:
    return any("\ud800" <= letter <= "\udfff" for value in headers.values() for letter in value)


ATTRIBUTE_TEXT = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc", "Cn"]),
    min_size=1,
    max_size=12,
)
ATTRIBUTES = st.fixed_dictionaries(
    {
        "id": ATTRIBUTE_TEXT,
        "source": ATTRIBUTE_TEXT,
        "type": ATTRIBUTE_TEXT,
        "specversion": st.sampled_from(["1.0", "0.3"]),
    },
    optional={
        "subject": ATTRIBUTE_TEXT,
        "time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        "myextension": ATTRIBUTE_TEXT,
    },
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@HOSTILE
@given(attributes=ATTRIBUTES, data=JSON_VALUES)
def test_valid_events_survive_decoding_and_encoding(attributes: dict[str, Any], data: Any) -> None:
    attributes = {**attributes, "datacontenttype": "application/json"}
    body = json.dumps({**attributes, "data": data}).encode()
    event = events.decode_cloud_event({"content-type": "application/cloudevents+json"}, body, "/")
    assert isinstance(event, events.Event)
    assert (event.get_attributes(), event.data) == (attributes, data)
    reply = events.encode_event(event)
    again = events.decode_cloud_event(dict(reply.headers), reply.body, "/")
    assert again == event
    batch = events.encode_event_batch([event, again])
    assert events.decode_cloud_event(dict(batch.headers), batch.body, "/") == (event, event)


@HOSTILE
@given(
    attributes=ATTRIBUTES,
    body=st.binary(max_size=40),
    content_type=st.sampled_from(["text/plain", "image/png", None]),
)
def test_valid_events_of_any_bytes_survive_decoding_and_encoding(
    attributes: dict[str, Any], body: bytes, content_type: str | None
) -> None:
    reply = events.encode_event(
        events.Event.create({**attributes, "time": "2020-01-01T00:00:00Z"}, body)
    )
    headers = dict(reply.headers)
    if content_type is not None:
        headers["content-type"] = content_type
    event = events.decode_cloud_event(headers, body, "/")
    again = events.encode_event(event)
    assert (dict(again.headers), again.body) == (headers, body)
