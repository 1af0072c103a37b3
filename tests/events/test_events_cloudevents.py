"""CloudEvents over HTTP: what a function gets, what the SDK makes of it, what is refused."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime, time
from typing import Annotated, Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http as new_http
from cloudevents.core.bindings import kafka as new_kafka
from cloudevents.core.v03.event import CloudEvent as NewEvent03
from cloudevents.core.v1.event import CloudEvent as NewEvent
from cloudevents.v1 import conversion as old_conversion
from cloudevents.v1 import http as old_http
from cloudevents.v1.abstract import CloudEvent as AnyOldEvent
from cloudevents.v1.http import CloudEvent as OldEvent
from cloudevents.v1.http import from_http
from cloudevents.v1.pydantic.v1 import CloudEvent as PydanticV1Event
from cloudevents.v1.pydantic.v2 import CloudEvent as PydanticV2Event

from ffhost import events
from ffhost.errors import BadRequest, FieldError, ResultError, UnsupportedMediaType
from ffhost.events.binding import CLOUD_EVENT_EXPECTED
from tests.events.decoders import make_event_decoder
from tests.installed import is_installed

TIME = "2018-04-05T17:31:00Z"
HEADERS = {
    "host": "localhost",
    "ce-id": "A234",
    "ce-source": "https://example.com/events",
    "ce-type": "com.example.someevent",
    "ce-specversion": "1.0",
    "ce-subject": "123",
    "ce-time": TIME,
    "ce-myextension": "more",
    "content-type": "application/json",
}
ATTRIBUTES = {
    "id": "A234",
    "source": "https://example.com/events",
    "type": "com.example.someevent",
    "specversion": "1.0",
    "subject": "123",
    "time": TIME,
    "myextension": "more",
    "datacontenttype": "application/json",
}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
MINIMAL = {"type": "t", "source": "s"}
DATA = {"message": "hi", "numbers": [1, 2.5, None]}


def binary(body: bytes = b"", **headers: str | None) -> Any:
    """Decode a binary event; ``ce_id=None`` leaves a header out."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {**HEADERS, **changed}
    return events.decode_cloud_event({k: v for k, v in merged.items() if v is not None}, body, "/")


def structured(**members: Any) -> Any:
    return events.decode_cloud_event(
        STRUCTURED, json.dumps({**ATTRIBUTES, **members}).encode(), "/"
    )


def refused(headers: dict[str, str], body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        events.decode_cloud_event(headers, body, "/")
    return caught.value


def in_version(version: str) -> Any:
    return structured(specversion=version, data=DATA)


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_binary_and_structured_mode_give_the_same_event(version: str) -> None:
    sent = binary(json.dumps(DATA).encode(), ce_specversion=version)
    assert sent == structured(specversion=version, data=DATA)
    assert sent.get_attributes() == {**ATTRIBUTES, "specversion": version}
    assert sent.data == DATA


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"a": 1}'),
        ("application/json", b"[1]"),
        ("application/json", b'"text"'),
        ("application/json", b'""'),
        ("application/json; charset=utf-8", b"null"),
        ("application/vnd.x+json", b'{"a": 1}'),
        ("application/json", b""),
        ("text/plain", b"hello"),
        ("text/plain", b"123"),
        ("text/plain", b'""'),
        ("text/plain", b""),
        ("application/octet-stream", b"\x00\xff"),
        ("application/x-www-form-urlencoded", b'{"a": 1}'),
        (None, b'{"a": 1}'),
        (None, b"hello"),
        (None, b"\xff"),
        (None, b'""'),
        (None, b""),
    ],
)
def test_data_is_what_each_generation_of_the_sdk_gives(
    content_type: str | None, body: bytes
) -> None:
    event = binary(body, content_type=content_type)
    headers = {k: v for k, v in {**HEADERS, "content-type": content_type}.items() if v is not None}
    assert event.data == from_http(headers, body).data
    theirs = new_http.from_binary_event(new_http.HTTPMessage(headers, body))
    json_is_assumed = content_type is not None or is_installed("cloudevents>=2.2")
    if json_is_assumed and (content_type != "application/vnd.x+json" or body):
        assert event.get_data() == theirs.get_data()
    assert binary(body, content_type=content_type).get("datacontenttype") == content_type


