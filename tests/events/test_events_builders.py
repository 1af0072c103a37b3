"""Events built for trying functions out are the events that functions get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ffhost import events
from ffhost.events import builders
from tests.events.decoders import decode_background_event

EXAMPLE = {"id": "1", "time": "2020-01-01T00:00:00Z", "subject": "é"}


@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ({"a": 1}, None),
        ("text", None),
        ("text", "text/plain"),
        (b"\xff", "image/png"),
        (None, None),
    ],
)
def test_a_built_cloud_event_is_decoded_as_it_was_meant(
    version: Any, mode: Any, data: Any, content_type: str | None
) -> None:
    declared = {} if content_type is None else {"datacontenttype": content_type}
    headers, body = builders.make_cloud_event(
        type="t", source="/s", data=data, mode=mode, specversion=version, **EXAMPLE, **declared
    )
    event = events.decode_cloud_event(headers, body, "/")
    assert isinstance(event, events.Event)
    assert event.get_data() == data
    expected = {"type": "t", "source": "/s", "specversion": version, **EXAMPLE, **declared}
    if data is not None and content_type is None:
        expected["datacontenttype"] = "application/json"
    if version == "0.3" and mode == "structured" and isinstance(data, bytes):
        expected["datacontentencoding"] = "base64"
    assert event.get_attributes() == expected


def test_an_id_and_a_time_are_made_up() -> None:
    first, second = (
        events.decode_cloud_event(*builders.make_cloud_event(type="t", source="s"), "/")
        for _ in range(2)
    )
    assert isinstance(first, events.Event)
    assert isinstance(second, events.Event)
    assert first["id"] != second["id"]
    assert first.get_time() is not None


def test_a_built_push_message_is_decoded_as_it_was_meant() -> None:
    headers, body = builders.pubsub_push({"a": 1}, attributes={"b": "c"}, message_id="5")
    data, context = decode_background_event(headers, body, "/projects/p/topics/t")
    assert data["data"] == "eyJhIjoxfQ=="
    assert data["attributes"] == {"b": "c"}
    assert context.event_id == "5"
    assert context.resource["name"] == "projects/p/topics/t"  # type: ignore[index]


@pytest.mark.parametrize(
    ("form", "cloud_event_type", "subject"),
    [
        (builders.pubsub_event("hi"), "google.cloud.pubsub.topic.v1.messagePublished", None),
        (
            builders.storage_event("b", "folder/o", change="archive"),
            "google.cloud.storage.object.v1.archived",
            "objects/folder/o",
        ),
        (
            builders.firestore_event("users/alice", value={"fields": {}}),
            "google.cloud.firestore.document.v1.written",
            "documents/users/alice",
        ),
        (
            builders.background_event(
                "providers/google.firebase.database/eventTypes/ref.write",
                {},
                resource="projects/_/instances/i/refs/r",
                domain="europe-west1.firebasedatabase.app",
            ),
            "google.firebase.database.ref.v1.written",
            "refs/r",
        ),
    ],
)
def test_a_built_background_event_survives_all_its_forms(
    form: builders.Form, cloud_event_type: str, subject: str | None
) -> None:
    event = events.decode_cloud_event(*form, "/")
    assert isinstance(event, events.Event)
    assert (event["type"], event.get("subject")) == (cloud_event_type, subject)
    forms = builders.event_in_all_forms(event)
    assert forms.background is not None
    expected = decode_background_event(*form, "/")
    for each in forms:
        assert each is not None
        data, context = decode_background_event(*each, "/")
        assert data == expected[0]
        assert vars(context) == vars(expected[1])
        assert events.decode_cloud_event(*each, "/") == event


def test_an_event_of_another_type_has_no_background_form() -> None:
    headers, body = builders.make_cloud_event(type="t", source="s", data=[1], id="1")
    forms = builders.event_in_all_forms(events.decode_cloud_event(headers, body, "/"))
    assert forms.background is None
    assert forms.binary == (headers, body)
    assert json.loads(forms.structured[1])["data"] == [1]


def test_binary_data_has_no_background_form() -> None:
    form = builders.make_cloud_event(
        type="google.cloud.firestore.document.v1.written",
        source="//firestore.googleapis.com/projects/p/databases/d",
        subject="documents/x",
        data=b"\x0a\xff",
        datacontenttype="application/protobuf",
    )
    assert builders.event_in_all_forms(events.decode_cloud_event(*form, "/")).background is None
