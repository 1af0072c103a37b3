"""Schedules of a host: what a function gets, and who is asked to call it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.host.ping_event import schedule_ping_message
from ffhost.host.schedules import Schedules, function_schedules, schedules_of_host
from tests.conftest import Serve

DUE = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CODE = """
import json
from pathlib import Path
import ffhost

def note(text):
    (Path(__file__).parent / "noted").write_text(text)

@ffhost.cloud_event
def report(event):
    note(f"{event['type']} {event['source']} {event.data}")

@ffhost.event
def legacy(data, context):
    note(f"{context.event_type} {context.resource} {data}")

def page(request):
    note(f"{request.method} {request.headers['ce-type']} {request.get_json()}")
    return "done"

@ffhost.typed
def typed(order: dict):
    note(f"{order}")

async def streamed(request):
    yield "a"
    note("streamed")
    yield "b"

def failing(request):
    raise ValueError("as told")
"""
NAMES = ("report", "legacy", "page", "typed", "streamed", "failing")
CONFIG = "functions:\n" + "".join(
    f"  {name}:\n    target: main.py:{name}\n"
    f"    schedules: [{{cron: '0 3 * * *', timezone: Europe/Berlin, data: {{days: 1}}}}]\n"
    for name in NAMES
)


@pytest.mark.parametrize(
    ("function", "noted", "status"),
    [
        ("report", "dev.knative.sources.ping /ffhost/schedules/report {'days': 1}", 204),
        ("legacy", "dev.knative.sources.ping /ffhost/schedules/legacy {'days': 1}", 204),
        ("page", "POST dev.knative.sources.ping {'days': 1}", 200),
        ("typed", "{'days': 1}", 204),
        ("streamed", "streamed", 200),
    ],
)
def test_a_function_of_any_signature_runs_by_the_clock(
    serve: Serve, tmp_path: Path, function: str, noted: str, status: int
) -> None:
    host = serve(CODE, CONFIG)
    host.get("/_ffhost/live")  # on the loop of the first request everything runs
    assert host.service.schedules.run_now(function) == status
    assert (tmp_path / "noted").read_text() == noted


def test_a_function_that_fails_has_its_status(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    host.get("/_ffhost/live")
    assert host.service.schedules.run_now("failing") == 500


@pytest.mark.parametrize(("function", "index"), [("report", 1), ("report", -1), ("nobody", 0)])
def test_a_schedule_that_is_not_there_cannot_run(serve: Serve, function: str, index: int) -> None:
    host = serve(CODE, CONFIG)
    with pytest.raises(LookupError):
        host.service.schedules.run_now(function, index)


def config(tmp_path: Path, text: str) -> Schedules:
    (tmp_path / "functions.yaml").write_text(text)
    loaded = load_config(ConfigSources(cwd=tmp_path, environ={}))
    return Schedules(lambda: loaded)


def test_a_disabled_function_and_a_disabled_host_have_no_schedules(tmp_path: Path) -> None:
    one = "functions:\n  a: {target: 'm.py:a', enabled: %s, schedules: [{cron: '@hourly'}]}\n"
    assert len(config(tmp_path, one % "true").current()) == 1
    assert config(tmp_path, one % "false").current() == ()
    off = "schedules: {enabled: false}\n" + one % "true"
    assert config(tmp_path, off).current() == ()


def test_a_schedule_is_known_by_its_function_place_times_and_zone(tmp_path: Path) -> None:
    schedules = config(
        tmp_path,
        "functions:\n  a: {target: 'm.py:a', schedules: [{cron: '@hourly'}, "
        "{cron: '@hourly', timezone: Europe/Berlin, data: [1], overlap: allow, missed: once}]}\n",
    )
    first, second = schedules.current()
    assert first.key == "a 0 @hourly UTC"
    assert second.key == "a 1 @hourly Europe/Berlin"
    assert (second.data, second.overlap, second.missed) == ([1], "allow", "once")


def test_the_same_time_has_the_same_id(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(CONFIG)
    loaded = load_config(ConfigSources(cwd=tmp_path, environ={}))
    (schedule,) = function_schedules(loaded, "report")
    messages = [schedule_ping_message(schedule, "cloudevent", "/report", DUE) for _ in range(2)]
    assert messages[0].headers == messages[1].headers
    assert messages[0].headers["ce-id"] == "report-0-2026-05-01T03:00:00Z"
    assert messages[0].headers["ce-time"] == "2026-05-01T03:00:00Z"
    assert json.loads(messages[0].body) == {"days": 1}
    asked = [schedule_ping_message(schedule, "cloudevent", "/report") for _ in range(2)]
    assert asked[0].headers["ce-id"] != asked[1].headers["ce-id"]


def test_all_schedules_of_a_single_target_with_a_file_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(CONFIG)
    sources = ConfigSources(cwd=tmp_path, environ={}, config="functions.yaml")
    assert len(schedules_of_host(load_config(sources))) == len(NAMES)
    one = ConfigSources(cwd=tmp_path, environ={"FUNCTION_TARGET": "page"}, config="functions.yaml")
    assert [each.function for each in schedules_of_host(load_config(one))] == ["page"]
