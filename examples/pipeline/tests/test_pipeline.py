"""Events from the upload to the last function, as a broker would pass them on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.testing import Client, make_cloud_event, pubsub_event, pubsub_push, storage_event


def test_an_upload_becomes_a_report_that_the_next_function_takes(ffhost_client: Client) -> None:
    upload = storage_event("reports", "may.csv", data={"size": "120"}, event_id="42")
    reply = ffhost_client.send("/events/upload", upload)
    assert reply.status == 200
    assert reply.headers["ce-id"] == "report-42"
    assert reply.json() == {"bucket": "reports", "name": "may.csv", "size_bytes": 120}
    passed_on = {
        name: value
        for name, value in reply.headers.items()
        if name.startswith("ce-") or name == "content-type"
    }
    assert ffhost_client.send("/events/report", (passed_on, reply.body)).status == 204


def test_the_upload_in_the_readme_is_taken(ffhost_client: Client) -> None:
    body = (Path(__file__).parents[1] / "upload.json").read_bytes()
    answer = ffhost_client.send("/events/upload", ({"content-type": "application/json"}, body))
    assert answer.headers["ce-subject"] == "may.csv"


def test_files_of_other_kinds_end_the_pipeline(ffhost_client: Client) -> None:
    assert ffhost_client.send("/events/upload", storage_event("reports", "cat.png")).status == 204


@pytest.mark.parametrize("build", [pubsub_push, pubsub_event])
def test_a_message_is_taken_in_each_form(ffhost_client: Client, build: object) -> None:
    assert callable(build)
    event = build("hello", attributes={"kind": "note"})
    assert ffhost_client.send("/events/message", event).status == 204


def test_what_is_no_event_is_the_senders_mistake(ffhost_client: Client) -> None:
    nonsense = ({"content-type": "application/json"}, b'{"hello": "world"}')
    for path in ("/events/upload", "/events/message"):
        assert ffhost_client.send(path, nonsense).status == 400
    no_type = make_cloud_event(type="com.example.unknown", source="/test")
    assert ffhost_client.send("/events/message", no_type).status == 400
