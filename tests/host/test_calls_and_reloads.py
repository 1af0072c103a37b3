"""Functions that call each other while the host is reloaded, drained, or has switched them off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ffhost.testing import Client
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CODE = """
import asyncio, threading
import ffhost

GATE = threading.Event()

def open_gate(request):
    GATE.set()
    return "open"

def callee(request):
    return f"n is {ffhost.current().config['n']}"

def wait_plainly(request):
    GATE.wait(5)
    return said(ffhost.call_sync("callee"))

async def wait_async(request):
    while not GATE.is_set():
        await asyncio.sleep(0.005)
    return said(await ffhost.call("callee"))

def wait_streaming(request):
    yield ""
    GATE.wait(5)
    answer = ffhost.call_sync("callee")
    yield '{"status": %d, "text": "%s"}' % (answer.status, answer.text)

def said(answer):
    return {"status": answer.status, "text": answer.text}

def ask(request):
    try:
        return said(ffhost.call_sync("callee"))
    except ffhost.CallError as error:
        return str(error)
"""
CONFIG = """
functions:
  open_gate: {target: "main.py:open_gate"}
  wait_plainly: {target: "main.py:wait_plainly"}
  wait_async: {target: "main.py:wait_async"}
  wait_streaming: {target: "main.py:wait_streaming"}
  ask: {target: "main.py:ask"}
  callee: {target: "main.py:callee", config: {n: 1}}
"""
CALLEE = '  callee: {target: "main.py:callee", config: {n: 1}}\n'


def meanwhile(host: Client, path: str, act: Callable[[], object]) -> object:
    """Call *path*, run *act* while it waits, open the gate, and return the answer."""
    answers: list[object] = []
    caller = threading.Thread(target=lambda: answers.append(host.get(path).json()))
    caller.start()
    assert eventually(lambda: host.service.in_flight == 1)
    act()
    host.get("/open_gate")
    caller.join(10)
    return answers[0]


@pytest.mark.parametrize("path", ["/wait_plainly", "/wait_async", "/wait_streaming"])
def test_a_call_begun_before_a_reload_ends_on_the_host_it_began_on(
    serve: Serve, tmp_path: Path, path: str
) -> None:
    host = serve(CODE, CONFIG)

    def reload() -> None:
        (tmp_path / "functions.yaml").write_text(CONFIG.replace("n: 1", "n: 2"))
        assert host.service.reload()

    assert meanwhile(host, path, reload) == {"status": 200, "text": "n is 1"}
    assert host.get("/ask").json() == {"status": 200, "text": "n is 2"}


def test_a_test_keeps_its_fakes_and_its_record_when_it_reloads(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(CODE, CONFIG)
    made = host.calls
    host.replace("callee", "a fake")
    for n in (2, 3):
        (tmp_path / "functions.yaml").write_text(CONFIG.replace("n: 1", f"n: {n}"))
        assert host.service.reload()
        assert host.get("/ask").json() == {"status": 200, "text": "a fake"}
    host.replace("callee", "another")
    assert host.get("/ask").json()["text"] == "another"
    assert [each.answer.text for each in made if each.answer] == ["a fake", "a fake", "another"]


def test_a_removed_function_still_answers_those_who_called_before(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(CODE, CONFIG)

    def reload() -> None:
        (tmp_path / "functions.yaml").write_text(CONFIG.replace(CALLEE, ""))
        assert host.service.reload()

    assert meanwhile(host, "/wait_plainly", reload) == {"status": 200, "text": "n is 1"}
    assert host.get("/ask").text == "there is no function 'callee'"


def test_a_draining_host_still_answers_its_functions(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    found = meanwhile(host, "/wait_async", host.service.begin_drain)
    assert found == {"status": 200, "text": "n is 1"}


@pytest.mark.parametrize(
    ("switch", "status"), [("enabled: false", 503), ("enabled: false, gone: true", 410)]
)
def test_a_function_that_is_switched_off_answers_as_over_http(
    serve: Serve, tmp_path: Path, switch: str, status: int
) -> None:
    host = serve(CODE, CONFIG)
    off = CALLEE.replace("{target", f"{{{switch}, target")
    (tmp_path / "functions.yaml").write_text(CONFIG.replace(CALLEE, off))
    assert host.service.reload()
    assert host.get("/callee").status == status
    assert host.get("/ask").json()["status"] == status
