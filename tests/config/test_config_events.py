"""Events, subscriptions and schedules in the configuration, and how the quick reader reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.config.quick_reader import read_settings_quickly
from ffhost.config.settings import EventsSettings, ScheduleSettings
from ffhost.config.validation import settings_adapter

FUNCTION: dict[str, Any] = {"target": "main.py:hello", "path": "/hello"}
FILTERS = [{"any": [{"exact": {"type": "a"}}, {"not": {"sql": "b = 1"}}]}]


@pytest.mark.parametrize(
    "values",
    [
        {"events": {}},
        {"events": {"path": "/in", "allow_origins": ["a.example"], "remember": "1m"}},
        {"events": {"allow_origins": "*", "broker": "shop"}},
        {"schedules": {"enabled": False}},
        {"functions": {"a": {**FUNCTION, "subscriptions": [{}, {"filters": FILTERS}]}}},
        {"functions": {"a": {**FUNCTION, "delivery": {"retry": 0, "timeout": "5s"}}}},
        {"functions": {"a": {**FUNCTION, "schedules": [{"cron": "@hourly"}]}}},
        {
            "functions": {
                "a": {
                    **FUNCTION,
                    "schedules": [
                        {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "data": [None, {"a": 1}]}
                    ],
                }
            }
        },
    ],
)
def test_the_quick_reader_reads_all_of_it_as_pydantic_does(values: dict[str, Any]) -> None:
    values = {"functions": {"a": FUNCTION}, **values}
    assert read_settings_quickly(values) == settings_adapter().validate_python(values)


@pytest.mark.parametrize(
    "values",
    [
        {"events": {"path": "/in/{a}"}},
        {"events": {"unknown": 1}},
        {"schedules": {"enabled": "no"}},
        {"functions": {"a": {**FUNCTION, "subscriptions": [{"filters": {}}]}}},
        {"functions": {"a": {**FUNCTION, "subscriptions": [{"filters": ["a"]}]}}},
        {"functions": {"a": {**FUNCTION, "delivery": {"retry": True}}}},
        {"functions": {"a": {**FUNCTION, "schedules": [{"cron": "61 * * * *"}]}}},
        {"functions": {"a": {**FUNCTION, "schedules": [{}]}}},
    ],
)
def test_the_quick_reader_leaves_what_is_wrong_to_pydantic(values: dict[str, Any]) -> None:
    assert read_settings_quickly({"functions": {"a": FUNCTION}, **values}) is None


def test_there_is_no_address_and_no_cron_library_unless_they_are_written() -> None:
    settings = read_settings_quickly({"functions": {"a": FUNCTION}})
    assert settings is not None
    assert settings.events is None
    assert settings.schedules.enabled
    assert (settings.functions["a"].subscriptions, settings.functions["a"].schedules) == ([], [])


def test_a_filter_may_hold_references_and_any_depth(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "events: {}\nfunctions:\n  a:\n    target: main.py:a\n    subscriptions:\n"
        "      - filters: [{all: [{exact: {type: '${KIND}'}}, {not: {any: [{sql: 'a'}]}}]}]\n"
    )
    config = load_config(ConfigSources(cwd=tmp_path, environ={"KIND": "com.example.made"}))
    (subscription,) = config.settings.functions["a"].subscriptions
    assert subscription.filters == [
        {"all": [{"exact": {"type": "com.example.made"}}, {"not": {"any": [{"sql": "a"}]}}]}
    ]
    place = ("functions", "a", "subscriptions", 0, "filters", 0, "all", 1, "not")
    assert config.locate(place).line == 6


def test_the_ticking_can_be_switched_off_by_a_variable(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text("functions:\n  a: {target: 'main.py:a'}\n")
    environ = {"FFHOST_SCHEDULES__ENABLED": "false", "FFHOST_EVENTS__PATH": "/in"}
    settings = load_config(ConfigSources(cwd=tmp_path, environ=environ)).settings
    assert not settings.schedules.enabled
    assert settings.events == EventsSettings(path="/in")


def test_defaults_are_those_that_the_documents_name() -> None:
    schedule = ScheduleSettings(cron="@daily")
    assert (schedule.timezone, schedule.overlap, schedule.missed) == ("UTC", "skip", "skip")
    events = EventsSettings()
    assert (events.path, float(events.remember), events.broker) == ("/events", 600, "default")
