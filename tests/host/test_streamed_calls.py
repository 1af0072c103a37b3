"""Streams of functions that are called by name: chunks as they come, and closed with the caller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ffhost
from ffhost.host.streamed_answer import CUT
from ffhost.testing import Client, client
from tests.execution.test_deadlines import eventually
from tests.log_reading import reading

MAIN = """
import asyncio, time
import ffhost

GO_ON = __import__("threading").Event()

def words(request):
    yield "a"
    yield "bc"

async def words_async(request):
    yield b"a"
    yield b"bc"

def waiting(request):
    GO_ON.clear()
    yield "first"
    GO_ON.wait(5)
    yield "second"

def go_on(request):
    GO_ON.set()
    return "on"

ENDED = []

def endless(request):
    try:
        while True:
            yield b"x" * 9000
    finally:
        ENDED.append(ffhost.current().execution_id)

async def endless_async(request):
    try:
        while True:
            yield b"x" * 9000
    finally:
        ENDED.append(ffhost.current().execution_id)

async def silent(request):
    try:
        yield b"x"
        await asyncio.sleep(30)
    finally:
        ENDED.append(ffhost.current().execution_id)

def ended(request):
    return ENDED

def failing(request):
    yield "a"
    raise RuntimeError("secret")

async def late(request):
    yield "a"
    await asyncio.sleep(30)

def late_plainly(request):
    yield "a"
    time.sleep(0.3)
    yield "b"

def whole(request):
    return "whole"

def crash(request):
    raise RuntimeError

def read_plainly(request):
    chunks = []
    try:
        answer = ffhost.call_sync(request.args["name"], stream=True).raise_for_status()
        for chunk in answer:
            chunks.append(chunk.decode())
            if chunk == b"first":
                ffhost.call_sync("go_on")
    except ffhost.CallError as error:
        return {"chunks": chunks, "error": str(error)}
    return {"chunks": chunks, "type": answer.headers["content-type"]}

async def read_async(request):
    chunks = []
    try:
        answer = (await ffhost.call(request.args["name"], stream=True)).raise_for_status()
        async for chunk in answer:
            chunks.append(chunk.decode())
            if chunk == b"first":
                await ffhost.call("go_on")
    except ffhost.CallError as error:
        return {"chunks": chunks, "error": str(error)}
    return {"chunks": chunks, "type": answer.headers["content-type"]}

KEPT = []

def leave_plainly(request):
    answer = ffhost.call_sync(request.args["name"], stream=True)
    KEPT.append(answer)
    return str(len(next(answer)))

async def leave_async(request):
    answer = await ffhost.call(request.args["name"], stream=True)
    KEPT.append(answer)
    return str(len(await anext(answer)))

def forget(request):
    next(ffhost.call_sync("endless", stream=True))
    while ffhost.current().execution_id not in ENDED:
        time.sleep(0.005)
    return "closed"

def close_plainly(request):
    with ffhost.call_sync(request.args["name"], stream=True) as answer:
        next(answer)
    for _ in range(400):
        if ffhost.current().execution_id in ffhost.call_sync("ended").json():
            return "closed"
        time.sleep(0.005)

async def close_async(request):
    async with await ffhost.call(request.args["name"], stream=True) as answer:
        await anext(answer)
    for _ in range(400):
        if ffhost.current().execution_id in (await ffhost.call("ended")).json():
            return "closed"
        await asyncio.sleep(0.005)

async def stop_waiting(request):
    answer = await ffhost.call("silent", stream=True)
    await anext(answer)
    task = asyncio.ensure_future(anext(answer))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    try:
        await anext(answer)
    except (StopAsyncIteration, ffhost.CallError) as error:
        return type(error).__name__

async def user_loop(request):
    def run():
        async def read():
            answer = await ffhost.call("words_async", stream=True)
            return [chunk.decode() async for chunk in answer]
        return asyncio.run(read())
    return await asyncio.to_thread(run)

def pass_on(request):
    return ffhost.call_sync("words", stream=True)

async def pass_on_async(request):
    return ffhost.Response(await ffhost.call("words", stream=True), content_type="text/plain")

def gather(request):
    return ffhost.call_sync(request.args["name"]).text

def whole_plainly(request):
    return ffhost.call_sync("words", stream=True).whole().text

async def whole_async(request):
    return (await (await ffhost.call("words", stream=True)).whole()).text

async def stop_async(request):
    return await stop_waiting(request)

