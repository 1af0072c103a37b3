"""Streams of functions in processes of their own, on both fronts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ffhost.observability.logs import flush_log
from ffhost.testing import Client, client
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually
from tests.execution.test_streams import CLEAN_UPS, MAKERS

CODE = """
import asyncio, os, time
from pathlib import Path
import ffhost
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

HERE = Path(__file__).parent

def note(what):
    with (HERE / "events").open("a") as file:
        file.write(what + ";")

def chunks(count, wait):
    note(f"pid {os.getpid()}")
    try:
        for number in range(count):
            yield f"{number};"
            time.sleep(wait)
    finally:
        note("closed")

async def async_chunks(count, wait):
    note(f"pid {os.getpid()}")
    try:
        for number in range(count):
            yield f"{number};"
            await asyncio.sleep(wait)
    finally:
        note("closed")

"""
CONFIG = """
logging: {format: json}
functions:
  f: {target: "main.py:f", timeout: 5s, isolation: process, calls: [g], memory: 120MiB}
  g: {target: "main.py:g"}
"""
REST = "\ndef g(request): return 'g'\n"


def events(folder: Path) -> list[str]:
    file = folder / "events"
    return file.read_text().split(";")[:-1] if file.exists() else []


def is_idle(host: Client, name: str = "f") -> bool:
    processes: Any = host.service.host.functions[name].processes
    return host.service.in_flight == 0 and processes.busy == 0


MADE = dict(enumerate(MAKERS.values()))


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def makers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, Path]]:
    """Serve all ways to make a stream, each in a process."""
    folder = tmp_path_factory.mktemp("streams")
    code, config = CODE, "functions:\n"
    for number, maker in MADE.items():
        made = maker.format("int(request.args['n'])", "float(request.args['wait'])")
        code += made.replace("def f(", f"def f{number}(") + "\n"
        config += f'  f{number}: {{target: "main.py:f{number}", isolation: process}}\n'
    (folder / "main.py").write_text(code)
    (folder / "functions.yaml").write_text(config)
    with client(folder, front=request.param) as host:
        yield host, folder


@pytest.mark.parametrize("number", MADE, ids=MAKERS)
def test_chunks_are_sent_one_by_one_and_the_process_serves_on(
    makers: tuple[Client, Path], number: int
) -> None:
    host, folder = makers
    (folder / "events").unlink(missing_ok=True)
    for _ in range(2):
        answer = host.get(f"/f{number}?n=4&wait=0")
        assert (answer.status, answer.chunks) == (200, [b"0;", b"1;", b"2;", b"3;"])
        assert "content-length" not in answer.headers
    answer = host.request("HEAD", f"/f{number}?n=4&wait=0")
    assert (answer.status, answer.chunks) == (200, [])
    assert "content-length" not in answer.headers
    for _ in range(2):
        left = host.get(f"/f{number}?n=1000&wait=0.01", disconnect_after=2)
        assert len(left.chunks) == 2
        assert eventually(lambda: is_idle(host, f"f{number}"))
    pid, *rest = events(folder)
    assert rest == ["closed", *[pid, "closed"] * 3]


@pytest.fixture
def start(serve: Serve) -> Callable[..., Client]:
    """Serve the function *f* of a text."""

    def start(f: str, timeout: str = "5s") -> Client:
        return serve(CODE + f + REST, CONFIG.replace("5s", timeout))

    return start


@pytest.mark.parametrize("form", ["chunks", "async_chunks"])
def test_a_deadline_cuts_the_stream_and_kills_the_process(
    start: Callable[..., Client], form: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = start(f"def f(request): return {form}(1000, 0.05)", "400ms")
    answer = host.get("/f")
    assert answer.cut
    assert 1 <= len(answer.chunks) < 9
    assert eventually(lambda: is_idle(host))
    (late,) = [each for each in caplog.records if each.getMessage() == "deadline_exceeded"]
    assert "Current thread" in late._ffhost_event["live_stack"]  # type: ignore[attr-defined]


def test_a_deadline_also_ends_what_goes_on_after_its_client_has_left(
    start: Callable[..., Client],
) -> None:
    host = start("def f(request):\n    yield 'a'\n    while True: pass", "400ms")
    assert host.get("/f", disconnect_after=1).chunks == [b"a"]
    assert eventually(lambda: is_idle(host))


def test_a_generator_that_waits_is_ended_when_its_client_leaves(
    start: Callable[..., Client], tmp_path: Path
) -> None:
    host = start(
        "async def f(request):\n    try:\n        yield 'a'\n        await asyncio.sleep(30)\n"
        "    finally:\n        note('closed')",
        "20s",
    )
    assert host.get("/f", disconnect_after=1).chunks == [b"a"]
    assert eventually(lambda: events(tmp_path) == ["closed"])
    assert eventually(lambda: is_idle(host))


@pytest.mark.parametrize("form", ["def", "async def"])
def test_an_error_after_the_first_chunk_cuts_the_stream_and_is_logged_once(
    start: Callable[..., Client], form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    host = start(f"{form} f(request):\n    yield 'a'\n    raise SystemExit('secret')")
    for _ in range(2):
        answer = host.get("/f")
        assert (answer.status, answer.chunks, answer.cut) == (200, [b"a"], True)
    assert eventually(lambda: is_idle(host))
    flush_log()
    logged = capfd.readouterr().out
    assert logged.count('"function_crashed"') == 2
    assert logged.count('"outcome":"crash"') == 2


@pytest.mark.parametrize("code", CLEAN_UPS.values(), ids=CLEAN_UPS.keys())
def test_an_error_in_the_clean_up_cuts_the_stream_and_leaves_the_process(
    start: Callable[..., Client], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = start(code)
    answer = host.get("/f")
    assert (answer.status, answer.chunks, answer.cut) == (200, [b"a", b"b"], True)
    assert eventually(lambda: is_idle(host))
    assert "isolated_process_died" not in [each.getMessage() for each in caplog.records]


def test_an_error_before_the_first_chunk_is_a_crash(start: Callable[..., Client]) -> None:
    answer = start("def f(request):\n    raise ValueError\n    yield 'a'").get("/f")
    assert (answer.status, answer.cut) == (500, False)
    assert answer.headers["x-google-status"] == "crash"


def test_a_stream_without_chunks_is_an_empty_body(start: Callable[..., Client]) -> None:
    answer = start("def f(request):\n    return\n    yield 'a'").get("/f")
    assert (answer.status, answer.body, answer.cut) == (200, b"", False)


@pytest.mark.parametrize(
    "end",
    ["os._exit(3)", "hoard = [bytearray(5_000_000) for _ in range(1000)]"],
    ids=["exit", "memory"],
)
def test_a_process_that_ends_in_mid_stream_cuts_it(
    start: Callable[..., Client],
    end: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = start(f"def f(request):\n    yield 'a'\n    time.sleep(0.05)\n    {end}")
    answer = host.get("/f")
    assert (answer.status, answer.chunks, answer.cut) == (200, [b"a"], True)
    assert host.get("/f").chunks == [b"a"]
    assert eventually(lambda: is_idle(host))
    assert [each.getMessage() for each in caplog.records] == ["isolated_process_died"] * 2
    flush_log()
    assert capfd.readouterr().out.count('"outcome":"crash"') == 2


@pytest.mark.parametrize("form", ["def", "async def"])
def test_a_slow_client_holds_the_generator_back(
    start: Callable[..., Client], form: str, tmp_path: Path
) -> None:
    host = start(
        f"{form} f(request):\n    for made in range(5000):\n        note('x')\n"
        "        yield b'x' * 10_000"
    )
    host.get("/f", disconnect_after=3)
    assert eventually(lambda: is_idle(host))
    assert len(events(tmp_path)) < 3 * 256 * 1024 / 10_000


@pytest.mark.parametrize("form", ["def", "async def"])
def test_many_and_large_chunks_arrive_whole(start: Callable[..., Client], form: str) -> None:
    sizes = [0, 1, 300_000, 0, 3_000_000, *[1000] * 600, *[0] * 5000]
    host = start(f"{form} f(request):\n    for size in {sizes}: yield b'x' * size")
    answer = host.get("/f")
    assert (answer.cut, len(answer.body)) == (False, sum(sizes))


@pytest.mark.parametrize("form", ["def", "async def"])
def test_a_generator_calls_others_by_name_while_it_streams(
    start: Callable[..., Client], form: str
) -> None:
    call = "await ffhost.call" if form == "async def" else "ffhost.call_sync"
    host = start(
        f"{form} f(request):\n    yield 'a'\n    for _ in range(3):\n"
        f"        yield ({call}('g')).text\n        yield ffhost.current().execution_id"
    )
    answer = host.get("/f", headers={"Function-Execution-Id": "i"})
    assert answer.text == "agigigi"


def test_a_stream_begun_before_a_reload_ends_on_the_processes_it_began_on(
    start: Callable[..., Client], tmp_path: Path
) -> None:
    host = start(
        "def f(request):\n    yield os.environ.get('N', 'old')\n    note('begun')\n"
        "    while 'go' in request.args and not (HERE / 'go').exists(): time.sleep(0.005)\n"
        "    yield ' to the end'",
        "30s",
    )
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(host.get, "/f?go")
        assert eventually(lambda: events(tmp_path) == ["begun"])
        file = tmp_path / "functions.yaml"
        file.write_text(file.read_text().replace("calls: [g]", "calls: [g], env: {N: new}"))
        assert host.service.reload()
        (tmp_path / "go").touch()
        assert answer.result().text == "old to the end"
    assert host.get("/f").text == "new to the end"


def test_files_and_responses_with_background_tasks_are_sent(
    start: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"x" * 1_000_000)
    host = start(
        "def f(request):\n    if 'file' in request.args: return (HERE / 'large').open('rb')\n"
        "    task = BackgroundTask(note, 'background')\n"
        "    return StreamingResponse(chunks(2, 0), background=task)"
    )
    answer = host.get("/f?file")
    assert (len(answer.body), answer.headers["content-length"]) == (1_000_000, "1000000")
    assert host.get("/f").text == "0;1;"
    assert eventually(lambda: events(tmp_path)[1:] == ["closed", "background"])


def test_a_process_that_sends_more_than_it_may_is_killed(start: Callable[..., Client]) -> None:
    host = start(
        "def f(request):\n    import gc\n"
        "    from ffhost.execution.isolation.process_caller import ThreadFrames\n"
        "    yield 'a'\n"
        "    (frames,) = [each for each in gc.get_objects() if type(each) is ThreadFrames]\n"
        "    frames._room = 1 << 60\n"
        "    for _ in range(100_000): yield b'x' * 1000"
    )
    assert host.get("/f", disconnect_after=1).chunks[0] == b"a"
    assert eventually(lambda: is_idle(host))
