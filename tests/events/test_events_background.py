"""Background events and Pub/Sub push: each row of the conversion table, there and back."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest

from ffhost import events
from ffhost.errors import BadRequest, FieldError, UnsupportedMediaType
from ffhost.events.background import Context
from ffhost.events.binding import BACKGROUND_EXPECTED, CLOUD_EVENT_EXPECTED
from tests.events.decoders import decode_background_event

TIME = "2020-09-29T11:32:00.000Z"
PUBSUB_MESSAGE = "type.googleapis.com/google.pubsub.v1.PubsubMessage"
PUBSUB = {
    "service": "pubsub.googleapis.com",
    "name": "projects/p/topics/t",
    "type": PUBSUB_MESSAGE,
}
OBJECT = {
    "service": "storage.googleapis.com",
    "name": "projects/_/buckets/b/objects/folder/Test.cs",
    "type": "storage#object",
}
FIRESTORE = "providers/cloud.firestore/eventTypes/document."
AUTH = "providers/firebase.auth/eventTypes/user."
DATABASE = "providers/google.firebase.database/eventTypes/ref."
DOCUMENT = "projects/p/databases/(default)/documents/gcf-test/2Vm2mI1d0wIaK2Waj5to"
REF = "projects/_/instances/my-db/refs/gcf-test/xyz"
APP = {"userDim": {"appInfo": {"appId": "com.example.app"}}}
USER = {"uid": "UUpby3s4", "metadata": {"createdAt": TIME, "lastSignedInAt": TIME, "x": 1}}
USER_CE = {"uid": "UUpby3s4", "metadata": {"createTime": TIME, "lastSignInTime": TIME, "x": 1}}
MESSAGE = {"@type": PUBSUB_MESSAGE, "data": "AQIDBA==", "attributes": {"a": "b"}}
MESSAGE_CE = {"message": {**MESSAGE, "messageId": "aaaaaa-1111", "publishTime": TIME}}
STORED = {"kind": "storage#object", "name": "folder/Test.cs", "bucket": "b"}

STORAGE_CE = "google.cloud.storage.object.v1."
PUBSUB_CE = "google.cloud.pubsub.topic.v1.messagePublished"
PUBSUB_SOURCE = "//pubsub.googleapis.com/projects/p/topics/t"
STORAGE_SOURCE = "//storage.googleapis.com/projects/_/buckets/b"
STORAGE_SUBJECT = "objects/folder/Test.cs"
FIRESTORE_SOURCE = "//firestore.googleapis.com/projects/p/databases/(default)"
FIRESTORE_SUBJECT = "documents/gcf-test/2Vm2mI1d0wIaK2Waj5to"
AUTH_SOURCE = "//firebaseauth.googleapis.com/projects/p"
DATABASE_SOURCE = (
    "//firebasedatabase.googleapis.com/projects/_/locations/us-central1/instances/my-db"
)
ANALYTICS_SOURCE = "//firebaseanalytics.googleapis.com/projects/p/apps/com.example.app"
CONFIG_SOURCE = "//firebaseremoteconfig.googleapis.com/projects/p"

Row = tuple[str, Any, Any, str, str, str | None, Any]
# background type, resource, data, CloudEvent type, source, subject, data of the CloudEvent
BOTH_WAYS: list[Row] = [
    ("google.pubsub.topic.publish", PUBSUB, MESSAGE, PUBSUB_CE, PUBSUB_SOURCE, None, MESSAGE_CE),
    *(
        (
            f"google.storage.object.{change}",
            OBJECT,
            STORED,
            f"{STORAGE_CE}{changed}",
            STORAGE_SOURCE,
            STORAGE_SUBJECT,
            STORED,
        )
        for change, changed in (
            ("finalize", "finalized"),
            ("delete", "deleted"),
            ("archive", "archived"),
            ("metadataUpdate", "metadataUpdated"),
        )
    ),
    *(
        (
            f"{FIRESTORE}{change}",
            DOCUMENT,
            {"value": {}},
            f"google.cloud.firestore.document.v1.{changed}",
            FIRESTORE_SOURCE,
            FIRESTORE_SUBJECT,
            {"value": {}},
        )
        for change, changed in (
            ("write", "written"),
            ("create", "created"),
            ("update", "updated"),
            ("delete", "deleted"),
        )
    ),
    *(
        (
            f"{AUTH}{change}",
            "projects/p",
            USER,
            f"google.firebase.auth.user.v1.{changed}",
            AUTH_SOURCE,
            "users/UUpby3s4",
            USER_CE,
        )
        for change, changed in (("create", "created"), ("delete", "deleted"))
    ),
    *(
        (
            f"{DATABASE}{change}",
            REF,
            {"delta": {"a": 1}},
            f"google.firebase.database.ref.v1.{changed}",
            DATABASE_SOURCE,
            "refs/gcf-test/xyz",
            {"delta": {"a": 1}},
        )
        for change, changed in (
            ("create", "created"),
            ("write", "written"),
            ("update", "updated"),
            ("delete", "deleted"),
        )
    ),
    (
        "providers/firebase.remoteConfig/remoteconfig.update",
        "projects/p",
        {"versionNumber": 1},
        "google.firebase.remoteconfig.remoteConfig.v1.updated",
        CONFIG_SOURCE,
        None,
        {"versionNumber": 1},
    ),
]
ONE_WAY: list[Row] = [
    (
        "providers/cloud.pubsub/eventTypes/topic.publish",
        "projects/p/topics/t",
        MESSAGE,
        PUBSUB_CE,
        PUBSUB_SOURCE,
        None,
        MESSAGE_CE,
    ),
    (
        "providers/cloud.storage/eventTypes/object.change",
        "projects/_/buckets/b/objects/folder/Test.cs#1588778055917163",
        STORED,
        f"{STORAGE_CE}finalized",
        STORAGE_SOURCE,
        STORAGE_SUBJECT,
        STORED,
    ),
    (
        "providers/google.firebase.analytics/eventTypes/event.log",
        "projects/p/events/session_start",
        APP,
        "google.firebase.analytics.log.v1.written",
        ANALYTICS_SOURCE,
        "events/session_start",
        APP,
    ),
]
BACK: list[Row] = [
    *BOTH_WAYS,
    (
        "providers/google.firebase.analytics/eventTypes/event.log",
        "projects/p/apps/com.example.app/events/session_start",
        APP,
        "google.firebase.analytics.log.v1.written",
        ANALYTICS_SOURCE,
        "events/session_start",
        APP,
    ),
]


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def in_context(row: Row) -> dict[str, Any]:
    context = {
        "eventId": "aaaaaa-1111",
        "timestamp": TIME,
        "eventType": row[0],
        "resource": row[1],
    }
    return {"context": context, "data": row[2], "domain": "firebaseio.com", "params": {}}


def at_top_level(row: Row) -> dict[str, Any]:
    value = in_context(row)
    return {**value.pop("context"), **value}


def cloud_event(row: Row) -> dict[str, Any]:
    attributes = {
        "specversion": "1.0",
        "id": "aaaaaa-1111",
        "time": TIME,
        "datacontenttype": "application/json",
        "type": row[3],
        "source": row[4],
    }
    return attributes if row[5] is None else {**attributes, "subject": row[5]}


def binary(attributes: dict[str, Any]) -> dict[str, str]:
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    headers["content-type"] = headers.pop("ce-datacontenttype")
    return headers


def refused(decode: Any, value: Any, headers: dict[str, str] | None = None) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        decode(headers or {}, as_json(value), "/")
    return caught.value


@pytest.mark.parametrize("form", [in_context, at_top_level])
@pytest.mark.parametrize("row", BOTH_WAYS + ONE_WAY, ids=lambda row: row[0])
def test_a_background_event_becomes_a_cloud_event(row: Row, form: Any) -> None:
    event = events.decode_cloud_event({"content-type": "application/json"}, as_json(form(row)), "/")
    assert isinstance(event, events.Event)
    assert event.get_attributes() == cloud_event(row)
    assert event.data == row[6]


@pytest.mark.parametrize("mode", ["binary", "structured", "structured as plain JSON"])
@pytest.mark.parametrize("row", BACK, ids=lambda row: row[0])
def test_a_cloud_event_becomes_a_background_event(row: Row, mode: str) -> None:
    attributes = cloud_event(row)
    if mode == "binary":
        data, context = decode_background_event(binary(attributes), as_json(row[6]), "/")
    else:
        kind = "application/cloudevents+json" if mode == "structured" else "application/json"
        body = as_json({**attributes, "data": row[6]})
        data, context = decode_background_event({"content-type": kind}, body, "/")
    assert data == row[2]
    assert vars(context) == {
        "event_id": "aaaaaa-1111",
        "timestamp": TIME,
        "event_type": row[0],
        "resource": row[1],
    }


@pytest.mark.parametrize("form", [in_context, at_top_level])
@pytest.mark.parametrize("row", BOTH_WAYS + ONE_WAY, ids=lambda row: row[0])
def test_a_background_event_is_handed_on_as_it_is(row: Row, form: Any) -> None:
    data, context = decode_background_event({}, as_json(form(row)), "/")
    assert data == row[2]
    assert (context.event_id, context.timestamp) == ("aaaaaa-1111", TIME)
    assert (context.event_type, context.resource) == (row[0], row[1])


PUSH = {
    "subscription": "projects/p/subscriptions/s",
    "message": {
        "messageId": "1234",
        "publishTime": TIME,
        "data": "aGVsbG8=",
        "attributes": {"a": "b"},
    },
}


def test_a_push_message_is_read_as_a_background_event() -> None:
    data, context = decode_background_event({}, as_json(PUSH), "/projects/p/topics/t?pub=1")
    assert data == {"@type": PUBSUB_MESSAGE, "data": "aGVsbG8=", "attributes": {"a": "b"}}
    assert vars(context) == {
        "event_id": "1234",
        "timestamp": TIME,
        "event_type": "google.pubsub.topic.publish",
        "resource": PUBSUB,
    }


def test_a_push_message_becomes_a_cloud_event() -> None:
    event = events.decode_cloud_event({}, as_json(PUSH), "/hello/projects/p/topics/t")
    assert isinstance(event, events.Event)
    assert (event["source"], event["type"]) == (PUBSUB_SOURCE, PUBSUB_CE)
    assert (event["id"], event["time"]) == ("1234", TIME)
    assert event.data == {
        "message": {
            "@type": PUBSUB_MESSAGE,
            "data": "aGVsbG8=",
            "attributes": {"a": "b"},
            "messageId": "1234",
            "publishTime": TIME,
        }
    }


def test_a_push_message_need_not_name_its_topic() -> None:
    _, context = decode_background_event({}, as_json(PUSH), "/")
    assert context.resource == {**PUBSUB, "name": ""}
    event = events.decode_cloud_event({}, as_json(PUSH), "/")
    assert isinstance(event, events.Event)
    assert event["source"] == "//pubsub.googleapis.com/"
    headers = binary(event.get_attributes())
    assert decode_background_event(headers, as_json(event.data))[1].resource == context.resource


def test_a_push_message_may_have_attributes_and_no_data() -> None:
    push = {"subscription": "s", "message": {"messageId": "1", "attributes": {"a": "b"}}}
    data, context = decode_background_event({}, as_json(push), "/")
    assert data == {"@type": PUBSUB_MESSAGE, "attributes": {"a": "b"}}
    assert context.event_id == "1"
    assert datetime.fromisoformat(context.timestamp).tzinfo is not None
    assert events.decode_cloud_event({}, as_json(push), "/")


def test_a_push_message_of_the_emulator_is_read() -> None:
    push = {"subscription": "s", "message": {"message_id": "7", "publish_time": TIME, "data": ""}}
    data, context = decode_background_event({}, as_json(push), "/")
    assert data == {"@type": PUBSUB_MESSAGE, "data": "", "attributes": {}}
    assert (context.event_id, context.timestamp) == ("7", TIME)


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        (None, "message", "expected an object, got null"),
        ([], "message", "expected an object, got an array"),
        ({}, "message.messageId", "required, but missing"),
        ({"messageId": 5}, "message.messageId", "expected a string, got a number"),
        ({"messageId": "1", "data": {}}, "message.data", "expected a string, got an object"),
        (
            {"messageId": "1", "publishTime": 1},
            "message.publishTime",
            "expected a string, got a number",
        ),
        (
            {"messageId": "1", "attributes": "x"},
            "message.attributes",
            "expected an object, got a string",
        ),
    ],
)
@pytest.mark.parametrize("decode", [events.decode_cloud_event, decode_background_event])
def test_each_fault_of_a_push_message_is_named(
    message: Any, field: str, problem: str, decode: Any
) -> None:
    error = refused(decode, {"subscription": "s", "message": message})
    assert error.errors == (FieldError(field, problem),)


DRAFT = {
    "ce-eventid": "some-eventId",
    "ce-timestamp": TIME,
    "ce-eventtype": "google.pubsub.topic.publish",
    "ce-resource": "projects/p/topics/t",
}


@pytest.mark.parametrize(
    "more",
    [{}, {"ce-id": "1", "ce-type": "something", "ce-source": "s", "ce-specversion": "1.0"}],
)
def test_headers_of_the_older_draft_are_the_context_and_the_body_is_the_data(
    more: dict[str, str],
) -> None:
    data, context = decode_background_event({**DRAFT, **more}, b'{"a": 1}', "/")
    assert data == b'{"a": 1}'
    assert vars(context) == {
        "event_id": "some-eventId",
        "timestamp": TIME,
        "event_type": "google.pubsub.topic.publish",
        "resource": "projects/p/topics/t",
    }


def test_headers_of_the_older_draft_become_a_cloud_event() -> None:
    event = events.decode_cloud_event(DRAFT, b'{"data": "AQ=="}', "/")
    assert isinstance(event, events.Event)
    assert (event["id"], event["source"]) == ("some-eventId", PUBSUB_SOURCE)
    assert event.data["message"]["data"] == "AQ=="
    error = refused(events.decode_cloud_event, {}, {"ce-eventid": "1"})
    assert error.errors == (FieldError("ce-eventType", "required, but missing"),)


def test_the_context_looks_like_googles() -> None:
    context = Context("1", TIME, "type", {"name": "n"})
    assert str(context) == (
        f"{{event_id: 1, timestamp: {TIME}, event_type: type, resource: {{'name': 'n'}}}}"
    )
    assert repr(context) == (
        f"Context(eventId='1', timestamp='{TIME}', eventType='type', resource={{'name': 'n'}})"
    )
    assert vars(Context(eventId="1", eventType="t", resource="r", timestamp="")) == {
        "event_id": "1",
        "event_type": "t",
        "resource": "r",
        "timestamp": "",
    }


def test_the_first_place_where_a_value_is_found_counts() -> None:
    value = {
        "context": {"eventId": "inner", "timestamp": None},
        "eventId": "outer",
        "timestamp": TIME,
        "eventType": "x",
        "resource": {"name": "r"},
        "data": 1,
    }
    data, context = decode_background_event({}, as_json(value), "/")
    assert data == 1
    assert (context.event_id, context.timestamp) == ("inner", TIME)
    assert (context.event_type, context.resource) == ("x", {"name": "r"})


def test_unknown_members_are_tolerated() -> None:
    row = BOTH_WAYS[0]
    value = in_context(row)
    value["context"]["notSupported"] = {"text": "x"}
    value["auth"] = None
    assert decode_background_event({}, as_json(value), "/")[0] == row[2]
    assert events.decode_cloud_event({}, as_json(value), "/")


def test_data_alone_is_an_event_with_an_empty_context() -> None:
    data, context = decode_background_event({}, b'{"data": {"a": 1}}', "/")
    assert data == {"a": 1}
    assert set(vars(context).values()) == {""}
    assert decode_background_event({}, b'{"context": {}}', "/")[0] == ""


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ([], [("body", "expected an object, got an array")]),
        (None, [("body", "expected an object, got null")]),
        ({}, [("data", "required, but missing"), ("context", "required, but missing")]),
        ({"hello": 1}, [("data", "required, but missing"), ("context", "required, but missing")]),
        ({"context": [], "data": 1}, [("context", "expected an object, got an array")]),
        ({"context": {"eventId": 1}}, [("context.eventId", "expected a string, got a number")]),
        ({"eventId": {}}, [("eventId", "expected a string, got an object")]),
        ({"eventType": True}, [("eventType", "expected a string, got a boolean")]),
        (
            {"context": {"resource": 1}},
            [("context.resource", "expected a string or an object, got a number")],
        ),
        (
            {"data": 1, "resource": {"name": 5}},
            [("resource.name", "expected a string, got a number")],
        ),
    ],
)
def test_each_fault_of_a_background_event_is_named(
    value: Any, faults: list[tuple[str, str]]
) -> None:
    error = refused(decode_background_event, value)
    assert [(each.field, each.message) for each in error.errors] == faults
    assert error.detail.endswith(f"; {BACKGROUND_EXPECTED}")


def changed(row: Row, **context: Any) -> dict[str, Any]:
    value = in_context(row)
    value["context"] = {k: v for k, v in {**value["context"], **context}.items() if v is not None}
    return value


ROWS = {row[0]: row for row in BOTH_WAYS + ONE_WAY}
STORAGE_ROW = ROWS["google.storage.object.finalize"]
DATABASE_ROW = ROWS[f"{DATABASE}write"]
ANALYTICS_ROW = ROWS["providers/google.firebase.analytics/eventTypes/event.log"]
AUTH_ROW = ROWS[f"{AUTH}create"]
PUBSUB_ROW = ROWS["google.pubsub.topic.publish"]


@pytest.mark.parametrize(
    ("value", "field", "problem"),
    [
        (
            changed(STORAGE_ROW, eventType="google.x"),
            "context.eventType",
            "'google.x' has no CloudEvent equivalent",
        ),
        (changed(STORAGE_ROW, eventType=None), "context.eventType", "required, but missing"),
        (changed(STORAGE_ROW, eventId=None), "context.eventId", "required, but missing"),
        (changed(STORAGE_ROW, timestamp="then"), "context.timestamp", "expected an RFC 3339 time"),
        (changed(STORAGE_ROW, resource=None), "context.resource", "required, but missing"),
        (
            changed(STORAGE_ROW, resource={"service": "s"}),
            "context.resource.name",
            "required, but missing",
        ),
        (
            changed(STORAGE_ROW, resource={**OBJECT, "service": 1}),
            "context.resource.service",
            "expected the name of a service",
        ),
        (
            changed(STORAGE_ROW, resource="projects/_/buckets/a/b/objects/c"),
            "context.resource",
            "expected 'projects/P/buckets/B/objects/O'",
        ),
        (
            changed(ROWS[f"{FIRESTORE}write"], resource="projects/p"),
            "context.resource",
            "expected 'projects/P/databases/D/documents/X'",
        ),
        (
            changed(ANALYTICS_ROW, resource="projects/p"),
            "context.resource",
            "expected 'projects/P/events/E'",
        ),
        (
            {**changed(ANALYTICS_ROW), "data": {"userDim": {}}},
            "data.userDim.appInfo.appId",
            "required in events of Analytics, but missing",
        ),
        (
            {**changed(ANALYTICS_ROW), "data": None},
            "data.userDim.appInfo.appId",
            "required in events of Analytics, but missing",
        ),
        (
            {**changed(DATABASE_ROW), "domain": None},
            "domain",
            "required in events of the Firebase database, but missing",
        ),
        ({**changed(DATABASE_ROW), "domain": 5}, "domain", "expected a string, got a number"),
        (
            {**changed(DATABASE_ROW), "domain": ".x"},
            "domain",
            "expected 'firebaseio.com' or 'LOCATION.firebasedatabase.app'",
        ),
        ({**changed(AUTH_ROW), "data": []}, "data", "expected an object, got an array"),
        ({**changed(PUBSUB_ROW), "data": None}, "data", "expected an object, got null"),
    ],
)
def test_each_fault_that_prevents_a_conversion_is_named(
    value: Any, field: str, problem: str
) -> None:
    error = refused(events.decode_cloud_event, value)
    assert error.errors == (FieldError(field, problem),)
    assert error.detail == (
        f"the event cannot be converted because of: {field}; {CLOUD_EVENT_EXPECTED}"
    )


@pytest.mark.parametrize("metadata", [None, [], "x", {}])
def test_odd_metadata_of_a_user_is_left_alone(metadata: Any) -> None:
    value = {**changed(AUTH_ROW), "data": {"metadata": metadata}}
    event = events.decode_cloud_event({}, as_json(value), "/")
    assert isinstance(event, events.Event)
    assert event.data == {"metadata": metadata}
    assert "subject" not in event


def test_a_database_outside_the_us_has_the_location_of_its_domain() -> None:
    value = {**changed(DATABASE_ROW), "domain": "europe-west1.firebasedatabase.app"}
    event = events.decode_cloud_event({}, as_json(value), "/")
    assert isinstance(event, events.Event)
    assert event["source"] == DATABASE_SOURCE.replace("us-central1", "europe-west1")
    _, context = decode_background_event(binary(event.get_attributes()), as_json(event.data))
    assert context.resource == REF


def test_only_a_generation_is_cut_off_an_object_name() -> None:
    for name, subject in (("a#b", "objects/a#b"), ("a#12", "objects/a"), ("a#1#2", "objects/a#1")):
        value = changed(STORAGE_ROW, resource=f"projects/my-project/buckets/b/objects/{name}")
        event = events.decode_cloud_event({}, as_json(value), "/")
        assert isinstance(event, events.Event)
        assert event["subject"] == subject
        assert event["source"] == "//storage.googleapis.com/projects/my-project/buckets/b"


@pytest.mark.parametrize(
    ("row", "change", "field"),
    [
        (STORAGE_ROW, {"subject": None}, "subject"),
        (DATABASE_ROW, {"subject": None}, "subject"),
        (ROWS[f"{FIRESTORE}write"], {"subject": None}, "subject"),
        (STORAGE_ROW, {"source": "storage"}, "source"),
        (STORAGE_ROW, {"type": "com.example.other"}, "type"),
        (STORAGE_ROW, {"id": None}, "id"),
        (STORAGE_ROW, {"time": "never"}, "time"),
    ],
)
def test_each_fault_of_a_cloud_event_for_a_background_function_is_named(
    row: Row, change: dict[str, Any], field: str
) -> None:
    attributes = {k: v for k, v in {**cloud_event(row), **change}.items() if v is not None}
    for headers, body in (
        (binary(attributes), {}),
        ({"content-type": "application/cloudevents+json"}, attributes),
    ):
        error = refused(decode_background_event, body, headers)
        assert [each.field for each in error.errors] == [field]


@pytest.mark.parametrize("data", [None, [], "x", 5, {"message": 5}])
@pytest.mark.parametrize("row", BACK, ids=lambda row: row[0])
def test_odd_data_of_a_cloud_event_is_handed_on(row: Row, data: Any) -> None:
    given, _ = decode_background_event(binary(cloud_event(row)), as_json(data), "/")
    pubsub = row[0] == "google.pubsub.topic.publish"
    assert given == (5 if pubsub and data == {"message": 5} else data)


def test_base64_data_of_a_structured_event_is_json_for_a_background_function() -> None:
    encoded = base64.b64encode(as_json(MESSAGE_CE)).decode()
    attributes = cloud_event(PUBSUB_ROW)
    for value in (
        {**attributes, "data_base64": encoded},
        {**attributes, "specversion": "0.3", "datacontentencoding": "base64", "data": encoded},
    ):
        assert decode_background_event({}, as_json(value), "/")[0] == MESSAGE


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents-batch+json", "application/cloudevents+xml"]
)
def test_a_background_function_takes_no_batch(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        decode_background_event({"content-type": content_type}, b"[]", "/")
