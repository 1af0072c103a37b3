"""The official SDK's client against real servers, on both fronts and in all of its modes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.orders import QUOTE
from tests.serving import Running, gunicorn, server

pytestmark = pytest.mark.skipif(
    find_spec("mcp") is None, reason="the SDK is not installed: pip install 'ffhost[agents]'"
)

SOURCE = (
    QUOTE
    + """
import asyncio, pathlib

@ffhost.typed
def broken(order: Order) -> Price:
    raise ValueError("the inside")

@ffhost.typed
async def steps(order: Order):
    for step in range(order.amount):
        yield f"{step};"

@ffhost.typed
async def slow(order: Order) -> Price:
    pathlib.Path(f"begun-{order.item}").touch()
    try:
        await asyncio.sleep(30)
    finally:
        pathlib.Path(f"stopped-{order.item}").touch()
"""
)
FUNCTIONS = ("quote", "broken", "steps", "slow")
SETS = (
    "mcp.path=/mcp",
    "config_reload.interval=50ms",
    *(f"functions.{n}.tool=true" for n in FUNCTIONS),
)
MODES = ("legacy", "auto", "2026-07-28")


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    start = server if request.param == "asgi" else gunicorn
    folder = tmp_path_factory.mktemp(f"agents-{request.param}")
    # Behind gunicorn's threads a client's idle connections would each keep one.
    options = {} if request.param == "asgi" else {"options": ("--threads", "8")}
    with start(folder, *SETS, source=SOURCE, functions=" ".join(FUNCTIONS), **options) as started:
        yield started


def within(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def connected(running: Running, mode: str) -> Any:
    from mcp import Client

    host, port = running.address
    return Client(f"http://{host}:{port}/mcp", mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_client_lists_calls_and_hears_of_progress_and_errors(
    running: Running, mode: str
) -> None:
    from mcp.shared.exceptions import MCPError

    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, _total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def talk() -> None:
        async with connected(running, mode) as agent:
            assert [tool.name for tool in (await agent.list_tools()).tools] == list(FUNCTIONS)
            priced = await agent.call_tool("quote", {"item": "tea", "amount": 2})
            assert priced.structured_content == {"cents": 800}
            steps = {"item": "tea", "amount": 3}
            streamed = await agent.call_tool("steps", steps, progress_callback=hear)
            assert streamed.content[0].text == "0;1;2;"
            failed = await agent.call_tool("broken", {"item": "tea"})
            assert failed.is_error
            assert "execution id" in failed.content[0].text
            assert "inside" not in failed.content[0].text
            with pytest.raises(MCPError, match="there is no tool"):
                await agent.call_tool("missing", {})

    within(talk())
    assert told == [(1, "0;"), (2, "1;"), (3, "2;")]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_who_gives_up_cancels_the_function(running: Running, mode: str) -> None:
    if mode == "2026-07-28" and "agents-wsgi" in str(running.folder):
        pytest.skip("a WSGI server does not tell that a client has left")
    begun, stopped = (running.folder / f"{word}-{mode}" for word in ("begun", "stopped"))

    async def talk() -> None:
        async with connected(running, mode) as agent:
            call = asyncio.create_task(agent.call_tool("slow", {"item": mode}))
            while not begun.exists():
                await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.wait({call})
            while not stopped.exists():
                await asyncio.sleep(0.01)
            # The SDK fails if the answer to what it gave up arrives while it closes.
            assert (await agent.list_tools()).tools

    within(talk())


def test_who_listens_hears_that_a_reload_has_changed_the_list(running: Running) -> None:
    if "agents-wsgi" in str(running.folder):
        pytest.skip("waiting for changes is not offered behind a WSGI server")

    async def talk() -> None:
        async with connected(running, "auto") as agent:
            async with agent.listen(tools_list_changed=True) as changes:
                _rewrite(running.folder)
                await anext(aiter(changes))
            names = [tool.name for tool in (await agent.list_tools()).tools]
            assert names == [*FUNCTIONS, "other"]

    within(talk())


def _rewrite(folder: Path) -> None:
    file = folder / "functions.yaml"
    file.write_text(file.read_text() + "  other: {target: 'main.py:quote', tool: true}\n")


def test_a_server_with_a_client_that_listens_drains_and_ends(tmp_path: Path) -> None:
    import http.client
    import signal

    with server(tmp_path, *SETS, source=SOURCE, functions=" ".join(FUNCTIONS)) as started:
        connection = http.client.HTTPConnection(*started.address, timeout=20)
        connection.request("GET", "/mcp", headers={"Accept": "text/event-stream"})
        answer = connection.getresponse()
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.readline() == b": listening\n"
        started.send(signal.SIGTERM)
        assert started.wait() == 0
        answer.read()
        connection.close()
        last = started.entries("invocation")
        assert not last, json.dumps(last)


def test_the_listener_of_a_client_that_left_is_forgotten(tmp_path: Path) -> None:
    from ffhost.agents.rpc import JsonRpcError
    from ffhost.host.list_changes import MOST_LISTENERS, ToolListListeners, tool_list_changes
    from ffhost.testing import client

    (tmp_path / "main.py").write_text(SOURCE)
    (tmp_path / "functions.yaml").write_text(
        "mcp: {}\nfunctions: {quote: {target: main.py:quote, tool: true}}\n"
    )

    async def listen(service: Any) -> None:
        listeners = ToolListListeners()
        stream = tool_list_changes(service, listeners, None)
        assert await anext(stream) == b": listening\n\n"
        assert listeners.count == 1
        await stream.aclose()  # type: ignore[attr-defined]
        assert listeners.count == 0
        listeners.count = MOST_LISTENERS
        with pytest.raises(JsonRpcError):
            tool_list_changes(service, listeners, None)

    with client("functions.yaml", cwd=tmp_path) as host:
        asyncio.run(listen(host.service))