@pytest.mark.parametrize(
    "members",
    [
        {"data": DATA},
        {"data": ""},
        {"data": None},
        {"data": "text", "datacontenttype": "text/plain"},
        {"data_base64": base64.b64encode(b"\x00\xff").decode()},
        {"data_base64": base64.b64encode(b'{"a": 1}').decode()},
        {"data_base64": ""},
        {"specversion": "0.3", "data": "AP8=", "datacontentencoding": "base64"},
        {"specversion": "0.3", "data": "AP8=", "datacontentencoding": "Base64"},
        {"specversion": "0.3", "data": "AP8=", "datacontentencoding": "gzip"},
        {"specversion": "0.3", "data": "", "datacontentencoding": "base64"},
    ],
)
def test_structured_data_is_what_each_generation_of_the_sdk_gives(members: dict[str, Any]) -> None:
    body = json.dumps({**ATTRIBUTES, **members}).encode()
    event = structured(**members)
    old = from_http(STRUCTURED, body).data
    if members.get("datacontentencoding", "").lower() == "base64":
        old = base64.b64decode(old or "") or None  # the old SDK hands the text on
    assert event.data == old
    theirs = new_http.from_structured_event(new_http.HTTPMessage(STRUCTURED, body))
    assert event.get_data() == theirs.get_data()


def test_an_event_of_1_0_that_calls_itself_base64_has_an_extension_of_that_name() -> None:
    event = structured(data="AP8=", datacontentencoding="base64")
    assert (event.data, event.get_data()) == ("AP8=", "AP8=")
    assert event["datacontentencoding"] == "base64"
    assert structured(data="no base64", datacontentencoding="base64").data == "no base64"


@pytest.mark.parametrize(("version", "new_class"), [("1.0", NewEvent), ("0.3", NewEvent03)])
def test_the_event_is_an_instance_of_both_generations(version: str, new_class: type) -> None:
    event = in_version(version)
    assert isinstance(event, OldEvent)
    assert isinstance(event, AnyOldEvent)
    assert isinstance(event, new_class)
    assert isinstance(event, events.Event)


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_event_answers_both_generations(version: str) -> None:
    event = in_version(version)
    assert event["id"] == event.get("id") == event.get_id() == "A234"
    assert event["time"] == TIME
    assert event.get_time() == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert event.get("nothing") is None
    assert "myextension" in event
    assert event.get_extension("myextension") == "more"
    assert (event.get_source(), event.get_type(), event.get_subject()) == (
        "https://example.com/events",
        "com.example.someevent",
        "123",
    )
    assert event.get_specversion() == version
    assert event.get_datacontenttype() == "application/json"
    assert event.get_dataschema() is None
    event["myextension"] = "changed"
    del event["subject"]
    assert event.get_extension("myextension") == "changed"
    assert event.get_subject() is None


@pytest.mark.parametrize("annotation", [None, OldEvent, NewEvent])
@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize("data", [DATA, "text", b"\x00\xff", None])
def test_the_functions_of_both_generations_accept_the_event(
    annotation: Any, version: str, data: Any
) -> None:
    content_type = "application/json" if data is DATA else "application/octet-stream"
    body = json.dumps(data).encode() if data is DATA else (data or b"")
    body = body.encode() if isinstance(body, str) else body
    headers = {**HEADERS, "ce-specversion": version, "content-type": content_type}
    event: Any = make_event_decoder(annotation)(headers, body, "/")

    for parse, write in (
        (old_http.from_http, old_conversion.to_binary),
        (old_http.from_http, old_conversion.to_structured),
    ):
        written = parse(*write(event))
        assert written["id"] == "A234"
        assert written["time"] == TIME
    assert json.loads(old_conversion.to_json(event))["source"] == "https://example.com/events"
    assert old_conversion.to_dict(event)["myextension"] == "more"

    for bind in (
        new_http.to_binary_event,
        new_http.to_structured_event,
    ):
        message = bind(event)
        again = new_http.from_http_event(message)
        assert again.get_time() == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
        assert again.get_data() in (event.get_data(), data)
    assert new_kafka.to_structured_event(event).value
    assert new_kafka.to_binary_event(event).headers


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_deprecated_functions_of_the_old_sdk_accept_the_event() -> None:
    event = binary(json.dumps(DATA).encode())
    assert old_http.to_json(event)
    assert old_http.to_structured(event)[1]
    assert old_http.to_binary(event)[0]["ce-id"] == "A234"