def isolated_plainly(request):
    return globals()[request.args["act"] + "_plainly"](request)

async def isolated_async(request):
    return await globals()[request.args["act"] + "_async"](request)

def isolated_whole(request):
    return "whole"

def isolated_words(request):
    return words(request)

async def isolated_words_async(request):
    return words_async(request)

def isolated_failing(request):
    yield from failing(request)

async def isolated_late(request):
    yield "a"
    await asyncio.sleep(30)

def isolated_endless(request):
    yield from endless(request)

async def isolated_silent(request):
    async for chunk in silent(request):
        yield chunk

def isolated_pass_on(request):
    return ffhost.call_sync("isolated_words_async", stream=True)
"""
PLAIN = re.findall(r"^(?:async )?def (\w+)\(request\)", MAIN, re.M)
ISOLATED = [name for name in PLAIN if name.startswith("isolated")]


def config() -> str:
    lines = ["defaults: {timeout: 5s}", "functions:"]
    for name in set(PLAIN) - set(ISOLATED):
        timeout = ", timeout: 100ms" if name.startswith("late") else ""
        lines.append(f"  {name}: {{target: 'main.py:{name}'{timeout}}}")
    for name in ISOLATED:
        timeout = ", timeout: 400ms" if name == "isolated_late" else ""
        lines.append(f"  {name}: {{target: 'main.py:{name}', isolation: process{timeout}}}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "main.py").write_text(MAIN)
    (folder / "functions.yaml").write_text(config())
    with client(folder, front=request.param) as made:
        yield made


@pytest.fixture(params=["plainly", "async", "isolated-plainly", "isolated-async"])
def kind(request: pytest.FixtureRequest) -> Any:
    where, _, way = request.param.rpartition("-")
    return lambda act: f"/isolated_{way}?act={act}&" if where else f"/{act}_{way}?"


@pytest.mark.parametrize("name", ["words", "words_async", "isolated_words", "isolated_words_async"])
def test_the_chunks_of_a_stream_come_one_by_one(host: Client, kind: Any, name: str) -> None:
    answer = host.get(f"{kind('read')}name={name}").json()
    assert answer == {"chunks": ["a", "bc"], "type": "text/html; charset=utf-8"}


def test_a_chunk_comes_before_the_next_one_is_made(host: Client, kind: Any) -> None:
    answer = host.get(f"{kind('read')}name=waiting").json()
    assert answer["chunks"] == ["first", "second"]


@pytest.mark.parametrize("name", ["whole", "isolated_whole"])
def test_what_is_not_a_stream_comes_as_one_chunk(host: Client, kind: Any, name: str) -> None:
    assert host.get(f"{kind('read')}name={name}").json()["chunks"] == ["whole"]


def test_a_refusal_is_an_answer_and_not_a_cut(host: Client, kind: Any) -> None:
    answer = host.get(f"{kind('read')}name=crash").json()
    assert answer["chunks"] == []
    assert answer["error"].startswith("the function answered 500")


@pytest.mark.parametrize(
    "name", ["failing", "late", "late_plainly", "isolated_failing", "isolated_late"]
)
def test_a_stream_that_fails_or_is_late_is_cut(host: Client, kind: Any, name: str) -> None:
    answer = host.get(f"{kind('read')}name={name}").json()
    assert answer == {"chunks": ["a"], "error": CUT}


def test_a_cut_also_ends_a_call_that_wants_the_whole_body(host: Client) -> None:
    assert host.get("/gather?name=failing").status == 500
    assert host.get("/gather?name=words_async").text == "abc"


@pytest.mark.parametrize("name", ["endless", "endless_async", "silent"])
def test_a_stream_is_closed_when_its_caller_ends(host: Client, kind: Any, name: str) -> None:
    path = f"{kind('leave')}name={name}"
    identity = "".join(filter(str.isalnum, path))
    answer = host.get(path, headers={"Function-Execution-Id": identity})
    assert answer.status == 200
    assert eventually(lambda: identity in host.get("/ended").json())
    assert eventually(lambda: host.service.host.functions[name].slots.running == 0)


@pytest.mark.parametrize("name", ["isolated_endless", "isolated_silent"])
def test_a_stream_of_a_process_is_closed_when_its_caller_ends(
    host: Client, kind: Any, name: str
) -> None:
    function = host.service.host.functions[name]
    processes: Any = function.processes
    assert host.get(f"{kind('leave')}name={name}").status == 200
    assert eventually(lambda: function.slots.running == 0)
    assert processes.replaced == 0


@pytest.mark.parametrize("name", ["endless", "silent"])
def test_a_stream_is_closed_when_its_with_statement_is_left(
    host: Client, kind: Any, name: str
) -> None:
    path = f"{kind('close')}name={name}"
    headers = {"Function-Execution-Id": "".join(filter(str.isalnum, path))}
    assert host.get(path, headers=headers).text == "closed"


def test_a_stream_that_nobody_refers_to_is_closed(host: Client) -> None:
    assert host.get("/forget", headers={"Function-Execution-Id": "forget"}).text == "closed"


@pytest.mark.parametrize("path", ["/stop_waiting", "/isolated_async?act=stop"])
def test_who_stops_waiting_for_a_chunk_stops_the_function(host: Client, path: str) -> None:
    identity = path[1:9]
    answer = host.get(path, headers={"Function-Execution-Id": identity})
    assert answer.text in ("StopAsyncIteration", "CallError")
    assert eventually(lambda: identity in host.get("/ended").json())


def test_a_loop_of_the_users_own_may_read_a_stream(host: Client) -> None:
    assert host.get("/user_loop").json() == ["a", "bc"]


def test_a_streamed_answer_may_be_the_result_of_a_function(host: Client) -> None:
    assert host.get("/pass_on").chunks == [b"a", b"bc"]
    assert host.get("/isolated_pass_on").chunks == [b"a", b"bc"]
    answer = host.get("/pass_on_async")
    assert (answer.chunks, answer.headers["content-type"]) == ([b"a", b"bc"], "text/plain")


def test_the_rest_of_a_stream_may_be_asked_for_as_a_whole(host: Client, kind: Any) -> None:
    assert host.get(kind("whole")).text == "abc"


def test_fakes_stream_and_streams_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "functions.yaml").write_text(config().replace(", isolation: process", ""))

    def numbers(call: Any) -> Any:
        yield "1"
        yield "2"

    async def numbers_async(call: Any) -> Any:
        yield b"3"
        yield b"4"

    def broken(call: Any) -> Any:
        yield "5"
        raise RuntimeError

    with client(tmp_path) as host:
        made = host.calls
        for way in ("plainly", "async"):
            host.get(f"/leave_{way}?name=words")
            for fake, expected in ((numbers, ["1", "2"]), (numbers_async, ["3", "4"])):
                host.replace("words", fake)
                answer = host.get(f"/read_{way}?name=words")
                assert answer.status == 500 or answer.json()["chunks"] == expected
                assert host.get("/gather?name=words").text == "".join(expected)
            host.replace("words", broken)
            assert host.get(f"/read_{way}?name=words").json() == {"chunks": ["5"], "error": CUT}
            del host.service.host.replacements["words"]
    bodies = [each.answer.body for each in made if each.answer is not None]
    assert bodies == [b"a", b"12", b"12", b"34", b"34", b"5"] * 2


def test_the_entry_of_a_stream_says_how_it_ended(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "functions.yaml").write_text(config().replace(", isolation: process", ""))
    with reading(tmp_path) as log:
        log.configure()
        with client(tmp_path) as host:
            for way in ("plainly", "async"):
                host.get(f"/read_{way}?name=words")
                host.get(f"/read_{way}?name=failing")
                host.get(f"/leave_{way}?name=endless")
                host.get(f"/read_{way}?name=late")
        entries = log.entries()
    found = [
        (each["function"], each["outcome"])
        for each in entries
        if each["message"] == "invocation" and "caller" in each
    ]
    each_way = [
        ("words", "ok"),
        ("failing", "crash"),
        ("endless", "cancelled"),
        ("late", "timeout"),
    ]
    assert found == each_way * 2


def test_a_streamed_answer_is_read_in_the_way_in_which_it_was_asked_for() -> None:
    answer = ffhost.StreamedAnswer.of(ffhost.CallAnswer(200, {"a": "b"}, b"body"))
    assert (repr(answer), answer.headers) == ("<StreamedAnswer 200>", {"a": "b"})
    assert list(answer) == [b"body"]
    assert list(answer) == []
    with pytest.raises(ffhost.CallError, match="the function answered 404"):
        ffhost.AsyncStreamedAnswer.of(ffhost.CallAnswer(404)).raise_for_status()
