"""Streamed answers on both fronts: who makes the chunks, and who closes them."""

from __future__ import annotations

import logging

import pytest

from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CONFIG = """
functions:
  f: {target: "main.py:f", timeout: 5s}
  seen: {target: "main.py:seen"}
"""
CODE = """
import asyncio, time
events = []

def seen(request):
    return ",".join(events)

def chunks(count, wait):
    try:
        for number in range(count):
            yield f"{number};"
            time.sleep(wait)
    finally:
        events.append("closed")

async def async_chunks(count, wait):
    try:
        for number in range(count):
            yield f"{number};"
            await asyncio.sleep(wait)
    finally:
        events.append("closed")

"""
MAKERS = {
    "a generator function": "def f(request):\n    yield from chunks({0}, {1})",
    "a function that returns a generator": "def f(request): return chunks({0}, {1})",
    "an async generator function": (
        "async def f(request):\n    async for each in async_chunks({0}, {1}): yield each"
    ),
    "a coroutine function that returns an async generator": (
        "async def f(request): return async_chunks({0}, {1})"
    ),
    "a function that returns an async generator": "def f(request): return async_chunks({0}, {1})",
    "a coroutine function that returns a generator": (
        "async def f(request): return chunks({0}, {1})"
    ),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS.keys())
def maker(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_chunks_are_sent_one_by_one(serve: Serve, maker: str) -> None:
    host = serve(CODE + maker.format(4, 0), CONFIG)
    answer = host.get("/f")
    assert answer.chunks == [b"0;", b"1;", b"2;", b"3;"]
    assert "content-length" not in answer.headers
    assert answer.headers["function-execution-id"]
    assert eventually(lambda: host.get("/seen").text == "closed")


def test_a_client_that_leaves_closes_the_generator_and_frees_the_slot(
    serve: Serve, maker: str
) -> None:
    host = serve(CODE + maker.format(1000, 0.01), CONFIG)
    assert len(host.get("/f", disconnect_after=2).chunks) == 2
    assert eventually(lambda: host.get("/seen").text == "closed")
    assert eventually(lambda: host.service.in_flight == 0)


def test_head_runs_no_stream(serve: Serve, maker: str) -> None:
    host = serve(CODE + maker.format(1000, 0.01), CONFIG)
    answer = host.request("HEAD", "/f")
    assert (answer.status, answer.chunks) == (200, [])
    assert "content-length" not in answer.headers
    assert eventually(lambda: host.service.in_flight == 0)


def test_head_has_the_length_that_a_function_declares_of_its_stream(serve: Serve) -> None:
    code = "\ndef f(request):\n    return (c for c in 'ab'), 200, {'Content-Length': '2'}"
    host = serve(CODE + code, CONFIG)
    answer = host.request("HEAD", "/f")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "2"


def test_a_deadline_cuts_the_stream_without_its_end(serve: Serve, maker: str) -> None:
    host = serve(CODE + maker.format(1000, 0.05), CONFIG.replace("5s", "300ms"))
    answer = host.get("/f")
    assert answer.cut
    assert 2 <= len(answer.chunks) < 8
    assert eventually(lambda: host.get("/seen").text == "closed")
    assert eventually(lambda: host.service.in_flight == 0)


def test_an_error_after_the_headers_cuts_the_stream(serve: Serve) -> None:
    host = serve(CODE + "def f(request):\n    yield 'a'\n    raise SystemExit(3)", CONFIG)
    answer = host.get("/f")
    assert (answer.status, answer.chunks, answer.cut) == (200, [b"a"], True)
    assert host.get("/seen").status == 200


CLEAN_UPS = {
    "a plain function": """
class Chunks:
    left = ["b", "a"]
    def __iter__(self): return self
    def __next__(self):
        if not self.left: raise StopIteration
        return self.left.pop()
    def close(self): raise ValueError("in the clean-up")

def f(request): return Chunks()
""",
    "a coroutine function": """
class Chunks:
    left = ["b", "a"]
    def __aiter__(self): return self
    async def __anext__(self):
        if not self.left: raise StopAsyncIteration
        return self.left.pop()
    async def aclose(self): raise ValueError("in the clean-up")

async def f(request): return Chunks()
""",
}


@pytest.mark.parametrize("code", CLEAN_UPS.values(), ids=CLEAN_UPS.keys())
def test_an_error_in_the_clean_up_is_a_crash_after_a_whole_answer(
    serve: Serve, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = serve(CODE + code, CONFIG)
    answer = host.get("/f")
    assert (answer.status, answer.body, answer.cut) == (200, b"ab", False)
    assert eventually(lambda: host.service.in_flight == 0)
    (entry,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert entry.getMessage() == "function_crashed"


def test_an_error_before_the_first_chunk_is_a_crash(serve: Serve) -> None:
    host = serve(CODE + "def f(request):\n    raise ValueError\n    yield 'a'", CONFIG)
    answer = host.get("/f")
    assert (answer.status, answer.cut) == (500, False)
    assert answer.headers["x-google-status"] == "crash"


def test_a_stream_without_chunks_is_an_empty_body(serve: Serve) -> None:
    host = serve(CODE + "def f(request):\n    return\n    yield 'a'", CONFIG)
    answer = host.get("/f")
    assert (answer.status, answer.body, answer.cut) == (200, b"", False)


def test_a_slow_client_holds_the_generator_back(serve: Serve) -> None:
    host = serve(
        CODE + "made = 0\ndef f(request):\n    global made\n"
        "    for made in range(5000):\n        yield b'x'\n"
        "def count(request): return str(made)",
        CONFIG + '  count: {target: "main.py:count"}\n',
    )
    host.get("/f", disconnect_after=3)
    assert eventually(lambda: host.service.in_flight == 0)
    assert int(host.get("/count").text) < 100