def test_the_annotation_chooses_whose_attributes_are_given() -> None:
    body = json.dumps(DATA).encode()
    moment = datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    for annotation in (None, OldEvent, AnyOldEvent, events.Event, int):
        event: Any = make_event_decoder(annotation)(HEADERS, body, "/")
        assert event.get_attributes() == ATTRIBUTES
    for annotation in (
        NewEvent,
        NewEvent03,
        BaseCloudEvent,
        NewEvent | None,
        Annotated[NewEvent, 1],
    ):
        event = make_event_decoder(annotation)(HEADERS, body, "/")
        assert event.get_attributes() == {**ATTRIBUTES, "time": moment}
        assert NewEvent(event.get_attributes(), event.get_data()).get_id() == "A234"
        assert event["time"] == TIME


def test_an_old_annotation_chooses_the_old_data() -> None:
    headers = {**HEADERS, "content-type": "text/plain"}
    old: Any = make_event_decoder(OldEvent)(headers, b"text", "/")
    assert (old.data, old.get_data()) == (b"text", b"text")
    assert old_conversion.to_binary(old)[1] == b"text"
    assert (binary(b"text", content_type="text/plain").get_data()) == "text"


@pytest.mark.parametrize("model", [PydanticV1Event, PydanticV2Event])
def test_a_pydantic_annotation_gets_that_class(model: Any) -> None:
    decode = make_event_decoder(model)
    for event in (
        decode(HEADERS, json.dumps(DATA).encode(), "/"),
        decode(STRUCTURED, json.dumps({**ATTRIBUTES, "data": DATA}).encode(), "/"),
    ):
        assert type(event) is model
        assert event.data == DATA
        assert event.id == "A234"
        assert event["myextension"] == "more"
        assert events.encode_event(event).body == json.dumps(DATA, separators=(",", ":")).encode()


def test_a_subclass_of_an_sdk_class_gets_that_class() -> None:
    class Mine(OldEvent):
        pass

    class Newer(NewEvent):
        pass

    class Strict(PydanticV2Event):
        subject: int

    assert type(make_event_decoder(Mine)(HEADERS, b"{}", "/")) is Mine
    newer: Any = make_event_decoder(Newer)({**HEADERS, "ce-my-ext": "x"}, b"{}", "/")
    assert type(newer) is Newer
    assert newer.get_time() == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    with pytest.raises(BadRequest) as caught:
        make_event_decoder(Strict)({**HEADERS, "ce-subject": "no number"}, b"{}", "/")
    assert [each.field for each in caught.value.errors] == ["subject"]
    assert caught.value.detail.startswith("the event does not fit the class Strict; ")


def test_data_that_is_assigned_is_what_both_generations_give() -> None:
    event = binary(b"text", content_type="text/plain")
    event.data = {"new": True}
    assert event.get_data() == {"new": True}
    assert events.encode_event(event).body == b'{"new":true}'


def test_a_hundredth_of_a_second_in_the_data_is_written_as_one() -> None:
    at = time(0, 0, 0, 10000)
    event = NewEvent({"type": "t", "source": "/s", "id": "1"}, {"at": at, at: 1})
    assert events.encode_event(event).body == b'{"at":"00:00:00.010000","00:00:00.010000":1}'


def test_the_event_can_be_copied_and_pickled() -> None:
    event = binary(b"text", content_type="text/plain")
    for again in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert again == event
        assert again.get_data() == "text"


