"""Events from the upload to the last function, as they go through the host."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ffhost.testing import Client, make_cloud_event, pubsub_push, storage_event


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[Any, Any]]:
    return sorted(
        (vars(each)["type"], vars(each)["subject"])
        for each in caplog.records
        if each.getMessage() == "told"
    )


def test_a_picture_is_made_small_and_indexed_and_both_are_told(
    ffhost_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    upload = storage_event("photos", "cat.png", data={"size": "120"}, event_id="42")
    assert ffhost_client.send("/events", upload).status == 204
    assert told(caplog) == [
        ("com.example.file.indexed", "cat.png"),
        ("com.example.thumbnail.made", "cat.png"),
    ]


def test_other_files_are_only_indexed(
    ffhost_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert ffhost_client.send("/events", storage_event("photos", "notes.txt")).status == 204
    assert told(caplog) == [("com.example.file.indexed", "notes.txt")]


def test_the_upload_in_the_readme_is_taken(ffhost_client: Client) -> None:
    body = (Path(__file__).parents[1] / "upload.json").read_bytes()
    answer = ffhost_client.send("/events", ({"content-type": "application/json"}, body))
    assert answer.status == 204


def test_a_message_of_pubsub_is_told_as_well(
    ffhost_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert ffhost_client.send("/events", pubsub_push("hello")).status == 204
    assert len(told(caplog)) == 1


def test_what_is_no_event_is_the_senders_mistake(ffhost_client: Client) -> None:
    nonsense = ({"content-type": "application/json"}, b'{"hello": "world"}')
    assert ffhost_client.send("/events", nonsense).status == 400


def test_an_event_that_nobody_wants_is_taken(ffhost_client: Client) -> None:
    unknown = make_cloud_event(type="com.example.unknown", source="/test")
    assert ffhost_client.send("/events", unknown).status == 204
