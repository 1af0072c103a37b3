"""What delivery is made of: reading what arrived, the verdict, and what is remembered."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.errors import BadRequest, UnsupportedMediaType
from ffhost.events.incoming_events import read_events, reply_event
from ffhost.events.taken_deliveries import TakenEventDeliveries
from ffhost.events.verdicts import EventVerdict, event_retry_after, worst_event_status

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "order.made",
    "content-type": "application/json",
}
STRUCTURED = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.made"}


def test_a_binary_event_is_passed_on_as_it_came() -> None:
    (event,) = read_events({**BINARY, "ce-region": "eu"}, b'{"a": 1}').events
    assert event.attributes["region"] == "eu"
    assert event.body == b'{"a": 1}'
    assert event.key == ("/shop", "1")


def test_a_structured_event_keeps_the_types_of_its_attributes() -> None:
    body = json.dumps({**STRUCTURED, "urgent": True, "weight": 7}).encode()
    (event,) = read_events({"content-type": "application/cloudevents+json"}, body).events
    assert event.attributes["urgent"] is True
    assert event.attributes["weight"] == 7
    assert event.body == body


def test_the_events_of_a_batch_become_events_of_their_own() -> None:
    values = [{**STRUCTURED, "id": str(number), "data": number} for number in range(3)]
    headers = {
        "content-type": "application/cloudevents-batch+json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    received = read_events(headers, json.dumps(values).encode())
    assert received.is_batch
    assert [each.key for each in received.events] == [
        ("/shop", "0"),
        ("/shop", "1"),
        ("/shop", "2"),
    ]
    assert json.loads(received.events[2].body) == values[2]
    assert received.events[0].headers == {
        "content-type": "application/cloudevents+json",
        "traceparent": headers["traceparent"],
    }


def test_a_batch_with_a_faulty_event_is_refused_whole() -> None:
    body = json.dumps([STRUCTURED, {"id": "2"}]).encode()
    with pytest.raises(BadRequest) as caught:
        read_events({"content-type": "application/cloudevents-batch+json"}, body)
    assert [each.field for each in caught.value.errors] == [
        "[1].source",
        "[1].type",
        "[1].specversion",
    ]


def test_a_background_event_is_routed_by_the_attributes_of_its_cloud_event() -> None:
    body = json.dumps(
        {
            "data": {"bucket": "b"},
            "context": {
                "eventId": "7",
                "timestamp": "2026-01-01T00:00:00Z",
                "eventType": "google.storage.object.finalize",
                "resource": {
                    "service": "storage.googleapis.com",
                    "name": "projects/_/buckets/b/objects/o",
                    "type": "storage#object",
                },
            },
        }
    ).encode()
    (event,) = read_events({"content-type": "application/json"}, body).events
    assert event.attributes["type"] == "google.cloud.storage.object.v1.finalized"
    assert event.body == body


def test_a_push_message_names_its_topic_in_the_path() -> None:
    body = json.dumps({"subscription": "s", "message": {"messageId": "9", "data": "aGk="}}).encode()
    (event,) = read_events({}, body, "/events/projects/p/topics/t").events
    assert event.attributes["source"] == "//pubsub.googleapis.com/projects/p/topics/t"


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        ({}, b"{}", BadRequest),
        ({}, b"not json", BadRequest),
        ({"content-type": "application/cloudevents+xml"}, b"", UnsupportedMediaType),
        ({"content-type": "application/cloudevents-batch+json"}, b"{}", BadRequest),
        ({"ce-id": "1"}, b"", BadRequest),
    ],
)
def test_what_is_not_an_event_is_refused(
    headers: dict[str, str], body: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        read_events(headers, body)


def test_an_answer_is_an_event_only_if_it_says_so() -> None:
    assert (
        reply_event({"content-type": "application/json"}, json.dumps(STRUCTURED).encode()) is None
    )
    assert reply_event({"ce-id": "1"}, b"") is None
    event = reply_event(BINARY, b"{}")
    assert event is not None
    assert event.attributes["type"] == "order.made"


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ([], 204),
        ([204, 200], 204),
        ([204, 400], 400),
        ([400, 404], 404),
        ([404, 429], 429),
        ([403, 408, 409], 408),
        ([429, 500], 500),
        ([500, 504, 503], 504),
        ([422, 403], 422),
    ],
)
def test_the_worst_status_is_the_one_that_brings_the_event_again(
    statuses: list[int], worst: int
) -> None:
    assert worst_event_status(statuses) == worst


@given(st.lists(st.integers(200, 599), max_size=6))
def test_the_verdict_fails_exactly_when_a_function_did(statuses: list[int]) -> None:
    worst = worst_event_status(statuses)
    assert (worst == 204) is all(status < 300 for status in statuses)
    assert worst == 204 or worst in statuses


def test_the_longest_wait_is_told() -> None:
    verdicts = [
        EventVerdict("a", 429, "failed", retry_after="1"),
        EventVerdict("b", 429, "failed", retry_after="12"),
        EventVerdict("c", 503, "failed", retry_after="99"),
        EventVerdict("d", 429, "failed", retry_after="Fri, 27 Nov 2026 00:00:00 GMT"),
    ]
    assert event_retry_after(verdicts, 429) == {"Retry-After": "12"}
    assert event_retry_after(verdicts, 500) == {}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_taken_is_remembered_for_a_time() -> None:
    clock = Clock()
    remembered = TakenEventDeliveries(clock=clock)
    remembered.add("f", ("/s", "1"))
    clock.now = 600.0
    assert remembered.has("f", ("/s", "1"), 600)
    assert not remembered.has("g", ("/s", "1"), 600)
    assert not remembered.has("f", ("/s", "2"), 600)
    clock.now = 600.1
    assert not remembered.has("f", ("/s", "1"), 600)
    assert len(remembered) == 0


def test_what_is_remembered_is_bounded_in_number() -> None:
    remembered = TakenEventDeliveries(limit=3)
    for number in range(5):
        remembered.add("f", ("/s", str(number)))
    assert [remembered.has("f", ("/s", str(number)), 60) for number in range(5)] == [
        *(False, False),
        *(True, True, True),
    ]


def test_a_source_cannot_pass_for_another_with_a_part_of_its_id() -> None:
    remembered = TakenEventDeliveries()
    remembered.add("f", ("/s", "1"))
    assert not remembered.has("f", ("/s1", ""), 60)