def test_a_time_is_only_made_up_for_those_who_ask_as_in_the_old_sdk() -> None:
    event = binary(ce_time=None)
    assert "time" not in event
    assert event.get("time") is None
    assert event.get_time() is None
    assert datetime.fromisoformat(event["time"]).tzinfo is UTC
    with pytest.raises(KeyError):
        event["dataschema"]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%41%e2%82%ac", "A€"),
        ("100%", "100%"),
        ('"quoted \\"value\\""', 'quoted "value"'),
        ('"', '"'),
        ("€".encode().decode("latin-1"), "€"),
        ("caf\xe9", "café"),
    ],
)
def test_header_values_are_decoded(sent: str, meant: str) -> None:
    assert binary(ce_subject=sent)["subject"] == meant


def test_percent_encoded_bytes_that_are_not_utf8_are_refused() -> None:
    error = refused({**HEADERS, "ce-subject": "%C0%A0"}, b"")
    assert error.errors == (FieldError("subject", "its percent-encoded bytes are not utf-8"),)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"ce-id": None}, ["id"]),
        ({"ce-source": None, "ce-type": None}, ["source", "type"]),
        ({"ce-specversion": None}, ["specversion"]),
        ({"ce-id": ""}, ["id"]),
        ({"ce-specversion": "0.2"}, ["specversion"]),
        ({"ce-time": "yesterday"}, ["time"]),
        ({"ce-time": "2018-13-05T17:31:00Z"}, ["time"]),
        ({"ce-id": None, "ce-time": "2018-04-05"}, ["id", "time"]),
        ({"content-type": "text/plain\r\nx: y"}, ["datacontenttype"]),
    ],
)
def test_each_wrong_attribute_of_a_binary_event_is_named(
    headers: dict[str, str | None], fields: list[str]
) -> None:
    sent = {k: v for k, v in {**HEADERS, **headers}.items() if v is not None}
    error = refused(sent, b"")
    assert [each.field for each in error.errors] == fields
    assert error.status == 400


def test_the_answer_says_what_is_wrong_and_what_is_expected() -> None:
    error = refused({"ce-specversion": "2.0", "ce-id": "1", "ce-source": "x"}, b"secret")
    assert (
        error.detail == f"the CloudEvent has faults in: type, specversion; {CLOUD_EVENT_EXPECTED}"
    )
    assert error.errors == (
        FieldError("type", "required, but missing: send it as the header 'ce-type'"),
        FieldError("specversion", "expected '1.0' or '0.3', got '2.0'"),
    )


@pytest.mark.parametrize(
    ("members", "faults"),
    [
        ({"id": None}, [("id", "required, but missing: it is not in the object")]),
        ({"id": 5}, [("id", "expected a string, got a number")]),
        ({"source": ""}, [("source", "must not be empty")]),
        ({"type": ["x"]}, [("type", "expected a string, got an array")]),
        ({"specversion": 1.0}, [("specversion", "expected a string, got a number")]),
        ({"time": 5}, [("time", "expected a string, got a number")]),
        ({"time": "now"}, [("time", "expected an RFC 3339 time")]),
        ({"subject": {}}, [("subject", "expected a string, got an object")]),
        (
            {"datacontenttype": "a\nb"},
            [("datacontenttype", "expected a media type in printable ascii")],
        ),
        ({"data_base64": "###"}, [("data_base64", "not base64 (RFC 4648, section 4)")]),
        ({"data_base64": "YQ="}, [("data_base64", "not base64 (RFC 4648, section 4)")]),
        ({"data_base64": "é"}, [("data_base64", "not base64 (RFC 4648, section 4)")]),
        ({"data_base64": 1}, [("data_base64", "expected a base64 string, got a number")]),
        (
            {"data": 1, "data_base64": "YQ=="},
            [("data_base64", "give either 'data' or 'data_base64'")],
        ),
        (
            {"specversion": "0.3", "data": "#", "datacontentencoding": "base64"},
            [("data", "not base64 (RFC 4648, section 4)")],
        ),
    ],
)
def test_each_wrong_member_of_a_structured_event_is_named(
    members: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    error = refused(STRUCTURED, json.dumps({**ATTRIBUTES, **members}).encode())
    assert [(each.field, each.message) for each in error.errors] == faults


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "expected JSON, got nothing"),
        (b"{", "expected JSON, got bytes that are not JSON"),
        (b"\xff\xfe", "expected JSON, got bytes that are not JSON"),
        ("[]".encode("utf-16"), "expected an object, got an array"),
        (b"NaN", "expected an object, got a number"),
        (b"[" * 100_000, "expected JSON, got bytes that are not JSON"),
        (b"9" * 10_000, "expected JSON, got bytes that are not JSON"),
        (b"[]", "expected an object, got an array"),
        (b"null", "expected an object, got null"),
        (b"true", "expected an object, got a boolean"),
        (b'"x"', "expected an object, got a string"),
    ],
)
@pytest.mark.parametrize("headers", [STRUCTURED, {"content-type": "application/json"}, {}])
def test_a_body_that_is_no_json_object_is_refused(
    headers: dict[str, str], body: bytes, message: str
) -> None:
    assert refused(headers, body).errors == (FieldError("body", message),)


