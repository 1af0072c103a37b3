"""What the console does: it tries and replays calls, sends events, runs schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.host.console.asking import BROWSER, OPEN, Desk

CODE = '''
import json
import ffhost
from cloudevents.http import CloudEvent
from pydantic import BaseModel

class Order(BaseModel):
    """What is ordered."""
    item: str
    count: int = 1

def greet(request):
    who = ffhost.current().principal
    return {"who": request.path, "caller": who and who.name, "body": request.get_data(as_text=True)}

def order(order: Order) -> Order:
    return order

def on_event(event):
    if event["type"] == "fail":
        raise ValueError("no")
    if event["type"] == "ask":
        return CloudEvent({"id": "9", "source": "/a", "type": "answer"}, {})

def answered(event):
    return None
'''
CONFIG = (
    OPEN
    + """
auth: {staff: {keys: {ada: "opensesame-opensesame"}}}
functions:
  greet: {target: "main.py:greet", path: "/greet/{who}", request: flask, auth: staff}
  order:
    target: main.py:order
    signature: typed
    examples: [{name: one, request: {json: {item: tea}}, response: {status: 200}}]
  ticks: {target: "main.py:on_event", signature: cloudevent, schedules: [{cron: "@hourly"}]}
  asks:
    target: main.py:on_event
    signature: cloudevent
    auth: staff
    subscriptions: [{filters: [{prefix: {type: ask}}]}, {filters: [{exact: {type: fail}}]}]
  answers:
    target: main.py:answered
    signature: cloudevent
    auth: staff
    subscriptions: [{filters: [{exact: {type: answer}}]}]
  off: {target: "main.py:greet", enabled: false}
events: {auth: staff}
"""
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("console"), CODE, CONFIG)
    made.ask("/health")  # starts the host
    yield made
    made.close()


def test_a_call_from_the_console_passes_no_door_and_is_the_consoles(desk: Desk) -> None:
    request = {"method": "POST", "path": "/greet/ada", "body": "hello", "query": "a=1"}
    tried = desk.post("try", {"function": "greet", "request": request})
    assert tried["status"] == 200
    found = desk.get(f"calls/{tried['id']}")
    assert json.loads(found["response"]["body"]) == {
        "who": "/greet/ada",
        "caller": "console",
        "body": "hello",
    }
    assert (found["from"], found["request"]["query"]) == ("console", "a=1")


def test_a_typed_function_is_shown_with_its_schemas_and_tried(desk: Desk) -> None:
    shown = desk.get("functions/order")
    assert shown["input_schema"]["properties"]["item"] == {"title": "Item", "type": "string"}
    (example,) = shown["examples"]
    assert json.loads(example["request"]["body"]) == {"item": "tea"}
    tried = desk.post("try", {"function": "order", "request": example["request"]})
    assert tried["status"] == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"function": "nope", "request": {}}, 404),
        ({"function": "greet"}, 400),
        ({"function": "greet", "request": {"path": "/elsewhere"}}, 404),
        ({"function": "order", "request": {"method": "DELETE"}}, 405),
        ({"function": "off", "request": {}}, 503),
        ({"function": "order", "request": {"headers": [["a", "b\r\nc: d"]]}}, 400),
        ({"function": "order", "request": {"headers": [1]}}, 400),
        ({"function": "order", "request": {"body_base64": "?"}}, 400),
    ],
)
def test_a_request_that_cannot_be_made_is_refused(desk: Desk, asked: object, status: int) -> None:
    assert desk.send("try", asked).status == status


def test_a_call_is_replayed_with_changes(desk: Desk) -> None:
    request = {"method": "POST", "path": "/order", "body": '{"item": "tea"}'}
    request["headers"] = [["content-type", "application/json"]]  # type: ignore[assignment]
    first = desk.post("try", {"function": "order", "request": request})
    request["body"] = '{"item": 7}'
    again = desk.post(f"calls/{first['id']}/replay", {"request": request})
    assert (first["status"], again["status"]) == (200, 422)
    assert desk.send("calls/unknown/replay", {"request": request}).status == 404


def test_an_event_goes_to_whom_it_concerns_and_so_does_the_answer(desk: Desk) -> None:
    routed = desk.post("events", {"event": {"type": "ask", "source": "/x"}})["routed"]
    assert [(each["function"], each["status"]) for each in routed] == [
        ("asks", 200),
        ("answers", 204),
    ]
    assert routed[0]["reply"]["type"] == "answer"
    assert desk.get(f"calls/{routed[0]['id']}")["event_type"] == "ask"


def test_an_event_that_is_not_taken_says_why(desk: Desk) -> None:
    (routed,) = desk.post("events", {"event": {"type": "fail"}})["routed"]
    assert (routed["status"], routed["reason"]) == (500, "failed")


def test_a_route_names_the_filter_that_keeps_an_event_away(desk: Desk) -> None:
    found = desk.post("events/route", {"event": {"type": "answer"}})
    verdicts = {each["function"]: each for each in found["functions"]}
    assert verdicts["answers"]["matches"] is True
    assert verdicts["asks"]["filter"] is not None
    assert set(found["without"]) == {"greet", "order", "ticks", "off"}


def test_what_is_not_an_event_is_refused(desk: Desk) -> None:
    for event in (None, {}, {"type": "x", "data": {"a": 1}, "ü": 1}):
        assert desk.send("events", {"event": event}).status == 400


def test_a_schedule_runs_now(desk: Desk) -> None:
    ran = desk.post("schedules/ticks?index=0", {})
    assert ran["status"] == 204
    assert desk.get(f"calls/{ran['id']}")["from"] == "schedule"
    assert desk.send("schedules/ticks?index=1", {}).status == 404


def test_what_changes_something_needs_the_token_and_json(desk: Desk) -> None:
    token = desk.get("session")["token"]
    kind = ("content-type", "application/json")
    for fields in (
        [kind],
        [kind, ("x-ffhost-token", "wrong")],
        [("x-ffhost-token", token)],
        [("x-ffhost-token", token), ("content-type", "text/plain")],
        [("x-ffhost-token", token), kind, ("origin", "http://localhost:3000")],
    ):
        for path in ("try", "events", "schedules/ticks", "examples", "calls/x/replay"):
            answer = desk.ask(
                f"/console/api/{path}", "POST", fields=[*BROWSER, *fields], body=b"{}"
            )
            assert answer.status == 403


def test_the_configuration_is_shown_with_origins_and_what_a_reload_would_change(
    desk: Desk,
) -> None:
    shown = desk.get("configuration")
    values = {each["path"]: each for each in shown["values"]}
    assert values["console.enabled"]["place"] == "functions.yaml:2:20"
    assert values["auth.staff.keys.ada"]["value"] == "***"
    assert (shown["problems"], shown["plan"]) == (None, [])
    file = desk.folder / "functions.yaml"
    before = file.read_text()
    file.write_text(before.replace("signature: typed", "signature: typed\n    timeout: 5s"))
    (row,) = desk.get("configuration")["plan"]
    assert (row["path"], row["to"], row["effect"]) == ("functions.order.timeout", "5s", "live")
    file.write_text(before.replace("  off:", "  wrong: {}\n  off:"))
    assert "functions.wrong" in desk.get("configuration")["problems"]
    file.write_text(before)
