"""The address for agents on both fronts: tools, who may call them, and what they answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ffhost.errors import ConfigError
from ffhost.testing import Answer, Client, client
from tests.conftest import Serve
from tests.log_reading import reading
from tests.orders import QUOTE

CODE = (
    QUOTE
    + """
import asyncio, time
from pathlib import Path

FOLDER = Path(__file__).parent

@ffhost.typed
def whoami(order: Order) -> str:
    who = ffhost.current().principal
    return "nobody" if who is None else f"{who.name} of {who.way}"

@ffhost.typed
def broken(order: Order) -> Price:
    raise ValueError("the inside")

@ffhost.typed
async def slow(order: Order) -> Price:
    (FOLDER / "begun").touch()
    try:
        await asyncio.sleep(30)
    finally:
        (FOLDER / "stopped").touch()

@ffhost.typed
async def steps(order: Order):
    for step in range(order.amount):
        yield f"{step};"
    if order.item == "bad":
        raise ValueError("the inside")

def hello(request):
    return "hello"
"""
)
CONFIG = """
mcp: {}
functions:
  quote: {target: main.py:quote, tool: true, path: "/quote/{item}"}
  broken: {target: main.py:broken, tool: true}
  steps: {target: main.py:steps, tool: true}
  other: {target: main.py:quote}