@pytest.mark.parametrize("body", [b"{", b"hello", b"\xff", b"'a'", b"\xef\xbb\xbf", b" "])
def test_malformed_json_under_a_json_content_type_is_refused(body: bytes) -> None:
    error = refused(HEADERS, body)
    assert error.errors == (
        FieldError("data", "the content type says JSON, but the body is not JSON"),
    )


def test_a_request_without_any_event_names_the_required_attributes() -> None:
    error = refused({"content-type": "application/json"}, b'{"hello": "world"}')
    assert [each.field for each in error.errors] == ["id", "source", "type", "specversion"]
    assert error.detail == f"the request holds no event; {CLOUD_EVENT_EXPECTED}"


def test_a_structured_event_is_found_without_its_content_type() -> None:
    body = json.dumps({**ATTRIBUTES, "data": DATA}).encode()
    for headers in ({"content-type": "application/json"}, {}):
        assert events.decode_cloud_event(headers, body) == structured(data=DATA)


def test_whole_numbers_are_exact_at_any_length() -> None:
    assert binary(b"[123456789012345678901234567890]").data == [123456789012345678901234567890]


def test_a_byte_order_mark_is_tolerated() -> None:
    assert binary(b'\xef\xbb\xbf{"a": 1}').data == {"a": 1}


def test_stray_names_do_not_cost_the_event() -> None:
    event = binary(ce_my_ext="x", ce_data="y", ce_extensions="z")
    assert event["my-ext"] == "x"
    assert "data" not in event
    assert "extensions" not in event
    assert old_conversion.to_json(event)
    assert new_http.to_structured_event(event)
    assert (
        "my-ext"
        not in make_event_decoder(NewEvent)(
            {**HEADERS, "ce-my-ext": "x"}, b"", "/"
        ).get_attributes()
    )
    assert structured(**{"bad name\n": 1, "Upper": "case"}).get("upper") == "case"


@pytest.mark.parametrize(
    "time", ["2018-04-05T17:31:00", "2018-04-05 17:31:00", "2018-04-05t17:31:00z"]
)
def test_a_time_in_loose_form_is_kept_as_sent_and_read_as_utc(time: str) -> None:
    event = binary(ce_time=time)
    assert event["time"] == time
    assert event.get_time() == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert make_event_decoder(NewEvent)({**HEADERS, "ce-time": time}, b"", "/")


