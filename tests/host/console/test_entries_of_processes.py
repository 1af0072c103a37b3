"""Log entries and crashes of functions that run in processes of their own, in the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ffhost.host.console.call_store import DETAILS_OF_A_CALL
from ffhost.host.console.process_entries import ProcessEntries, read_process_entry
from tests.host.console.asking import OPEN, Desk

CODE = """
import logging

log = logging.getLogger("shop")

def pack(request):
    log.warning("packing", extra={"parcel": 7, "password": "hunter2", "note": "s3cret-of-shop"})
    return "packed"

def stream(request):
    yield "one "
    log.warning("in the middle")
    yield "two"

def boom(request):
    raise ValueError("it went wrong")
"""
CONFIG = (
    OPEN
    + """
server: {debug: true}
functions:
  pack:
    {target: "main.py:pack", isolation: process, env: {KEY: {from_env: KEY}}}
  stream: {target: "main.py:stream", isolation: process}
  boom: {target: "main.py:boom", isolation: process}
"""
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("console")
    made = Desk(folder, CODE, CONFIG, url="http://localhost:9901", KEY="s3cret-of-shop")
    yield made
    made.close()


def test_what_a_process_logs_is_shown_with_its_call(desk: Desk) -> None:
    assert desk.call("/pack").body == b"packed"
    (entry,) = desk.last()["entries"]
    assert (entry["event"], entry["level"], entry["logger"]) == ("packing", "warning", "shop")
    assert entry["fields"]["parcel"] == 7
    assert "hunter2" not in str(entry)
    assert "s3cret" not in str(entry)


def test_what_a_process_logs_while_it_streams_is_shown_too(desk: Desk) -> None:
    assert desk.call("/stream").body == b"one two"
    assert [each["event"] for each in desk.last()["entries"]] == ["in the middle"]


def test_a_crash_in_a_process_names_the_console_and_is_shown_with_its_traceback(
    desk: Desk,
) -> None:
    crash = desk.call("/boom").json()
    assert crash["console"] == f"http://localhost:9901/#/calls/{crash['execution_id']}"
    found = desk.last()
    assert [each["event"] for each in found["entries"]] == ["function_crashed"]
    assert "it went wrong" in found["entries"][0]["exception"]
    assert found["response"]["status"] == 500


def test_entries_of_one_call_do_not_reach_the_next(desk: Desk) -> None:
    desk.call("/boom")
    desk.call("/boom")
    assert len(desk.last()["entries"]) == 1


def test_only_so_many_entries_are_carried() -> None:
    entries = ProcessEntries()
    for number in range(2 * DETAILS_OF_A_CALL):
        entries.take({"execution_id": "one", "message": f"{number}"})
    assert len(entries.take_all()) == DETAILS_OF_A_CALL
    for _ in range(20):
        entries.take({"execution_id": "one", "message": "x" * 100_000})
    entries.take({"message": "of no call"})
    assert len(entries.take_all()) == 7
    assert entries.take_all() == []


def test_an_entry_belongs_to_the_call_that_the_host_has_made() -> None:
    entry = read_process_entry('{"execution_id": "other", "message": "m"}', "pack", "mine")
    assert (entry["execution_id"], entry["function"]) == ("mine", "pack")
    for line in ("[]", "{", 7):
        with pytest.raises((ValueError, TypeError)):
            read_process_entry(line, "pack", "mine")
