"""Functions that are loaded at their first call, and those that may fail to load."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ffhost.host import lazy_function
from ffhost.testing import Client
from tests.conftest import Serve
from tests.serving import eventually

CODE = """
def hello(request):
    return "hello"
"""
HEAVY = """
import asyncio, os, threading, time
from pathlib import Path
import ffhost

with (Path(__file__).parent / "said").open("a") as file:
    file.write(f"loaded on {threading.current_thread().name}\\n")
time.sleep(0.2)

@ffhost.on_startup
async def up():
    global loop
    loop = asyncio.get_running_loop()

def plain(request):
    return "plain"

async def on_loop(request):
    return str(asyncio.get_running_loop() is loop)

async def streamed(request):
    yield "a"
    yield "b"

@ffhost.typed
def typed(order: dict):
    return order

@ffhost.cloud_event
async def event(event):
    return None
"""


def config(**functions: str) -> str:
    lines = [
        f'  {name}: {{target: "heavy.py:{name}", lazy: true{more}}}'
        for name, more in functions.items()
    ]
    return "\n".join(["functions:", '  hello: {target: "main.py:hello"}', *lines])


def said(tmp_path: Path) -> list[str]:
    file = tmp_path / "said"
    return file.read_text().splitlines() if file.exists() else []


def ready(host: Client) -> tuple[int, object]:
    answer = host.get("/_ffhost/ready")
    return answer.status, answer.json()


def entries(caplog: pytest.LogCaptureFixture, event: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == event]


def test_the_first_call_loads_once_and_the_others_wait(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    host = serve(CODE, config(plain=""))
    assert host.get("/hello").text == "hello"
    assert ready(host) == (200, {"status": "ready"})
    assert said(tmp_path) == []
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(host.get, ["/plain"] * 8))
    assert [answer.text for answer in answers] == ["plain"] * 8
    assert said(tmp_path) == ["loaded on ffhost-load"]


def test_a_lazy_coroutine_function_runs_on_the_loop_that_its_hooks_ran_on(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    host = serve(CODE, config(on_loop="", streamed=""))
    assert [host.get("/on_loop").text for _ in range(3)] == ["True"] * 3
    assert [host.get("/streamed").chunks for _ in range(2)] == [[b"a", b"b"]] * 2


def test_a_method_that_the_decorator_forbids_is_refused_once_that_is_known(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    host = serve(CODE, config(typed="", event=""))
    for path in ("/typed", "/event", "/typed", "/event"):
        answer = host.get(path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert host.post("/typed", json={"a": 1}).json() == {"a": 1}


def test_the_deadline_holds_for_the_caller_and_not_for_the_loading(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    host = serve(CODE, config(plain=", timeout: 50ms"))
    assert host.get("/plain").status == 504
    eventually(lambda: host.service.host.functions["plain"].late_load is None, "it is loaded")
    assert host.get("/plain").text == "plain"
    assert said(tmp_path) == ["loaded on ffhost-load"]


def test_a_failed_load_is_503_logged_once_and_tried_again_after_a_while(
    serve: Serve,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = serve(CODE, config(plain=""))
    for _ in range(3):
        answer = host.get("/plain", headers={"Function-Execution-Id": "i"})
        assert (answer.status, answer.headers["retry-after"]) == (503, "10")
        assert answer.json() == {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "plain failed to load",
            "execution_id": "i",
        }
    (entry,) = entries(caplog, "function_failed_to_load")
    assert "no file 'heavy.py'" in entry._ffhost_event["problem"]  # type: ignore[attr-defined]
    assert ready(host) == (200, {"status": "degraded", "functions": ["plain"]})
    assert host.get("/hello").text == "hello"
    (tmp_path / "heavy.py").write_text(HEAVY)
    monkeypatch.setattr(lazy_function, "RETRY_SECONDS", 0.0)
    host.service.host.functions["plain"].late_load._retry_at = 0.0  # type: ignore[union-attr]
    assert host.get("/plain").text == "plain"
    assert ready(host) == (200, {"status": "ready"})


def test_a_reload_keeps_a_lazy_function_that_is_loaded(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    host = serve(CODE, config(plain=""))
    assert host.get("/plain").text == "plain"
    (tmp_path / "functions.yaml").write_text(config(plain=", queue: 7"))
    assert host.service.reload()
    assert host.service.host.functions["plain"].late_load is None
    assert host.get("/plain").text == "plain"
    assert said(tmp_path) == ["loaded on ffhost-load"]


def test_a_lazy_function_may_be_isolated(serve: Serve) -> None:
    code = CODE + "\nimport os\ndef pid(request): return str(os.getpid())"
    host = serve(code, 'functions:\n  pid: {target: "main.py:pid", isolation: process, lazy: true}')
    assert host.service.host.functions["pid"].processes is None
    assert len({host.get("/pid").text for _ in range(3)}) == 1


def test_import_times_are_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    serve("import time\ntime.sleep(0.01)\n" + CODE, config())
    (entry,) = entries(caplog, "functions_loaded")
    fields = entry._ffhost_event  # type: ignore[attr-defined]
    assert fields["functions"] == 1
    assert fields["import_seconds"]["hello"] >= 0.01


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", (200, {"status": "degraded", "functions": ["broken"]})),
        (", required: true", (503, {"status": "unavailable", "functions": ["broken"]})),
    ],
)
def test_a_function_that_may_fail_to_load_counts_for_readiness_only_if_required(
    serve: Serve, more: str, expected: tuple[int, object]
) -> None:
    host = serve(
        CODE,
        f"""
        functions:
          hello: {{target: "main.py:hello"}}
          broken: {{target: "main.py:nothing", on_load_error: unavailable{more}}}
        """,
    )
    assert ready(host) == expected
    assert host.get("/hello").text == "hello"
    assert host.get("/broken").status == 503
    assert host.get("/broken").json()["detail"] == "broken failed to load"
