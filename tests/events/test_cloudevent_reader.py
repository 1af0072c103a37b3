"""How a request carries its event, and which attributes and data are read from it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from ffhost.errors import FieldError
from ffhost.events.cloudevent_reader import (
    EventPayload,
    MalformedEvent,
    decode_event_header,
    event_json_or_bytes,
    event_mode_of,
    event_with_trace_attributes,
    parse_event_body,
    read_binary_event,
    read_event_object,
    read_structured_event,
)

REQUIRED = {"id": "1", "source": "s", "type": "t", "specversion": "1.0"}
HEADERS = {f"ce-{name}": value for name, value in REQUIRED.items()}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("headers", "mode"),
    [
        ({"content-type": "application/cloudevents+json"}, "structured"),
        ({"content-type": "Application/CloudEvents+JSON ; charset=utf-8"}, "structured"),
        ({"content-type": "application/cloudevents"}, "structured"),
        ({"content-type": "application/cloudevents-batch+json"}, "batch"),
        ({"content-type": "application/cloudevents+xml"}, "unknown"),
        ({"content-type": "application/cloudevents-batch"}, "unknown"),
        ({"content-type": "application/cloudevents+json", **HEADERS}, "structured"),
        ({"content-type": "application/json", **HEADERS}, "binary"),
        ({"ce-specversion": "1.0"}, "binary"),
        ({"ce-id": "1"}, "binary"),
        ({"ce-type": "t"}, "binary"),
        ({"ce-source": "s", "ce-eventid": "1"}, "binary"),
        ({"ce-eventid": "1"}, "draft"),
        ({"ce-eventtype": "t"}, "draft"),
        ({"ce-subject": "s"}, "json"),
        ({"content-type": "application/json"}, "json"),
        ({"content-type": "application/cloudevent"}, "json"),
        ({}, "json"),
    ],
)
def test_headers_tell_how_a_request_carries_its_event(headers: dict[str, str], mode: str) -> None:
    assert event_mode_of(headers) == mode


def attributes_of(**members: Any) -> dict[str, Any]:
    """Give the attributes of a structured event beside those that it must have."""
    read = read_structured_event({**REQUIRED, **members})[0]
    assert REQUIRED.items() <= read.items()
    return {name: value for name, value in read.items() if name not in REQUIRED}


@pytest.mark.parametrize(
    ("members", "attributes"),
    [
        ({"myext": 5, "flag": False}, {"myext": 5, "flag": False}),
        ({"myext": None}, {}),
        ({"data": 1}, {}),
        ({"data_base64": "YQ=="}, {}),
        ({"Subject": "s"}, {"subject": "s"}),
        ({"subject": "lower", "Subject": "upper"}, {"subject": "lower"}),
        ({"Subject": "upper", "subject": "lower"}, {"subject": "lower"}),
        ({"ID": "other"}, {}),
        ({"datacontenttype": ""}, {}),
        ({"datacontenttype": "text/plain"}, {"datacontenttype": "text/plain"}),
        (
            {"my-ext": "a", "my_ext": "b", "a.b~c": "c"},
            {"my-ext": "a", "my_ext": "b", "a.b~c": "c"},
        ),
        ({"two words": "a", "": "b", "é": "c", "a\n": "d", "a/b": "e"}, {}),
        ({"two words": "a"}, {}),
        ({"é": "c"}, {}),
        ({"extensions": {"a": 1}}, {}),
        ({"DATA": 1, "Data_Base64": 1}, {}),
    ],
)
def test_members_become_attributes_if_they_can_be_some(
    members: dict[str, Any], attributes: dict[str, Any]
) -> None:
    assert attributes_of(**members) == attributes


@pytest.mark.parametrize("name", ["Id", "SOURCE", "Type", "specVersion"])
def test_a_required_attribute_is_written_in_lower_case(name: str) -> None:
    members = {key: value for key, value in REQUIRED.items() if key != name.lower()}
    with pytest.raises(MalformedEvent) as caught:
        read_structured_event({**members, name: "1.0"})
    assert caught.value.fields == (
        FieldError(name.lower(), "required, but missing: it is not in the object"),
    )
    assert caught.value.problem == str(caught.value)
    assert caught.value.problem == f"the CloudEvent has faults in: {name.lower()}"


def faults(**members: Any) -> list[tuple[str, str]]:
    with pytest.raises(MalformedEvent) as caught:
        read_structured_event({**REQUIRED, **members})
    return [(each.field, each.message) for each in caught.value.fields]


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "required, but missing: it is not in the object"),
        ("", "must not be empty"),
        (5, "expected a string, got a number"),
        (["1"], "expected a string, got an array"),
    ],
)
def test_each_required_attribute_is_a_text(name: str, value: Any, message: str) -> None:
    assert faults(**{name: value}) == [(name, message)]


@pytest.mark.parametrize("version", ["1", "1.1", "0.2", "1.0 "])
def test_versions_that_are_not_known_are_refused(version: str) -> None:
    assert faults(specversion=version) == [
        ("specversion", f"expected '1.0' or '0.3', got {version!r}")
    ]


@pytest.mark.parametrize(
    "name",
    ["time", "datacontenttype", "subject", "dataschema", "schemaurl", "datacontentencoding"],
)
def test_attributes_of_the_specification_are_texts(name: str) -> None:
    assert faults(**{name: 5}) == [(name, "expected a string, got a number")]
    assert faults(id="", **{name: True})[1] == (name, "expected a string, got a boolean")


def test_a_time_is_one_of_rfc_3339() -> None:
    assert faults(time="now") == [("time", "expected an RFC 3339 time")]
    assert attributes_of(time="2018-04-05T17:31:00Z") == {"time": "2018-04-05T17:31:00Z"}


def test_all_faults_of_an_event_are_named_together() -> None:
    with pytest.raises(MalformedEvent, match="the CloudEvent has faults in: id, source, time"):
        read_structured_event({**REQUIRED, "id": "", "source": 5, "time": "now"})


@pytest.mark.parametrize("value", ["a\nb", "a\x7f", "é"])
def test_a_content_type_that_would_break_a_header_is_refused(value: str) -> None:
    assert faults(datacontenttype=value) == [
        ("datacontenttype", "expected a media type in printable ascii")
    ]


@pytest.mark.parametrize("value", [[], "text", 1, None])
def test_an_event_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(MalformedEvent, match="the CloudEvent is not a JSON object") as caught:
        read_structured_event(value)
    assert str(caught.value) == "the CloudEvent is not a JSON object"
    assert caught.value.fields[0].field == "body"
    assert caught.value.fields[0].message.startswith("expected an object, got ")


@pytest.mark.parametrize(
    ("body", "problem", "message"),
    [
        (b"[]", "the body is not a JSON object", "expected an object, got an array"),
        (b"", "the body is not JSON", "expected JSON, got nothing"),
        (b"{", "the body is not JSON", "expected JSON, got bytes that are not JSON"),
    ],
)
def test_a_body_that_is_no_json_object_says_what_it_is(
    body: bytes, problem: str, message: str
) -> None:
    with pytest.raises(MalformedEvent) as caught:
        read_event_object(body)
    assert (str(caught.value), caught.value.fields) == (problem, (FieldError("body", message),))


def test_json_of_any_kind_is_parsed() -> None:
    assert read_event_object(b'{"a": 1}') == {"a": 1}
    assert parse_event_body(b"[1]") == [1]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("plain", "plain"),
        ('"quoted"', "quoted"),
        ('"a \\" and \\\\ b"', 'a " and \\ b'),
        ('""', ""),
        ('"', '"'),
        ('"open', '"open'),
        ('closed"', 'closed"'),
        ("%22not quoted%22", '"not quoted"'),
        ('"%E2%82%AC"', "€"),
        ("%2541", "%41"),
        ("\xe2\x82\xac", "€"),  # raw bytes as latin-1
        ("\xe9", "é"),  # which are not UTF-8
        ("€", "€"),
        ("100%", "100%"),
    ],
)
def test_a_header_value_is_unquoted_and_then_decoded_once(sent: str, meant: str) -> None:
    assert decode_event_header("x", sent) == meant
    assert read_binary_event({**HEADERS, "ce-x": sent}, b"")[0]["x"] == meant


def test_a_header_value_that_cannot_be_decoded_is_named() -> None:
    with pytest.raises(MalformedEvent) as caught:
        read_binary_event({**HEADERS, "ce-x": "%FF"}, b"")
    assert str(caught.value) == "the header 'ce-x' cannot be decoded"
    assert caught.value.fields == (FieldError("x", "its percent-encoded bytes are not utf-8"),)


def test_a_binary_event_says_its_content_type_in_the_header_of_http() -> None:
    headers = {**HEADERS, "content-type": "text/plain", "x-other": "1", "ce-": "none"}
    assert read_binary_event(headers, b"")[0] == {**REQUIRED, "datacontenttype": "text/plain"}
    assert "datacontenttype" not in read_binary_event({**HEADERS, "content-type": ""}, b"")[0]
    with pytest.raises(MalformedEvent) as caught:
        read_binary_event({"ce-id": "1"}, b"")
    assert caught.value.fields[0] == FieldError(
        "source", "required, but missing: send it as the header 'ce-source'"
    )


def data_of(read: tuple[Any, Any, EventPayload | None]) -> tuple[Any, Any]:
    """Give the data as the old and as the new SDK have it."""
    _, data, payload = read
    if payload is None:
        return data, data
    assert payload.old is data or payload.old == data
    return data, payload.new


@pytest.mark.parametrize(
    ("body", "content_type", "old", "new"),
    [
        (b"", None, None, None),
        (b"", "application/json", None, None),
        (b'{"a": 1}', "application/json", {"a": 1}, {"a": 1}),
        (b'""', "application/json", None, ""),
        (b'{"a": 1}', None, {"a": 1}, {"a": 1}),
        (b'""', None, None, ""),
        (b"text", None, b"text", "text"),
        (b"\xff", None, b"\xff", b"\xff"),
        (b"text", "text/plain", b"text", "text"),
        (b'{"a": 1}', "text/plain", {"a": 1}, '{"a": 1}'),
        (b"\xff", "application/octet-stream", b"\xff", b"\xff"),
    ],
)
def test_the_body_of_a_binary_event_is_its_data(
    body: bytes, content_type: str | None, old: Any, new: Any
) -> None:
    headers = HEADERS if content_type is None else {**HEADERS, "content-type": content_type}
    assert data_of(read_binary_event(headers, body)) == (old, new)


def test_a_body_that_is_not_the_json_that_it_claims_to_be_is_refused() -> None:
    with pytest.raises(MalformedEvent) as caught:
        read_binary_event({**HEADERS, "content-type": "application/x+json"}, b"{")
    assert str(caught.value) == "the data of the CloudEvent is not JSON"
    assert caught.value.fields == (
        FieldError("data", "the content type says JSON, but the body is not JSON"),
    )


@pytest.mark.parametrize(
    ("members", "old", "new"),
    [
        ({}, None, None),
        ({"data": None}, None, None),
        ({"data": 0}, 0, 0),
        ({"data": ""}, None, ""),
        ({"data": "text"}, "text", "text"),
        ({"data": {"a": 1}, "data_base64": None}, {"a": 1}, {"a": 1}),
        ({"data": None, "data_base64": "YQ=="}, b"a", b"a"),
        ({"data_base64": ""}, None, b""),
        ({"data_base64": "MQ=="}, 1, b"1"),
        ({"data": "YQ==", "datacontentencoding": "base64"}, "YQ==", "YQ=="),
        ({"specversion": "0.3", "data": "YQ==", "datacontentencoding": "BASE64"}, b"a", b"a"),
        ({"specversion": "0.3", "data": "MQ==", "datacontentencoding": "base64"}, 1, b"1"),
        ({"specversion": "0.3", "data": "", "datacontentencoding": "base64"}, None, b""),
        ({"specversion": "0.3", "data": None, "datacontentencoding": "base64"}, None, None),
        ({"specversion": "0.3", "data": "YQ=="}, "YQ==", "YQ=="),
    ],
)
def test_the_data_of_a_structured_event_is_what_its_members_say(
    members: dict[str, Any], old: Any, new: Any
) -> None:
    assert data_of(read_structured_event({**REQUIRED, **members})) == (old, new)


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [(None, b'""'), ("application/json", b'""'), ("text/plain", b"")],
)
def test_an_empty_text_is_passed_on_in_the_form_of_its_content_type(
    content_type: str | None, raw: bytes
) -> None:
    payload = read_structured_event({**REQUIRED, "data": "", "datacontenttype": content_type})[2]
    assert payload is not None
    assert payload.raw == raw


@pytest.mark.parametrize(
    ("members", "problem", "fault"),
    [
        (
            {"data": 0, "data_base64": "YQ=="},
            "the CloudEvent has its data twice",
            ("data_base64", "give either 'data' or 'data_base64'"),
        ),
        (
            {"data_base64": 5},
            "the data of the CloudEvent cannot be decoded",
            ("data_base64", "expected a base64 string, got a number"),
        ),
        (
            {"specversion": "0.3", "data": "#", "datacontentencoding": "base64"},
            "the data of the CloudEvent cannot be decoded",
            ("data", "not base64 (RFC 4648, section 4)"),
        ),
    ],
)
def test_data_that_cannot_be_read_is_refused(
    members: dict[str, Any], problem: str, fault: tuple[str, str]
) -> None:
    with pytest.raises(MalformedEvent) as caught:
        read_structured_event({**REQUIRED, **members})
    assert (str(caught.value), caught.value.fields) == (problem, (FieldError(*fault),))


def test_bytes_are_json_if_they_can_be_and_nothing_if_they_are_empty() -> None:
    assert event_json_or_bytes(b"[1]") == [1]
    assert event_json_or_bytes(b"{") == b"{"
    assert (
        event_json_or_bytes(b"")
        is event_json_or_bytes(b'""')
        is event_json_or_bytes(b"null")
        is None
    )


def test_a_payload_survives_pickling_also_before_it_was_looked_at() -> None:
    for raw, new in ((b"text", "text"), (b"\xff", b"\xff")):
        loaded = pickle.loads(pickle.dumps(EventPayload("old", raw)))
        assert (loaded.old, loaded.raw, loaded.new) == ("old", raw, new)
    loaded = pickle.loads(pickle.dumps(EventPayload(None, b'""', None)))
    assert loaded.new is None


@pytest.mark.parametrize(
    ("attributes", "headers", "traced"),
    [
        ({}, {}, {}),
        ({}, {"tracestate": "a=1"}, {}),
        ({}, {"traceparent": TRACEPARENT}, {"traceparent": TRACEPARENT}),
        (
            {},
            {"traceparent": TRACEPARENT, "tracestate": "a=1"},
            {"traceparent": TRACEPARENT, "tracestate": "a=1"},
        ),
        ({}, {"traceparent": TRACEPARENT, "tracestate": ""}, {"traceparent": TRACEPARENT}),
        ({}, {"traceparent": TRACEPARENT + "-x"}, {"traceparent": TRACEPARENT + "-x"}),
        ({}, {"traceparent": "nonsense", "tracestate": "a=1"}, {}),
        ({}, {"traceparent": TRACEPARENT.upper(), "tracestate": "a=1"}, {}),
        (
            {"traceparent": "own"},
            {"traceparent": TRACEPARENT, "tracestate": "a=1"},
            {"traceparent": "own"},
        ),
    ],
)
def test_an_event_without_a_trace_gets_that_of_its_request(
    attributes: dict[str, str], headers: dict[str, str], traced: dict[str, str]
) -> None:
    event_with_trace_attributes(attributes, headers)
    assert attributes == traced


def test_an_event_that_was_written_as_json_reads_the_same() -> None:
    members = {**REQUIRED, "subject": "é", "data": {"a": [1, None]}}
    attributes, data, payload = read_structured_event(json.loads(json.dumps(members)))
    assert (attributes, data, payload) == ({**REQUIRED, "subject": "é"}, {"a": [1, None]}, None)