def test_a_leap_second_is_a_time() -> None:
    event = binary(ce_time="2016-12-31T23:59:60Z")
    assert event.get_time() == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_trace_of_the_request_becomes_that_of_an_event_without_one() -> None:
    trace = {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
    for event in (
        binary(**trace),
        events.decode_cloud_event({**STRUCTURED, **trace}, json.dumps(ATTRIBUTES).encode()),
        events.decode_cloud_event({**BATCH, **trace}, json.dumps([ATTRIBUTES]).encode())[0],
    ):
        assert (event["traceparent"], event["tracestate"]) == (TRACEPARENT, "vendor=1")


def test_the_trace_of_the_event_is_kept() -> None:
    event = binary(ce_traceparent="own", traceparent=TRACEPARENT, tracestate="vendor=1")
    assert event["traceparent"] == "own"
    assert "tracestate" not in event


def test_a_malformed_trace_is_ignored() -> None:
    assert "traceparent" not in binary(traceparent="00-nonsense")


def test_a_batch_gives_its_events_in_order() -> None:
    values = [{**ATTRIBUTES, "id": str(n), "data": n} for n in range(3)]
    batch = events.decode_cloud_event(BATCH, json.dumps(values).encode(), "/")
    assert isinstance(batch, events.EventBatch)
    assert [(event["id"], event.data) for event in batch] == [("0", 0), ("1", 1), ("2", 2)]
    assert events.decode_cloud_event(BATCH, b"[]", "/") == events.EventBatch()


def test_faults_of_a_batch_name_the_event() -> None:
    values = [ATTRIBUTES, {**ATTRIBUTES, "id": None}, 5]
    error = refused(BATCH, json.dumps(values).encode())
    assert error.errors == (
        FieldError("[1].id", "required, but missing: it is not in the object"),
        FieldError("[2].body", "expected an object, got a number"),
    )
    assert refused(BATCH, b"{}").errors == (FieldError("body", "expected an array, got an object"),)


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents+xml", "application/cloudevents-batch+avro"]
)
def test_an_unknown_event_format_is_415(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        events.decode_cloud_event({**HEADERS, "content-type": content_type}, b"", "/")


def reply_of(event: object) -> tuple[dict[str, str], bytes]:
    reply = events.encode_event(event)
    assert reply.status == 200
    return dict(reply.headers), reply.body


@pytest.mark.parametrize(
    "event",
    [
        OldEvent({**ATTRIBUTES}, DATA),
        NewEvent({**ATTRIBUTES, "time": datetime(2018, 4, 5, 17, 31, tzinfo=UTC)}, DATA),
        PydanticV1Event({**ATTRIBUTES}, DATA),
        PydanticV2Event({**ATTRIBUTES}, DATA),
        binary(json.dumps(DATA).encode()),
        structured(data=DATA),
    ],
    ids=["old", "new", "pydantic v1", "pydantic v2", "binary", "structured"],
)
def test_an_event_of_every_class_is_written_as_the_same_reply(event: object) -> None:
    headers, body = reply_of(event)
    moment = datetime.fromisoformat(headers.pop("ce-time"))
    assert moment == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert headers == {
        "ce-id": "A234",
        "ce-source": "https://example.com/events",
        "ce-type": "com.example.someevent",
        "ce-specversion": "1.0",
        "ce-subject": "123",
        "ce-myextension": "more",
        "content-type": "application/json",
    }
    assert json.loads(body) == DATA


def test_attributes_are_written_in_their_canonical_form() -> None:
    event = OldEvent(
        {**ATTRIBUTES, "subject": 'Euro € "%"', "flag": True, "count": 5, "bin": b"\x00"}, None
    )
    headers, body = reply_of(event)
    assert headers["ce-subject"] == "Euro%20%E2%82%AC%20%22%25%22"
    assert (headers["ce-flag"], headers["ce-count"], headers["ce-bin"]) == ("true", "5", "AA==")
    assert body == b""


@pytest.mark.parametrize(
    ("event", "content_type", "body"),
    [
        (OldEvent({**MINIMAL}, {"a": 1}), "application/json", b'{"a":1}'),
        (OldEvent({**MINIMAL}, "x"), "application/json", b'"x"'),
        (OldEvent({**MINIMAL}, 10**30), "application/json", b"1" + b"0" * 30),
        (OldEvent({**MINIMAL, "datacontenttype": "text/plain"}, "x"), "text/plain", b"x"),
        (OldEvent({**MINIMAL}, b"x"), None, b"x"),
        (NewEvent({**MINIMAL, "datacontenttype": "text/json"}, "[1]"), "text/json", b"[1]"),
        (NewEvent({**MINIMAL}, "x"), None, b"x"),
    ],
)
def test_data_is_written_as_its_content_type_says(
    event: object, content_type: str | None, body: bytes
) -> None:
    headers, written = reply_of(event)
    assert (headers.get("content-type"), written) == (content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"hello"),
        ("text/plain", b"123"),
        ("application/octet-stream", b'\xff\x00{"a": 1}'),
        ("application/x-www-form-urlencoded", b'{ "a": 1 }'),
        ("application/json", b'""'),
        (None, b'{ "a": 1 }'),
        (None, b"hello"),
    ],
)
def test_an_event_that_is_passed_on_is_the_event_that_came(
    content_type: str | None, body: bytes
) -> None:
    headers, written = reply_of(binary(body, content_type=content_type))
    assert written == body
    expected = {**HEADERS, "content-type": content_type}
    del expected["host"]
    assert headers == {name: value for name, value in expected.items() if value is not None}


