"""What the console says of functions and calls, and whom it says it to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.host.own_addresses import find_host_addresses
from tests.host.console.asking import BROWSER, OPEN, Desk

CODE = '''
def hello(request):
    """Greet somebody."""
    return {"hello": request.args.get("name", "you"), "session_token": "t0k3n"}

def boom(request):
    raise ValueError("it went wrong")

def stream(request):
    yield "one "
    yield "two"

def sent(request):
    return open(__file__, "rb"), 200, {"content-type": "text/plain"}
'''
CONFIG = (
    OPEN
    + """
auth: {staff: {keys: {ada: "opensesame-opensesame"}}}
functions:
  hello: {target: "main.py:hello", path: "/hi/{who}", methods: [GET, POST]}
  boom: {target: "main.py:boom"}
  stream: {target: "main.py:stream", concurrency: 1}
  sent: {target: "main.py:sent"}
  locked: {target: "main.py:hello", auth: staff, schedules: [{cron: "@hourly"}]}
"""
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("console"), CODE, CONFIG)
    yield made
    made.close()


def test_browsers_get_the_page_and_others_the_index(desk: Desk) -> None:
    page = desk.ask("/", fields=[*BROWSER, ("accept", "text/html,*/*")])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "/metrics" in desk.ask("/").json()["pages"]


def test_a_file_has_the_hash_of_all_files_in_its_address(desk: Desk) -> None:
    assert desk.ask("/console/0000000000000000/index.html").status == 404
    assert desk.ask("/console/../../asking.py").status == 404


def test_a_call_is_shown_with_its_request_and_answer(desk: Desk) -> None:
    desk.call("/hi/ada?name=Ada&api_key=k1", fields=[("authorization", "Bearer b1")])
    found = desk.last()
    assert (found["function"], found["status"], found["from"]) == ("hello", 200, "http")
    assert found["request"]["query"] == "name=Ada&api_key=[masked]"
    assert ["authorization", "[masked]"] in found["request"]["headers"]
    assert found["masked"] == [["query", "api_key"], ["headers", "authorization"]]
    assert found["response"]["body"] == '{"hello":"Ada","session_token":"[masked]"}'
    assert found["curl"].startswith("curl 'http://")


def test_what_no_function_answered_is_shown_as_it_was_sent(desk: Desk) -> None:
    assert desk.call("/locked").status == 401
    found = desk.last()
    assert (found["outcome"], found["response"]["status"]) == ("unauthenticated", 401)
    assert '"status": 401' in found["response"]["body"]


def test_a_stream_is_shown_as_far_as_it_went(desk: Desk) -> None:
    assert desk.call("/stream").body == b"one two"
    assert desk.last()["response"]["body"] == "one two"


def test_a_file_is_shown_as_far_as_it_was_kept(desk: Desk) -> None:
    assert b"def sent(request)" in desk.call("/sent").body
    found = desk.last()["response"]
    assert ("def sent(request)" in found["body"], found["cut"]) == (True, False)


def test_the_session_names_the_file_of_the_configuration(desk: Desk) -> None:
    assert desk.get("session")["file"] == str(desk.folder / "functions.yaml")


def test_calls_are_found_by_function_status_id_and_text(desk: Desk) -> None:
    desk.call("/hi/ada?name=Grace", fields=[("function-execution-id", "my-call")])
    desk.call("/boom")
    assert {each["function"] for each in desk.get("calls?function=boom")["calls"]} == {"boom"}
    assert {each["status"] for each in desk.get("calls?status=5xx")["calls"]} == {500}
    assert [each["id"] for each in desk.get("calls?id=my-ca")["calls"]] == ["my-call"]
    assert [each["id"] for each in desk.get("calls?text=grace")["calls"]] == ["my-call"]
    assert len(desk.get("calls?limit=1")["calls"]) == 1


def test_a_function_is_shown_with_its_door_its_schedules_and_how_fast_it_was(desk: Desk) -> None:
    desk.call("/hi/ada")
    functions = {each["name"]: each for each in desk.get("functions")["functions"]}
    assert (functions["hello"]["door"], functions["locked"]["door"]) == (["public"], ["staff"])
    assert functions["hello"]["doc"] == "Greet somebody."
    assert functions["locked"]["schedules"][0]["cron"] == "@hourly"
    assert functions["hello"]["latency"]["minutes"][-1]["calls"] >= 1
    assert desk.get("functions/stream")["streams"] is True


def test_a_call_that_is_not_known_is_a_404(desk: Desk) -> None:
    assert desk.ask("/console/api/calls/nope").status == 404
    assert desk.ask("/console/api/nope").status == 404


@pytest.mark.parametrize(
    "fields",
    [
        [("host", "evil.example:9901")],
        [("host", "127.0.0.1.evil.example")],
        [("host", "127.0.0.1:9901"), ("origin", "http://evil.example")],
        [("host", "127.0.0.1:9901"), ("origin", "null")],
        [("host", "127.0.0.1:9901"), ("sec-fetch-site", "cross-site")],
        [("host", "")],
    ],
)
def test_pages_of_other_sites_get_nothing_but_metrics(
    desk: Desk, fields: list[tuple[str, str]]
) -> None:
    for path in ("/", "/functions", "/console/api/session", "/console/api/calls", "/config"):
        assert desk.ask(path, fields=fields).status == 403
    assert desk.ask("/metrics", fields=fields).status == 200


@pytest.mark.parametrize("host", ["localhost:9901", "[::1]:9901", "10.1.2.3", "LOCALHOST"])
def test_addresses_and_this_machine_are_no_names_of_others(desk: Desk, host: str) -> None:
    assert desk.ask("/console/api/session", fields=[("host", host)]).status == 200


KEY = "opensesame-opensesame"
LOCKED = """
admin: {enabled: true, host: 0.0.0.0, auth: [staff, crew]}
console: {enabled: true}
auth:
  staff: {keys: {ada: opensesame-opensesame}}
  crew: {header: X-Crew, keys: {bob: opensesame-of-the-crew}}
