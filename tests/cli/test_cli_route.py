"""``ffhost route``, schedules in ``ffhost functions``, and ``ffhost invoke --schedule``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import ffhost, project
from tests.events.cesql_kit import Case, kit_cases

CONFIG = """
events: {}
functions:
  first:
    target: main.py:nothing
    subscriptions:
      - filters: [{exact: {type: a}}]
      - filters: [{prefix: {source: /x}}, {sql: "region = 'eu'"}]
  second: {target: main.py:nothing, subscriptions: [{}]}
  third: {target: main.py:nothing}
"""
EVENT = {"specversion": "1.0", "id": "1", "source": "/x/y", "type": "b"}


def event(folder: Path, **more: object) -> Path:
    (folder / "event.json").write_text(json.dumps({**EVENT, **more}))
    return folder


def test_each_function_is_shown_with_what_decided(tmp_path: Path) -> None:
    ran = ffhost("route", "event.json", cwd=event(project(tmp_path, CONFIG)))
    assert (ran.status, ran.err) == (0, "")
    assert [line.split(None, 2) for line in ran.out.splitlines()[1:]] == [
        [
            "first",
            "no",
            'subscriptions[0].filters[0]: {"exact": {"type": "a"}}; '
            'subscriptions[1].filters[1]: {"sql": "region = \'eu\'"} '
            "(missingAttribute: the event has no attribute 'region')",
        ],
        ["second", "yes", "subscriptions[0]"],
        ["third", "no", "it does not subscribe"],
    ]


def test_routes_are_also_json(tmp_path: Path) -> None:
    folder = event(project(tmp_path, CONFIG), region="eu")
    ran = ffhost("route", "event.json", "--format", "json", cwd=folder)
    assert json.loads(ran.out) == [
        {"function": "first", "matched": True, "by": "subscriptions[1]"},
        {"function": "second", "matched": True, "by": "subscriptions[0]"},
        {"function": "third", "matched": False, "by": "it does not subscribe"},
    ]


def test_a_batch_is_shown_event_by_event(tmp_path: Path) -> None:
    batch = json.dumps([EVENT, {**EVENT, "id": "2", "type": "a"}]).encode()
    ran = ffhost("route", "-", cwd=project(tmp_path, CONFIG), stdin=batch)
    assert [line for line in ran.out.splitlines() if line.startswith("#")] == ["# 1", "# 2"]


def test_an_event_in_binary_mode_is_read_with_its_header_lines(tmp_path: Path) -> None:
    text = b"ce-specversion: 1.0\nce-id: 1\nce-source: /s\nce-type: a\n\n{}"
    ran = ffhost("route", "-", cwd=project(tmp_path, CONFIG), stdin=text)
    assert "first     yes" in ran.out


def test_a_missing_address_is_told(tmp_path: Path) -> None:
    folder = event(project(tmp_path, CONFIG.replace("events: {}", "")))
    assert "there is no address for events" in ffhost("route", "event.json", cwd=folder).err


def test_a_wrong_filter_is_told_with_its_line(tmp_path: Path) -> None:
    folder = event(project(tmp_path, CONFIG.replace("region = 'eu'", "region =")))
    ran = ffhost("route", "event.json", cwd=folder)
    assert ran.status == 2
    assert "functions.first.subscriptions[1].filters[1].sql: not a CESQL expression" in ran.err
    assert "functions.yaml:" in ran.err


def test_a_check_that_imports_nothing_reads_filters_too(tmp_path: Path) -> None:
    folder = project(tmp_path, CONFIG.replace("region = 'eu'", "NOW() > 1"), main=CODE)
    ran = ffhost("check", "--no-import", cwd=folder)
    assert ran.status == 2
    assert "filters[1].sql: there is no function NOW" in ran.err


@pytest.mark.parametrize("text", [b"{}", b"nothing", b'{"a": 1}'])
def test_what_is_not_an_event_is_told(tmp_path: Path, text: bytes) -> None:
    ran = ffhost("route", "-", cwd=project(tmp_path, CONFIG), stdin=text)
    assert ran.status == 1
    assert ran.out == ""


@pytest.mark.parametrize("case", kit_cases()[::7], ids=lambda case: case.name)
def test_expressions_of_the_kit_are_evaluated_without_a_configuration(
    tmp_path: Path, case: Case
) -> None:
    (tmp_path / "event.json").write_text(json.dumps(case.event))
    ran = ffhost("route", "event.json", "--sql", case.expression, cwd=tmp_path)
    if case.error is None:
        assert (ran.status, ran.err) == (0, "")
        assert json.loads(ran.out) == case.result
    else:
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith(f"{case.error}: ")


SCHEDULED = """
functions:
  nightly:
    target: main.py:nightly
    schedules:
      - {cron: "0 3 * * *", timezone: Europe/Berlin, data: {days: 1}}
      - {cron: "30 4 1 1 *", data: {days: 365}}
  other: {target: main.py:nothing}
"""
CODE = """
def nightly(request):
    return request.headers["ce-type"] + str(request.get_json()["days"])

def nothing(request):
    return ""
"""


def test_schedules_are_listed_with_their_next_times_and_nothing_is_imported(
    tmp_path: Path,
) -> None:
    ran = ffhost("functions", "--schedules", "--format", "json", cwd=project(tmp_path, SCHEDULED))
    first, second = json.loads(ran.out)
    # Summer or winter: the time on the wall is the same.
    assert [each[10:16] for each in first["next"]] == ["T03:00"] * 3
    assert [each[4:] for each in second["next"]] == ["-01-01T04:30+00:00"] * 3
    table = ffhost("functions", "--schedules", cwd=tmp_path)
    assert table.out.splitlines()[1].startswith("nightly   0      0 3 * * *   Europe/Berlin")


def test_a_switch_that_is_off_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, SCHEDULED)
    ran = ffhost("functions", "--schedules", "--set", "schedules.enabled=false", cwd=folder)
    assert "nothing runs by the clock here" in ran.err


def test_a_function_is_called_as_its_schedule_does(tmp_path: Path) -> None:
    folder = project(tmp_path, SCHEDULED, main=CODE)
    assert ffhost("invoke", "nightly", "--schedule", cwd=folder).out == (
        "dev.knative.sources.ping1\n"
    )
    ran = ffhost("invoke", "nightly", "--schedule", "--index", "1", cwd=folder)
    assert ran.out == "dev.knative.sources.ping365\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["other", "--schedule"], "other has no schedule 0"),
        (["nightly", "--schedule", "--index", "2"], "nightly has no schedule 2\n  hint: it has 2"),
        (["nightly", "--schedule", "--data", "1"], "--schedule makes the event"),
    ],
)
def test_a_schedule_that_is_not_there_is_told(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    ran = ffhost("invoke", *arguments, cwd=project(tmp_path, SCHEDULED, main=CODE))
    assert ran.status == 2
    assert message in ran.err
