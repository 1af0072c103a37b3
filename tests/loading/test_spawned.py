"""`multiprocessing` by spawn and forkserver from private modules."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.serving import Running, server

SOURCE = """
import json, multiprocessing, os
import functions_framework
from helper import twice

class Point:
    def __init__(self, x): self.x = x
    def moved(self): return Point(twice(self.x))

def work(queue, point):
    queue.put(point.moved().x)

def again(x):
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(twice, (x,))

@functions_framework.http
def one(request):
    context = multiprocessing.get_context(request.args["by"])
    queue = context.Queue()
    child = context.Process(target=work, args=(queue, Point(3)))
    child.start()
    found = queue.get(timeout=10)
    child.join(10)
    return json.dumps([found, child.exitcode])

@functions_framework.http
def pool(request):
    context = multiprocessing.get_context(request.args["by"])
    with context.Pool(1) as workers:
        return json.dumps(workers.map(twice, [1, 2]))

@functions_framework.http
def nested(request):
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return str(executor.submit(again, 4).result(20))

@functions_framework.http
def cannot(request):
    try:
        multiprocessing.get_context("spawn").Process(target=lambda: None).start()
    except Exception as error:
        return str(error)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose functions start processes."""
    folder = tmp_path_factory.mktemp("spawned")
    (folder / "helper.py").write_text("def twice(x):\n    return 2 * x\n")
    with server(folder, source=SOURCE, functions="one pool nested cannot") as running:
        yield running


@pytest.mark.parametrize("by", ["spawn", "forkserver"])
def test_a_process_runs_a_function_of_a_private_module(running: Running, by: str) -> None:
    assert json.loads(running.get(f"/one?by={by}")) == [6, 0]


@pytest.mark.parametrize("by", ["spawn", "forkserver"])
def test_a_pool_runs_a_function_of_another_private_module(running: Running, by: str) -> None:
    assert json.loads(running.get(f"/pool?by={by}")) == [2, 4]


def test_a_process_that_was_started_starts_others(running: Running) -> None:
    assert running.get("/nested") == "8"


def test_what_cannot_be_sent_fails_at_once_and_says_why(running: Running) -> None:
    assert "lambda" in running.get("/cannot")
