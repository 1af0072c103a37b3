"""Functions that wait for one of another host while that host reloads or drains."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.serving import Running, eventually, gunicorn, server

MAIN = """
import asyncio, os, pathlib, time
import ffhost

HERE = pathlib.Path(__file__).parent

def n():
    return ffhost.current().config.get("n", 1)

def wait(identity):
    (HERE / f"begun-{identity}").touch()
    while not (HERE / "go-on").exists():
        time.sleep(0.005)

def whole(request):
    if "wait" in request.args:
        wait(ffhost.current().execution_id)
    return f"n is {n()}"

def words(request):
    yield "n "
    if "wait" in request.args:
        wait(ffhost.current().execution_id)
    yield f"is {n()}"

def ask(name, path):
    answer = ffhost.call_sync(name, path=path, stream=True)
    return answer.status, b"".join(answer).decode()

async def ask_async(name, path):
    answer = await ffhost.call(name, path=path, stream=True)
    return answer.status, b"".join([chunk async for chunk in answer]).decode()

async def order(request):
    name, path = request.args["name"], request.args["path"]
    try:
        if "plainly" in request.args:
            return list(await asyncio.to_thread(ask, name, path))
        return list(await ask_async(name, path))
    except ffhost.CallError as error:
        return [0, str(error)]
"""
CALLEES = "whole words"
WAYS = [f"name={name}{way}" for name in CALLEES.split() for way in ("", "&plainly=1")]


class Hosts(NamedTuple):
    caller: Running
    callee: Running

    def ask(self, way: str, path: str = "", identity: str = "i") -> Any:
        """Call *order*, which calls a function of the other host."""
        connection = self.caller.connection()
        try:
            headers = {"Function-Execution-Id": identity}
            connection.request("GET", f"/order?{way}&path={path}", headers=headers)
            answer = connection.getresponse()
            return json.loads(answer.read())
        finally:
            connection.close()

    def begin(self, pool: ThreadPoolExecutor, mark: str) -> list[Future[Any]]:
        """Make a waiting call in each way, and return once all have begun."""
        (self.callee.folder / "go-on").unlink(missing_ok=True)
        identities = [f"{mark}-{number}" for number in range(len(WAYS))]
        calls = [
            pool.submit(self.ask, way, "%3Fwait=1", identity)
            for way, identity in zip(WAYS, identities, strict=True)
        ]
        for identity in identities:
            begun = self.callee.folder / f"begun-{identity}"
            eventually(begun.exists, f"{identity} begins")
        return calls

    def go_on(self) -> None:
        (self.callee.folder / "go-on").touch()


@pytest.fixture(scope="module", params=["serve", "gthread"])
def hosts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosts]:
    start: Any = {"serve": server, "gthread": gunicorn}[request.param]
    sets = ("config_reload.interval=200ms", "server.drain_delay=2s")
    here, there = (tmp_path_factory.mktemp(name) for name in ("caller", "callee"))
    with start(there, *sets, source=MAIN, functions=CALLEES) as callee:
        host, port = callee.address
        names = CALLEES.split()
        urls = {f"FFHOST_FUNCTIONS__{n.upper()}__URL": f"http://{host}:{port}/{n}" for n in names}
        environ = {**urls, "FUNCTION_TARGET": "order", "FFHOST_CONFIG": "functions.yaml"}
        functions = f"order {CALLEES}"
        with start(here, source=MAIN, functions=functions, environ=environ) as caller:
            caller.urls()
            yield Hosts(caller, callee)


def test_a_call_begun_before_a_reload_of_the_other_host_ends_as_it_began(hosts: Hosts) -> None:
    file = hosts.callee.folder / "functions.yaml"
    before = file.read_text()
    with ThreadPoolExecutor(len(WAYS)) as pool:
        calls = hosts.begin(pool, "reload")
        file.write_text(before.replace("'}", "', config: {n: 2}}"))
        for way in WAYS:
            eventually(lambda way=way: hosts.ask(way) == [200, "n is 2"], "it has reloaded")
        hosts.go_on()
        assert [each.result() for each in calls] == [[200, "n is 1"]] * len(WAYS)
    file.write_text(before)
    eventually(lambda: hosts.ask(WAYS[0]) == [200, "n is 1"], "it has reloaded")


def test_a_host_that_drains_answers_the_functions_of_others_to_the_end(hosts: Hosts) -> None:
    with ThreadPoolExecutor(len(WAYS)) as pool:
        calls = hosts.begin(pool, "drain")
        hosts.callee.send(signal.SIGTERM)
        assert [hosts.ask(way) for way in WAYS] == [[200, "n is 1"]] * len(WAYS)
        hosts.go_on()
        assert [each.result() for each in calls] == [[200, "n is 1"]] * len(WAYS)
    assert hosts.callee.wait() == 0
    for way in WAYS:
        status, error = hosts.ask(way)
        assert (status, error.partition(" at ")[0][-17:]) == (0, "cannot be reached")
