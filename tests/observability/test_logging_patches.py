"""Logging set up as people do it: ``basicConfig``, ``logging.disable``, a printed JSON object."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import sys

import pytest

from ffhost.invocation.logger import get_logger
from ffhost.observability import logs
from tests.log_reading import reading

CALL = contextvars.ContextVar("call", default=None)


@pytest.fixture
def log(tmp_path, monkeypatch):
    with reading(tmp_path) as log:
        logs.set_log_fields_source(CALL.get)
        yield log
        logging.disable(logging.NOTSET)
        logs.reset_logging()


@pytest.mark.parametrize(
    "options",
    [
        {"level": logging.DEBUG},
        {"level": "DEBUG", "force": True},
        {"level": logging.DEBUG, "stream": sys.stderr, "format": "%(message)s"},
        {"level": logging.DEBUG, "handlers": []},
    ],
)
def test_basic_config_sets_the_level_and_nothing_else(log, options) -> None:
    log.configure()
    logging.basicConfig(**options)
    logging.debug("seen")
    assert len(logging.root.handlers) == 1
    assert [entry["message"] for entry in log.entries()] == ["seen"]


def test_basic_config_leaves_a_level_that_the_settings_name(log) -> None:
    log.configure(level="info")
    logging.basicConfig(level=logging.DEBUG)
    logging.debug("not seen")
    assert log.entries() == []


def test_basic_config_adds_handlers_and_files_that_are_named(log, tmp_path) -> None:
    log.configure()
    logging.basicConfig(filename=tmp_path / "own.log", force=True, format="%(message)s")
    try:
        logging.warning("to the file")
        assert (tmp_path / "own.log").read_text() == "to the file\n"
    finally:
        logging.root.handlers[0].close()
        logging.root.handlers.clear()


def test_the_host_does_not_heed_logging_disable(log) -> None:
    log.configure()
    logging.disable(logging.CRITICAL)
    logging.getLogger("mine").error("of user code")
    get_logger("ffhost").warning("of_the_host")
    assert [entry["message"] for entry in log.entries()] == ["of_the_host"]


def printed(log, monkeypatch, text: str, **changes) -> dict:
    """Return the entry of one print within a call."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    log.configure(capture_print=True, **changes)

    def body() -> None:
        CALL.set({"function": "f", "execution_id": "e1"})
        print(text)

    contextvars.copy_context().run(body)
    (entry,) = log.entries()
    return entry


def test_a_printed_json_object_becomes_the_entry_that_it_describes(log, monkeypatch) -> None:
    text = json.dumps({"severity": "ERROR", "message": "structured", "order": {"id": 7}})
    entry = printed(log, monkeypatch, text)
    assert (entry["severity"], entry["message"]) == ("ERROR", "structured")
    assert entry["order"] == {"id": 7}
    assert entry["logger"] == "stdout"


@pytest.mark.parametrize("profile", ["default", "gcp", "ecs"])
def test_it_has_no_power_over_what_tells_entries_apart(log, monkeypatch, profile) -> None:
    forged = {
        "timestamp": 0, "time": 0, "@timestamp": 0, "logger": "x", "log.logger": "x",
        "function": "x", "faas.name": "x", "execution_id": "x", "faas.execution": "x",
        "trace_id": "x", "trace.id": "x", "logging.googleapis.com/trace": "x",
        "logging.googleapis.com/labels": {"execution_id": "x"},
    }  # fmt: skip
    text = json.dumps({"severity": "INFO", "message": "m", **forged})
    entry = printed(log, monkeypatch, text, profile=profile)
    honest = {key: value for key, value in entry.items() if not key.endswith("_")}
    assert "e1" in json.dumps(honest)
    labels = honest.pop("logging.googleapis.com/labels")
    assert labels["execution_id"] == ("e1" if profile == "gcp" else "x")
    assert not {"x", 0} & {str(value) for value in honest.values()}
    assert 0 not in honest.values()


@pytest.mark.parametrize(
    "text",
    [
        '{"severity": "ERROR"}',
        '{"message": "m", "severity": "LOUD"}',
        '{"message": 1, "severity": "INFO"}',
        '{"message": "m", "severity": ["INFO"]}',
        '{"severity": "INFO", "message": "m"',
        '[{"severity": "INFO", "message": "m"}]',
    ],
)
def test_any_other_print_is_a_text(log, monkeypatch, text: str) -> None:
    entry = printed(log, monkeypatch, text)
    assert (entry["severity"], entry["message"]) == ("INFO", text)