functions: {hello: {target: "main.py:hello"}}
"""


def test_with_auth_the_page_is_open_and_its_data_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CODE, LOCKED)
    assert desk.ask("/", fields=[*BROWSER, ("accept", "text/html")]).status == 200
    page = desk.ask("/", fields=[*BROWSER, ("accept", "text/html")]).body.decode()
    address = page.partition('href="/console/')[2].partition('"')[0]
    file = desk.ask(f"/console/{address}")
    assert (file.status, file.headers["cache-control"][-9:]) == (200, "immutable")
    for path in ("session", "functions", "calls", "stream", "configuration"):
        answer = desk.ask(f"/console/api/{path}")
        assert answer.status == 401
        assert answer.json()["ways"] == [
            {"name": "staff", "kind": "key", "header": "Authorization", "prefix": "Bearer "},
            {"name": "crew", "kind": "key", "header": "X-Crew"},
        ]
    for field in (("authorization", f"Bearer {KEY}"), ("x-crew", "opensesame-of-the-crew")):
        answer = desk.ask("/console/api/session", fields=[*BROWSER, field])
        assert answer.status == 200
        assert KEY not in answer.body.decode()
    desk.close()


def test_without_capture_a_call_has_no_request_and_no_answer(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CODE, CONFIG.replace(", capture: true", ""))
    desk.call("/hi/ada?password=hunter2&name=Ada")
    found = desk.last()
    assert (found["request"], found["response"], found["status"]) == (None, None, 200)
    assert "hunter2" not in str(found)
    desk.close()


def test_while_developing_what_fails_names_the_console(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CODE, "server: {debug: true}\n" + CONFIG, url="http://localhost:9901")
    crash = desk.call("/boom").json()
    assert crash["console"] == f"http://localhost:9901/#/calls/{crash['execution_id']}"
    missing = desk.call("/nowhere").json()
    assert missing["detail"].endswith("see what is served at http://localhost:9901")
    desk.close()


def test_elsewhere_nothing_names_it(desk: Desk) -> None:
    find_host_addresses(desk.service.store).admin = "http://localhost:9901"
    assert "9901" not in str(desk.call("/boom")) + str(desk.call("/nowhere"))