def test_data_changed_in_place_is_written_as_it_is_now() -> None:
    event = binary(b'{"a": 1}', content_type=None)
    event.data["b"] = 2
    assert reply_of(event)[1] == b'{"a":1,"b":2}'


def test_base64_of_0_3_is_written_as_the_bytes_that_it_means() -> None:
    event = structured(specversion="0.3", data="AP8=", datacontentencoding="base64")
    headers, body = reply_of(event)
    assert body == b"\x00\xff"
    assert "ce-datacontentencoding" not in headers


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "text",
            "expected None or a CloudEvent, got 'str'; "
            "a cloudevent function returns nothing, or the event that is its reply",
        ),
        (
            OldEvent({**MINIMAL, "bad\r\nname": "x"}),
            "'bad\\r\\nname' cannot be an attribute of a CloudEvent",
        ),
        (
            OldEvent({**MINIMAL, "datacontenttype": "a\r\nb"}),
            "the datacontenttype of the CloudEvent that was returned is not a media type",
        ),
        (OldEvent({"type": "", "source": "s"}), "the CloudEvent that was returned has no 'type'"),
        (
            OldEvent({**MINIMAL}, object()),
            "the data of the CloudEvent cannot be written as JSON: "
            "Type is not JSON serializable: object",
        ),
    ],
)
def test_what_cannot_be_a_reply_is_the_functions_fault(value: object, message: str) -> None:
    with pytest.raises(ResultError) as caught:
        events.encode_event(value)
    assert str(caught.value) == message


def test_the_replies_of_a_batch_are_a_batch() -> None:
    replies = [
        structured(data=DATA),
        None,
        structured(data_base64="AP8="),
        structured(specversion="0.3", data="AP8=", datacontentencoding="base64"),
        binary(b"text", content_type="text/plain"),
        NewEvent({"id": "n", "type": "t", "source": "s", "time": datetime(2020, 1, 1, tzinfo=UTC)}),
    ]
    reply = events.encode_event_batch(replies)
    assert (reply.status, reply.headers) == (200, [("content-type", BATCH["content-type"])])
    again: Any = events.decode_cloud_event(BATCH, reply.body, "/")
    assert [event.get_data() for event in again] == [DATA, b"\x00\xff", b"\x00\xff", "text", None]
    assert again[:3] == tuple(each for each in replies[:4] if each is not None)
    assert again[4]["time"] == "2020-01-01T00:00:00Z"
    assert events.encode_event_batch([None]).status == 204


def test_events_are_told_from_other_values() -> None:
    assert events.is_cloud_event(OldEvent({**MINIMAL}))
    assert events.is_cloud_event(NewEvent({**MINIMAL}))
    assert events.is_cloud_event(binary())
    assert not events.is_cloud_event({"type": "t"})
    assert not events.is_cloud_event(None)


def test_background_functions_do_not_pay_for_the_sdk() -> None:
    code = (
        "import sys, ffhost.events as e; from ffhost.web.messages import Message; "
        "e.decode_background_event(Message('POST', '/', body=b'{\"data\": 1}')); "
        "sys.exit('cloudevents' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
