"""What threads know of the call in which they were started: the call, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Serve

CODE = """
import asyncio, contextvars, threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
import ffhost

MINE = contextvars.ContextVar("mine", default="nothing")
pool = ThreadPoolExecutor(1)
other_pool = None

def known():
    try:
        return [ffhost.current().execution_id, MINE.get()]
    except LookupError:
        return None

def run(thread):
    thread.start()
    thread.join()
    return thread.found

class Own(threading.Thread):
    def run(self):
        self.found = known()

def plain():
    thread = threading.Thread(target=lambda: setattr(thread, "found", known()))
    return run(thread)

def timer():
    thread = threading.Timer(0, lambda: setattr(thread, "found", known()))
    return run(thread)

def nested():
    found = []
    thread = threading.Thread(target=lambda: found.append(plain()))
    thread.start(); thread.join()
    return found[0]

def thread_pool():
    global other_pool
    other_pool = other_pool or ThreadPool(1)
    return other_pool.apply(known)

def look(request):
    import a_library
    MINE.set("set in the call")
    ways = {
        "plain": plain, "timer": timer, "nested": nested, "own": lambda: run(Own()),
        "submitted": lambda: pool.submit(known).result(),
        "mapped": lambda: list(pool.map(lambda _: known(), [1]))[0],
        "thread pool": thread_pool,
        "library": lambda: a_library.in_thread(known),
        "pool of library": lambda: a_library.in_pool(known),
    }
    return {"found": ways[request.args["how"]]()}
"""
LIBRARY = """
import threading
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start(); thread.join()
    return found[0]
def in_pool(work):
    return pool.submit(work).result()
"""
CONFIG = """
logging: {format: json, invocations: false}
functions:
  look: {target: "main.py:look"}
"""


@pytest.mark.parametrize("how", ["plain", "timer", "nested", "own", "submitted", "mapped"])
def test_threads_of_user_code_know_their_call_and_nothing_else_of_its_context(
    serve: Serve, tmp_path: Path, how: str
) -> None:
    """Each item of a pool that outlives the call knows the call that submitted it."""
    (tmp_path / "a_library.py").write_text(LIBRARY)
    host = serve(CODE, CONFIG)
    for number in ("first", "second"):
        answer = host.get(f"/look?how={how}", headers={"Function-Execution-Id": number})
        assert answer.json() == {"found": [number, "nothing"]}


@pytest.mark.parametrize("how", ["thread pool", "library", "pool of library"])
def test_threads_of_pools_and_libraries_know_no_call(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """They may serve anybody later."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "a_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    assert serve(CODE, CONFIG).get(f"/look?how={how}").json() == {"found": None}
