"""One function behind a real server: calls that wait for each other, and Google's events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli_serve import GUNICORN, SERVE, Served
from tests.events.test_events_background import (
    BACK,
    BOTH_WAYS,
    ONE_WAY,
    TIME,
    as_json,
    at_top_level,
    binary,
    cloud_event,
    in_context,
)

both = pytest.mark.parametrize("program", [SERVE, GUNICORN], ids=["serve", "gunicorn"])
JSON = {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
Sent = tuple[dict[str, str], bytes]

MEETING = """
import asyncio, threading

meeting = threading.Barrier(10)
waiting = []

def blocking(request):
    meeting.wait(20)
    return "met"

async def coroutine(request):
    # Not asyncio.Barrier, whose waiters wait for each other to leave, too.
    if len(waiting) == 9:
        for each in waiting:
            each.set()
        return "met"
    waiting.append(asyncio.Event())
    await asyncio.wait_for(waiting[-1].wait(), 20)
    return "met"
"""
EVENTS = """
import json

def note(value):
    with open("seen", "a") as seen:
        seen.write(json.dumps(value) + "\\n")

def cloudevent(event):
    note([dict(event.get_attributes()), event.data])

def event(data, context):
    note([data, vars(context)])
"""


@pytest.fixture
def started() -> Iterator[list[Served]]:
    servers: list[Served] = []
    yield servers
    for server in servers:
        server.stop()


def served(
    started: list[Served], folder: Path, code: str, program: tuple[str, ...], **variables: str
) -> Served:
    (folder / "main.py").write_text(code)
    server = Served(folder, program=program, HOST="127.0.0.1", **variables)
    started.append(server)
    assert server.answers('{"status":"ready"}\n', "/_ffhost/ready"), server.log
    return server


@both
@pytest.mark.parametrize("target", ["blocking", "coroutine"])
def test_ten_calls_are_all_answered_of_which_none_can_end_without_the_others(
    tmp_path: Path, started: list[Served], program: tuple[str, ...], target: str
) -> None:
    server = served(started, tmp_path, MEETING, program, FUNCTION_TARGET=target)

    def call(_: int) -> str:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(call, range(10))) == ["met"] * 10


def seen(folder: Path, server: Served, requests: list[Sent]) -> list[Any]:
    """Send *requests* one after the other; give what the function was called with."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    answers = []
    for headers, body in requests:
        connection.request("POST", "/", body=body, headers=headers)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
    connection.close()
    assert answers == [(200, b"OK")] * len(requests)
    return [json.loads(line) for line in (folder / "seen").read_text().splitlines()]


def sent_as_cloud_events() -> list[tuple[Any, Sent]]:
    """Give each row that can be converted back, with its event in both content modes."""
    return [
        (row, sent)
        for row in BACK
        for sent in (
            (binary(cloud_event(row)), as_json(row[6])),
            (STRUCTURED, as_json({**cloud_event(row), "data": row[6]})),
        )
    ]


def sent_as_background_events() -> list[tuple[Any, Sent]]:
    """Give each row with its background event in both of Google's forms."""
    return [
        (row, (JSON, as_json(form(row))))
        for row in BOTH_WAYS + ONE_WAY
        for form in (in_context, at_top_level)
    ]


@both
def test_a_cloud_event_function_gets_each_row_of_googles_table(
    tmp_path: Path, started: list[Served], program: tuple[str, ...]
) -> None:
    wanted = {"FUNCTION_TARGET": "cloudevent", "FUNCTION_SIGNATURE_TYPE": "cloudevent"}
    server = served(started, tmp_path, EVENTS, program, **wanted)
    sent = sent_as_background_events() + sent_as_cloud_events()
    expected = [[cloud_event(row), row[6]] for row, _ in sent]
    assert seen(tmp_path, server, [each for _, each in sent]) == expected


@both
def test_a_background_function_gets_each_row_of_googles_table(
    tmp_path: Path, started: list[Served], program: tuple[str, ...]
) -> None:
    wanted = {"FUNCTION_TARGET": "event", "FUNCTION_SIGNATURE_TYPE": "event"}
    server = served(started, tmp_path, EVENTS, program, **wanted)
    sent = sent_as_cloud_events() + sent_as_background_events()
    facts = {"event_id": "aaaaaa-1111", "timestamp": TIME}
    expected = [[row[2], {**facts, "event_type": row[0], "resource": row[1]}] for row, _ in sent]
    assert seen(tmp_path, server, [each for _, each in sent]) == expected