"""


def post(host: Client, method: str, params: Any = None, **options: Any) -> Answer:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    headers = {"host": "localhost", **options.pop("headers", {})}
    return host.post("/mcp", json=message, headers=headers, **options)


def rpc(host: Client, method: str, params: Any = None, **options: Any) -> Any:
    answer = post(host, method, params, **options)
    assert answer.headers["content-type"] == "application/json", answer.text
    found = answer.json()
    assert found["id"] == 7
    return found.get("result", found.get("error"))


def call(host: Client, name: str, arguments: Any, **options: Any) -> Any:
    return rpc(host, "tools/call", {"name": name, "arguments": arguments}, **options)


def text(result: Any) -> str:
    return str(result["content"][0]["text"])


def names(host: Client, **options: Any) -> list[str]:
    return [each["name"] for each in rpc(host, "tools/list", **options)["tools"]]


def test_a_client_begins_lists_and_calls(serve: Serve, front: str) -> None:
    host = serve(CODE, CONFIG)
    begun = post(host, "initialize", {"protocolVersion": "2025-06-18"})
    result = begun.json()["result"]
    assert result["protocolVersion"] == "2025-06-18"
    assert result["capabilities"] == {"tools": {"listChanged": front == "asgi"}}
    assert result["serverInfo"]["name"] == "ffhost"
    assert len(begun.headers["mcp-session-id"]) >= 20
    noted = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert host.post("/mcp", json=noted).status == 202
    assert rpc(host, "ping") == {}
    assert names(host) == ["quote", "broken", "steps"]
    result = call(host, "quote", {"item": "tea", "amount": 2})
    assert result["structuredContent"] == {"cents": 800}
    assert json.loads(text(result)) == {"cents": 800}


def test_a_request_that_stands_alone_is_answered_by_status_and_type(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    fields = {"mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover"}
    found = rpc(host, "server/discover", {"_meta": meta}, headers=fields)
    assert (found["resultType"], found["cacheScope"]) == ("complete", "public")
    assert "2026-07-28" in found["supportedVersions"]
    fields["mcp-method"] = "nothing/like-it"
    assert post(host, "nothing/like-it", {"_meta": meta}, headers=fields).status == 404
    assert post(host, "nothing/like-it").status == 200  # before, an error was like any message
    assert post(host, "ping", headers={"mcp-protocol-version": "1.0"}).status == 400


def test_an_error_of_the_function_is_one_of_the_tool(serve: Serve) -> None:
    host = serve(CODE, CONFIG, sets=["server.debug=true"])
    answer = post(host, "tools/call", {"name": "broken", "arguments": {"item": "tea"}})
    result = answer.json()["result"]
    identity = answer.headers["function-execution-id"]
    assert (result["isError"], text(result)) == (
        True,
        f"the function crashed (execution id {identity})",
    )
    assert "inside" not in answer.text
    result = call(host, "quote", {"item": "tea", "amount": "many"})
    assert result["isError"]
    assert "amount: " in text(result)
    assert "there is no tool" in call(host, "other", {})["message"]
    assert call(host, "quote", [1])["code"] == -32602


def events(answer: Answer) -> list[Any]:
    lines = answer.text.split("\r\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def progress(host: Client, arguments: Any, **options: Any) -> Answer:
    params = {"name": "steps", "arguments": arguments, "_meta": {"progressToken": "t"}}
    headers = {"accept": "application/json, text/event-stream"}
    return post(host, "tools/call", params, headers=headers, **options)


def test_what_a_function_yields_is_progress_and_at_last_the_result(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    answer = progress(host, {"item": "tea", "amount": 3})
    assert answer.headers["content-type"] == "text/event-stream"
    *told, last = events(answer)
    assert [each["params"] for each in told] == [
        {"progressToken": "t", "progress": count + 1, "message": f"{count};"} for count in range(3)
    ]
    assert text(last["result"]) == "0;1;2;"
    without = call(host, "steps", {"item": "tea", "amount": 3})
    assert text(without) == "0;1;2;"
    *_, last = events(progress(host, {"item": "bad", "amount": 2}))
    assert last["result"]["isError"]
    assert "inside" not in text(last["result"])


def test_a_call_is_logged_and_limited_like_one_over_http(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG, sets=["functions.quote.max_body_size=50B"])
    with reading(tmp_path) as log:
        log.configure()
        call(host, "quote", {"item": "tea"}, headers={"function-execution-id": "abc"})
        progress(host, {"item": "bad"})
        call(host, "quote", {"item": "t" * 60})
        entries = [each for each in log.entries() if each["message"] == "invocation"]
    assert [(each["function"], each["status"]) for each in entries] == [
        ("quote", 200),
        ("steps", 200),
        ("quote", 413),
    ]
    assert entries[1]["outcome"] == "crash"
    assert (entries[0]["execution_id"], entries[0]["path"]) == ("abc", "/quote/tea")


def test_a_deadline_and_a_cancelled_call_end_the_function(serve: Serve, tmp_path: Path) -> None:
    config = "mcp: {}\nfunctions: {slow: {target: main.py:slow, tool: true, timeout: 100ms}}"
    host = serve(CODE, config)
    result = call(host, "slow", {"item": "tea"})
    assert result["isError"]
    assert (tmp_path / "stopped").exists()


def test_a_client_cancels_its_own_request_by_its_session(serve: Serve, tmp_path: Path) -> None:
    import threading
    import time

    config = "mcp: {}\nfunctions: {slow: {target: main.py:slow, tool: true}}"
    host = serve(CODE, config)
    found: list[Any] = []
    session = {"mcp-session-id": "one"}
    thread = threading.Thread(
        target=lambda: found.append(call(host, "slow", {"item": "tea"}, headers=session))
    )
    thread.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    for other in ({"mcp-session-id": "two"}, {}):
        assert host.post("/mcp", json=cancel, headers=other).status == 202
    assert not (tmp_path / "stopped").exists()
    assert host.post("/mcp", json=cancel, headers=session).status == 202
    thread.join(10)
    assert found[0]["code"] == -32800
    assert (tmp_path / "stopped").exists()


LOCKED = """
auth:
  staff: {header: X-Staff, keys: {ada: key-of-ada-1234567}}
  machines: {header: X-Machine, keys: {ci: key-of-ci-1234567}}
mcp: {auth: %s}
functions:
  whoami: {target: main.py:whoami, tool: true}
  quote: {target: main.py:quote, tool: true, auth: staff}
  report: {target: main.py:whoami, tool: true, auth: [machines, staff]}
