"""Our server and gunicorn's parser read nearly right messages alike; `make fuzz` sends 50,000."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fuzz.explained import why
from tests.fuzz.nearly_http import message, packets
from tests.fuzz.raw_http import both, run
from tests.fuzz.two_servers import answers

MESSAGES = int(os.environ.get("RAW_MESSAGES", "200"))


def test_nearly_right_messages_are_read_as_gunicorn_reads_them(tmp_path: Path) -> None:
    folders = (tmp_path / "ours", tmp_path / "theirs")
    for each in folders:
        each.mkdir()
    with both(*folders) as (ours, theirs):
        found = run(ours.address, theirs.address, range(MESSAGES))
        assert found.disagreements == [], "\n".join(map(str, found.disagreements))
        assert found.agreed > MESSAGES / 2
        assert ours.entries("host_error") == []


def test_a_number_gives_the_same_message_again_and_packets_lose_nothing() -> None:
    for number in range(100):
        whole = message(number)
        assert whole == message(number)
        assert b"".join(packets(number, whole)) == whole


def test_answers_are_told_apart() -> None:
    seen = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-seen: POST 6162\r\n\r\nseen"
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-seen: HEAD \r\n\r\n"
    missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
    asked = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answers(asked + seen + head + missing) == ["POST 6162", "HEAD", "missing"]


def test_no_rule_explains_two_that_read_on_in_different_ways() -> None:
    sent = b"GET / HTTP/1.0\r\nTransfer-Encoding: x\r\nConnection: close\r\nExpect: x\r\n\r\n"
    assert why(sent, ["POST 61", "GET"], ["POST 62", "GET"]) is None
    assert why(sent, ["POST 61", "GET"], ["POST 6162", "refused"]) is None


def test_an_unknown_method_explains_what_is_answered_where_nothing_is_served() -> None:
    found = ["refused"], ["missing", "GET"]
    assert why(b"FOO //seen HTTP/1.1\r\nHost: a\r\n\r\n", *found) is not None
    assert why(b"FOO /seen HTTP/1.1\r\nHost: a\r\n\r\n", *found) is None
    assert why(b"FOO http://a/seen HTTP/1.1\r\nHost: a\r\n\r\n", *found) is None


def test_a_host_explains_a_refusal_only_if_it_cannot_be_one() -> None:
    found = ["refused"], ["GET"]
    for host in (b":a", b" a b", b" a:b", b" [::1"):
        assert why(b"GET /seen HTTP/1.1\r\nHost:" + host + b"\r\n\r\n", *found) is not None
    for host in (b"", b" a", b" a:80", b" a: ", b" [::1]:80"):
        assert why(b"GET /seen HTTP/1.1\r\nHost:" + host + b"\r\n\r\n", *found) is None
