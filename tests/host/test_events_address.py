"""The address for events, on both fronts: who is called, and what the sender is told."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from ffhost.errors import ConfigError
from ffhost.testing import client, make_cloud_event, pubsub_push
from tests.conftest import Serve

CODE = """
import asyncio, time
from pathlib import Path
import ffhost
from cloudevents.http import CloudEvent

FOLDER = Path(__file__).parent

def called(name, event):
    with (FOLDER / "called").open("a") as file:
        file.write(f"{name} {event['id']}\\n")
    if (FOLDER / f"{name} fails").exists():
        raise ValueError("as told")

@ffhost.cloud_event
def shrink(event):
    called("shrink", event)
    attributes = {"type": "image.small", "source": "/shrink", "id": event["id"]}
    return CloudEvent(attributes, {"of": event.data})

@ffhost.cloud_event
async def index(event):
    called("index", event)

@ffhost.cloud_event
def notify(event):
    called("notify", event)

@ffhost.cloud_event
def slow(event):
    called("slow", event)
    try:
        time.sleep(5)
    except BaseException:
        time.sleep(1)

@ffhost.event
def legacy(data, context):
    called("legacy", {"id": context.event_id})

def page(request):
    return "page"
"""
CONFIG = """
events: {allow_origins: [sender.example]}
server: {max_body_size: 1KiB}
functions:
  shrink: {target: main.py:shrink, subscriptions: [{filters: [{exact: {type: image.new}}]}]}
  index:
    target: main.py:index
    subscriptions: [{filters: [{prefix: {type: image.}}]}]
  notify:
    target: main.py:notify
    subscriptions: [{filters: [{sql: "type = 'image.small' AND source = '/shrink'"}]}]
  page: {target: main.py:page}
"""


def called(folder: Path) -> list[str]:
    try:
        return sorted((folder / "called").read_text().splitlines())
    except FileNotFoundError:
        return []


def fields(told: logging.LogRecord) -> dict[str, Any]:
    """The fields of an entry, as the log's own handlers find them."""
    found: dict[str, Any] = vars(told)["_ffhost_event"]
    return found


def event(kind: str, number: str = "1", **more: Any) -> Any:
    return make_cloud_event(type=kind, source="/camera", id=number, **more)