"""
ADA, CI = {"x-staff": "key-of-ada-1234567"}, {"x-machine": "key-of-ci-1234567"}


def test_the_door_is_asked_before_anything_is_told(serve: Serve) -> None:
    host = serve(CODE, LOCKED % "staff")
    refused = post(host, "tools/list")
    assert (refused.status, refused.headers["content-type"]) == (401, "application/problem+json")
    assert "www-authenticate" in refused.headers
    assert names(host, headers=ADA) == ["whoami", "quote", "report"]
    assert text(call(host, "whoami", {"item": "x"}, headers=ADA)) == "ada of staff"


def test_a_tool_asks_its_own_door_and_is_not_listed_for_others(serve: Serve) -> None:
    host = serve(CODE, LOCKED % "public")
    assert names(host) == ["whoami"]
    assert names(host, headers=CI) == ["whoami", "report"]
    assert names(host, headers=ADA) == ["whoami", "quote", "report"]
    assert "there is no tool" in call(host, "report", {"item": "x"})["message"]
    assert text(call(host, "report", {"item": "x"}, headers=CI)) == "ci of machines"
    assert text(call(host, "whoami", {"item": "x"}, headers=CI)) == "nobody"


def test_pages_of_other_sites_and_forms_are_refused(serve: Serve) -> None:
    host = serve(CODE, CONFIG, sets=["mcp.allow_origins=['https://a.example']"])
    for headers, status in (
        ({"origin": "http://evil.example", "host": "evil.example"}, 403),
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "https://a.example"}, 200),
    ):
        answer = post(host, "ping", headers=headers)
        assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert "mcp-session-id" in answer.headers["access-control-expose-headers"]
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    permitted = host.request("OPTIONS", "/mcp", headers=asked)
    assert permitted.headers["access-control-allow-origin"] == "https://a.example"
    form = host.post("/mcp", body="{}", headers={"content-type": "text/plain"})
    assert form.status == 415


def test_a_host_of_this_machine_alone_knows_its_names(serve: Serve) -> None:
    host = serve(CODE, CONFIG, sets=["server.host=127.0.0.1"])
    assert post(host, "ping", headers={"host": "evil.example"}).status == 403


def test_other_methods_and_bodies_are_refused(serve: Serve, front: str) -> None:
    host = serve(CODE, CONFIG)
    allow = "GET, POST" if front == "asgi" else "POST"
    refused = host.request("DELETE", "/mcp")
    assert (refused.status, refused.headers["allow"]) == (405, allow)
    json_type = {"content-type": "application/json"}
    assert host.post("/mcp", body="[]", headers=json_type).status == 400
    assert host.get("/mcp/below").status == 404


def test_the_list_follows_a_reload_and_lazy_and_isolated_functions_are_in_it(
    serve: Serve, tmp_path: Path
) -> None:
    lazy = "{target: main.py:quote, tool: true, lazy: true, signature: typed}"
    apart = "{target: main.py:quote, tool: true, isolation: process}"
    host = serve(CODE, f"mcp: {{}}\nfunctions:\n  lazy: {lazy}\n  apart: {apart}\n")
    listed = rpc(host, "tools/list")["tools"]
    assert [each["name"] for each in listed] == ["lazy", "apart"]
    assert {each["outputSchema"]["title"] for each in listed} == {"Price"}
    for name in ("lazy", "apart"):
        assert call(host, name, {"item": "tea"})["structuredContent"] == {"cents": 400}
    text = (tmp_path / "functions.yaml").read_text()
    (tmp_path / "functions.yaml").write_text(text + "  new: {target: main.py:quote, tool: true}\n")
    assert host.service.reload()
    assert names(host) == ["lazy", "apart", "new"]


def test_a_tool_must_be_a_typed_function(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(
        "mcp: {}\nfunctions: {hello: {target: main.py:hello, tool: true}}"
    )
    with pytest.raises(ConfigError) as caught, client("functions.yaml", cwd=tmp_path):
        pass
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (
        "functions.hello.tool",
        "a function of signature 'http' cannot be a tool",
    )


def test_without_the_address_nothing_of_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text("functions: {quote: {target: main.py:quote}}")
    program = """
        import sys
        from ffhost.testing import client
        for front in ("asgi", "wsgi"):
            with client("functions.yaml", front=front) as host:
                assert host.post("/quote", json={"item": "tea"}).status == 200
                assert host.post("/mcp", json={}).status == 404
        names = ("ffhost.agents", "ffhost.host.agent", "ffhost.host.api_document", "ffhost.deploy")
        assert [name for name in sys.modules if name.startswith(names)] == []
    """
    command = [sys.executable, "-c", dedent(program)]
    subprocess.run(command, cwd=tmp_path, check=True)
