"""A function that is interrupted while it calls another one: nothing of the host is lost."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ffhost.execution.caller import stop_running_call
from ffhost.invocation.current import CURRENT
from ffhost.testing import Client, client
from tests.execution.test_deadlines import eventually

MAIN = """
import threading
import ffhost
from tests.host.test_interrupted_calls import interrupted_at

STARTED, LET_GO = threading.Event(), threading.Event()

def callee(request):
    return "hello"

def words(request):
    yield "a"
    yield "b"

def deaf(request):
    STARTED.set()
    LET_GO.wait(30)
    return "late"

def caller(request):
    with interrupted_at(int(request.args["at"])):
        ffhost.call_sync("callee")
    return "not interrupted"

def reader(request):
    with interrupted_at(int(request.args["at"])):
        with ffhost.call_sync("words", stream=True) as answer:
            list(answer)
    return "not interrupted"

def patient(request):
    ffhost.call_sync("deaf")

async def leaver(request):
    import asyncio
    task = asyncio.ensure_future(ffhost.call("patient"))
    await asyncio.get_running_loop().run_in_executor(None, STARTED.wait, 10)
    task.cancel()
    return "left"
"""
NAMES = ("callee", "words", "deaf", "caller", "reader", "patient", "leaver")


class interrupted_at:
    """Interrupts the running call at the *nth* call of a function of the host from here."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        call = CURRENT.get()
        assert call is not None
        self._call = call

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and "/ffhost/" in frame.f_code.co_filename:
            self._left -= 1
            if self._left == 0:
                sys.setprofile(None)
                self._call.cancelled = True
                striker = threading.Thread(target=stop_running_call, args=(self._call,))
                striker.start()
                striker.join(0.05)  # it may want a lock that this thread has
                soon = time.monotonic() + 0.003  # until then an exception has been raised here
                while time.monotonic() < soon:
                    pass


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def host(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("interrupted")
    (folder / "main.py").write_text(MAIN)
    functions = {name: {"target": f"main.py:{name}"} for name in NAMES}
    (folder / "functions.yaml").write_text(json.dumps({"functions": functions}))
    with client(folder, front=request.param) as made:
        yield made


def running(host: Client) -> dict[str, int]:
    functions = host.service.host.functions
    return {name: each.slots.running for name, each in functions.items() if each.slots.running}


# Where the exception meets a callback of a weak reference, Python reports and drops it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["caller", "reader"])
def test_no_slot_and_no_thread_is_lost_wherever_the_caller_is_interrupted(
    host: Client, name: str
) -> None:
    answers = {host.get(f"/{name}?at={at}").status for at in range(1, 110, 3)}
    assert answers <= {200, 499}
    assert 499 in answers
    eventually(lambda: running(host) == {})
    assert host.get("/callee").text == "hello"


def test_a_caller_that_is_left_does_not_wait_for_a_callee_that_does_not_end(host: Client) -> None:
    module = host.service.host.functions["deaf"].module
    assert module is not None
    module.STARTED.clear()
    module.LET_GO.clear()
    assert host.get("/leaver").text == "left"
    eventually(lambda: running(host) == {"deaf": 1})
    module.LET_GO.set()
    eventually(lambda: running(host) == {})