def test_an_event_and_what_is_replied_to_it_go_to_all_whom_they_concern(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(CODE, CONFIG)
    answer = host.send("/events", event("image.new", data={"a": 1}))
    assert (answer.status, answer.body) == (204, b"")
    assert called(tmp_path) == ["index 1", "index 1", "notify 1", "shrink 1"]


def test_an_event_that_nobody_wants_is_taken(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    assert host.send("/events", event("something.else")).status == 204
    assert called(tmp_path) == []


def test_the_sender_is_told_who_did_not_take_its_event(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "notify fails").touch()
    host = serve(CODE, CONFIG)
    answer = host.send("/events", event("image.new"))
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["detail"] == "1 of 2 functions failed to process their event"
    failed = {"function": "notify", "status": 500, "outcome": "failed"}
    assert told["functions"] == [
        {
            "function": "shrink",
            "status": 500,
            "outcome": "reply_failed",
            "replies": [{"function": "index", "status": 204, "outcome": "taken"}, failed],
        },
        {"function": "index", "status": 204, "outcome": "taken"},
    ]


def test_who_took_an_event_is_left_alone_when_it_comes_again(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "shrink fails").touch()
    host = serve(CODE, CONFIG)
    assert host.send("/events", event("image.new")).status == 500
    (tmp_path / "shrink fails").unlink()
    assert host.send("/events", event("image.new")).status == 204
    # Once for the event itself, and once for what was replied.
    assert called(tmp_path) == ["index 1", "index 1", "notify 1", "shrink 1", "shrink 1"]


def test_what_was_taken_is_remembered_across_a_reload(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    assert host.send("/events", event("image.small", "7")).status == 204
    (tmp_path / "functions.yaml").write_text(CONFIG.replace("page}", "page, timeout: 7s}"))
    assert host.service.reload()
    assert host.send("/events", event("image.small", "7")).status == 204
    assert called(tmp_path) == ["index 7"]


def test_a_batch_is_delivered_event_by_event(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "notify fails").touch()
    host = serve(CODE, CONFIG)
    values = [
        {"specversion": "1.0", "id": str(number), "source": "/shrink", "type": kind}
        for number, kind in enumerate(["image.small", "other", "image.small"])
    ]
    answer = host.post(
        "/events",
        body=json.dumps(values).encode(),
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    assert answer.status == 500
    results = answer.json()["events"]
    assert [(each["index"], each["status"]) for each in results] == [(0, 500), (1, 204), (2, 500)]
    assert called(tmp_path) == ["index 0", "index 2", "notify 0", "notify 2"]


def test_a_push_message_reaches_cloudevent_and_event_functions(
    serve: Serve, tmp_path: Path
) -> None:
    config = """
    events: {path: /in}
    functions:
      index:
        target: main.py:index
        subscriptions: [{filters: [{suffix: {source: topics/orders}}]}]
      legacy:
        target: main.py:legacy
        subscriptions:
          - filters: [{exact: {type: google.cloud.pubsub.topic.v1.messagePublished}}]
    """
    host = serve(CODE, config)
    answer = host.send("/in/projects/p/topics/orders", pubsub_push("hi", message_id="9"))
    assert answer.status == 204
    assert called(tmp_path) == ["index 9", "legacy 9"]


def test_functions_run_at_once_and_each_under_its_own_deadline(
    serve: Serve, tmp_path: Path
) -> None:
    config = """
    events: {}
    functions:
      slow: {target: main.py:slow, timeout: 300ms, subscriptions: [{}]}
      index: {target: main.py:index, subscriptions: [{}]}
    """
    answer = serve(CODE, config).send("/events", event("any"))
    assert answer.status == 504
    statuses = {each["function"]: each["status"] for each in answer.json()["functions"]}
    assert statuses == {"slow": 504, "index": 204}


def test_a_full_function_makes_the_sender_wait(serve: Serve, tmp_path: Path) -> None:
    config = """
    events: {}
    functions:
      slow: {target: main.py:slow, timeout: 300ms, concurrency: 1, queue: 1, queue_timeout: 100ms,
             subscriptions: [{}]}
    """
    host = serve(CODE, config)
    values = [
        {"specversion": "1.0", "id": str(number), "source": "/s", "type": "a"}
        for number in range(3)
    ]
    answer = host.post(
        "/events",
        body=json.dumps(values).encode(),
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    # The first runs into its deadline and keeps its slot until it ends.
    statuses = [each["status"] for each in answer.json()["events"]]
    assert statuses == [504, 429, 429]
    assert answer.status == 504


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 400),
        (b"nothing", {}, 400),
        (b"", {"content-type": "application/cloudevents+avro"}, 415),
        (b"x" * 2000, {}, 413),
    ],
)
def test_what_is_not_an_event_is_refused(
    serve: Serve, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = serve(CODE, CONFIG).post("/events", body=body, headers=headers)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_events_are_taken_at_the_address(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    answer = host.get("/events")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert host.get("/page").text == "page"


def test_without_the_block_there_is_no_address(serve: Serve) -> None:
    host = serve(CODE, CONFIG.replace("events:", "x-events:"))
    assert host.send("/events", event("image.new")).status == 404


def test_a_sender_that_is_allowed_gets_the_handshake(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    asking = {"webhook-request-origin": "Sender.example", "webhook-request-rate": "120"}
    answer = host.request("OPTIONS", "/events", headers=asking)
    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == "Sender.example"
    assert answer.headers["webhook-allowed-rate"] == "*"
    del asking["webhook-request-rate"]
    answer = host.request("OPTIONS", "/events", headers=asking)
    assert "webhook-allowed-rate" not in answer.headers


def test_another_sender_is_refused(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    asking = {"webhook-request-origin": "other.example"}
    answer = host.request("OPTIONS", "/events", headers=asking)
    assert answer.status == 403
    assert "webhook-allowed-origin" not in answer.headers


def test_other_requests_for_options_are_told_the_methods(serve: Serve) -> None:
    answer = serve(CODE, CONFIG).request("OPTIONS", "/events")
    assert (answer.status, answer.headers["allow"]) == (204, "OPTIONS, POST")
    assert "webhook-allowed-origin" not in answer.headers


def test_the_event_has_an_entry_of_its_own(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    host = serve(CODE, CONFIG)
    caplog.set_level(logging.INFO)
    host.send("/events", event("image.new"))
    host.send("/events", event("something.else"))
    told = [each for each in caplog.records if each.name == "ffhost.events"]
    assert [each.getMessage() for each in told] == ["event_delivered", "event_unmatched"]
    assert fields(told[0])["functions"] == {"shrink": "taken", "index": "taken"}
    assert fields(told[0])["event_type"] == "image.new"


def test_an_expression_that_fails_is_told_and_does_not_match(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = CONFIG.replace("source = '/shrink'", "region = 'eu'")
    host = serve(CODE, config)
    assert host.send("/events", event("image.small")).status == 204
    assert called(tmp_path) == ["index 1"]
    (told,) = [each for each in caplog.records if each.getMessage() == "event_filter_failed"]
    assert fields(told)["error"] == "missingAttribute"
    assert fields(told)["function"] == "notify"


LOCKED = """
events: {}
auth: {machines: {keys: {ci: {from_env: CI_KEY}}}}
functions:
  index: {target: main.py:index, auth: machines, subscriptions: [{}]}
"""


def test_the_address_for_events_is_no_way_around_a_door(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(LOCKED)
    environ = {"CI_KEY": "a-key-that-is-long-enough-for-a-key"}
    with (
        pytest.raises(ConfigError, match="anybody may send events"),
        client("functions.yaml", cwd=tmp_path, environ=environ),
    ):
        pass


WRONG = """
events: {}
functions:
  page: {target: main.py:page, subscriptions: [{}]}
  later: {target: main.py:index, lazy: true, subscriptions: [{}]}
  index:
    target: main.py:index
    subscriptions:
      - filters: [{exact: {type: a}}, {any: [{sql: "a AND b OR c"}, {prefix: {My-Ext: b}}]}]
"""


def test_what_is_wrong_with_subscriptions_is_told_together(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(WRONG)
    with pytest.raises(ConfigError) as caught, client("functions.yaml", cwd=tmp_path):
        pass
    assert [(each.path, each.message) for each in caught.value.problems] == [
        (
            "functions.page.subscriptions",
            "a function of signature 'http' cannot subscribe to events",
        ),
        (
            "functions.later.subscriptions",
            "a lazy function must name its signature to subscribe to events",
        ),
        (
            "functions.index.subscriptions[0].filters[1].any[0].sql",
            "not a CESQL expression: AND beside OR needs parentheses at character 9",
        ),
        (
            "functions.index.subscriptions[0].filters[1].any[1].prefix.My-Ext",
            "no event can have an attribute 'My-Ext': names have lower-case letters and digits",
        ),
    ]
    assert all(each.origin.line for each in caught.value.problems)
