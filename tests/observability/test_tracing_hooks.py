"""Trace hooks: when their halves run, what they are told, and what they cannot break."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ffhost.config import ConfigSources
from ffhost.errors import ConfigError
from ffhost.host.service import Service
from ffhost.testing import Client
from tests.conftest import Serve
from tests.log_reading import Log, reading

CODE = """
import asyncio, contextvars, threading, time
import ffhost
from ffhost import current

RECORD = []
VALUE = contextvars.ContextVar("value", default="unset")

def record(request):
    return RECORD

def plain(request):
    RECORD.append(["call", VALUE.get(), threading.get_ident()])
    return "plain"

async def coroutine(request):
    RECORD.append(["call", VALUE.get(), threading.get_ident()])
    await asyncio.sleep(0)
    RECORD.append(["call", VALUE.get(), threading.get_ident()])
    return "coroutine"

def teapot(request):
    return "short and stout", 418

def crash(request):
    raise ValueError("out of order")

def slow(request):
    time.sleep(0.5)

async def slow_coroutine(request):
    await asyncio.sleep(5)

def stream(request):
    yield "one"
    RECORD.append(["middle"])
    yield "two"

def watch(invocation):
    assert current() is invocation
    RECORD.append(["begin", invocation.function_name, threading.get_ident()])
    outcome = yield
    RECORD.append(["end", outcome.kind, outcome.status, outcome.sent_bytes])

def set_value(invocation):
    token = VALUE.set("set by the hook")
    yield
    VALUE.reset(token)
    RECORD.append(["reset", VALUE.get()])

def inner(invocation):
    RECORD.append(["inner begins"])
    yield
    RECORD.append(["inner ends"])
"""

CONFIG = """
logging: {invocations: false}
tracing:
  enabled: true
  hooks:
    watch: {target: "main.py:watch"}
functions:
  record: {target: "main.py:record", tracing: {enabled: false}}
  plain: {target: "main.py:plain"}
  coroutine: {target: "main.py:coroutine"}
  teapot: {target: "main.py:teapot"}
  crash: {target: "main.py:crash"}
  slow: {target: "main.py:slow", timeout: 50ms, concurrency: 1, queue: 1, queue_timeout: 50ms}
  slow-coroutine: {target: "main.py:slow_coroutine", timeout: 50ms}
  stream: {target: "main.py:stream"}
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with reading(tmp_path) as log:
        log.configure(level="debug")
        yield log


def recorded(host: Client, count: int | None = None) -> list[Any]:
    """Give the record, once it has *count* entries."""
    give_up = time.monotonic() + 20
    while True:
        record: list[Any] = host.get("/record").json()
        if count is None or len(record) >= count or time.monotonic() > give_up:
            return record
        time.sleep(0.01)


def test_the_first_half_runs_in_the_thread_of_the_call_before_it(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/plain").text == "plain"
    begin, call, end = recorded(host)
    assert begin == ["begin", "plain", call[2]]
    assert end == ["end", "ok", 200, 5]


def test_the_first_half_runs_in_the_task_of_a_coroutine_function(serve: Serve) -> None:
    host = serve(CODE, CONFIG.replace("main.py:watch", "main.py:set_value"))
    assert host.get("/coroutine").text == "coroutine"
    first, second, reset = recorded(host)
    assert [first[1], second[1], reset] == [
        "set by the hook",
        "set by the hook",
        ["reset", "unset"],
    ]


def test_what_a_hook_sets_in_its_context_it_can_reset(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG.replace("main.py:watch", "main.py:set_value"))
    for path in ("/plain", "/coroutine", "/crash", "/stream"):
        host.get(path)
    record = recorded(host, 8)
    assert [each for each in record if each[0] == "reset"] == [["reset", "unset"]] * 4
    assert "trace_hook_failed" not in log.messages()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/plain", ["ok", 200]),
        ("/teapot", ["client_error", 418]),
        ("/crash", ["crash", 500]),
        ("/slow", ["timeout", 504]),
        ("/slow-coroutine", ["timeout", 504]),
    ],
)
def test_the_second_half_is_told_the_callers_outcome_once(
    serve: Serve, path: str, outcome: list[Any]
) -> None:
    host = serve(CODE, CONFIG)
    answer = host.get(path)
    time.sleep(0.1)
    ends = [each for each in recorded(host) if each[0] == "end"]
    assert ends == [["end", *outcome, len(answer.body)]]


def test_a_refused_call_has_both_halves(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/slow").status == 504
    assert host.get("/slow").status == 429
    kinds = [each[1] for each in recorded(host, 4) if each[0] == "end"]
    assert sorted(kinds) == ["rejected", "timeout"]


def test_the_second_half_of_a_stream_follows_its_last_byte(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/stream").text == "onetwo"
    assert recorded(host, 3)[1:] == [["middle"], ["end", "ok", 200, 6]]


def test_a_client_that_leaves_settles_the_outcome(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    host.get("/stream", disconnect_after=1)
    ends = [each for each in recorded(host, 2) if each[0] == "end"]
    assert len(ends) == 1
    assert ends[0][1:3] == ["ok", 200]


def test_a_deadline_in_the_first_half_spares_the_function_and_runs_the_second(
    serve: Serve,
) -> None:
    code = (
        CODE
        + """
def dawdle(invocation):
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    outcome = yield
    RECORD.append(["never"])
"""
    )
    config = CONFIG.replace(
        'watch: {target: "main.py:watch"}',
        '{watch: {target: "main.py:watch"}, dawdle: {target: "main.py:dawdle"}}',
    ).replace('"main.py:plain"', '"main.py:plain", timeout: 50ms')
    host = serve(code, config)
    assert host.get("/plain").status == 504
    assert [each[:2] for each in recorded(host, 2)] == [["begin", "plain"], ["end", "timeout"]]


def test_hooks_nest_in_the_order_of_the_file(serve: Serve) -> None:
    config = CONFIG.replace(
        'watch: {target: "main.py:watch"}',
        '{watch: {target: "main.py:watch"}, inner: {target: "main.py:inner"}}',
    )
    host = serve(CODE, config)
    host.get("/plain")
    steps = [each[0] for each in recorded(host)]
    assert steps == ["begin", "inner begins", "call", "inner ends", "end"]


def test_a_function_adds_hooks_changes_options_and_switches_hooks_off(serve: Serve) -> None:
    code = (
        CODE
        + """
from pydantic import BaseModel

class Options(BaseModel):
    word: str = "nothing"
    times: int = 1

def say(invocation, options: Options):
    RECORD.append([options.word] * options.times)
    yield
"""
    )
    config = """
logging: {invocations: false}
tracing:
  enabled: true
  hooks:
    say: {target: "main.py:say", options: {word: host, times: 2}}
    watch: {target: "main.py:watch", enabled: false}
functions:
  record: {target: "main.py:record", tracing: {enabled: false}}
  plain: {target: "main.py:teapot"}
  changed: {target: "main.py:teapot", tracing: {hooks: {say: {options: {word: function}}}}}
  silent: {target: "main.py:teapot", tracing: {hooks: {say: {enabled: false}}}}
  loud: {target: "main.py:teapot", tracing: {hooks: {watch: {enabled: true}}}}
  own: {target: "main.py:teapot", tracing: {hooks: {inner: {target: "main.py:inner"}}}}
"""
    host = serve(code, config)
    seen = {}
    for path in ("plain", "changed", "silent", "loud", "own"):
        before = len(recorded(host))
        host.get(f"/{path}")
        seen[path] = [each[0] for each in recorded(host)[before:]]
    assert seen == {
        "plain": ["host"],
        "changed": ["function"],
        "silent": [],
        "loud": ["host", "begin", "end"],
        "own": ["host", "inner begins", "inner ends"],
    }


def test_a_hook_that_returns_at_once_is_not_told_the_end(serve: Serve, log: Log) -> None:
    code = (
        CODE
        + """
def picky(invocation):
    if invocation.function_name != "coroutine":
        return
    RECORD.append(["picked"])
    yield
"""
    )
    host = serve(code, CONFIG.replace("main.py:watch", "main.py:picky"))
    host.get("/teapot")
    host.get("/coroutine")
    assert [each[0] for each in recorded(host)] == ["picked", "call", "call"]
    assert "trace_hook_failed" not in log.messages()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "fault",
    ["raise ValueError('broken')", "raise SystemExit(3)", "raise KeyboardInterrupt", "yield"],
)
def test_a_hook_that_fails_is_logged_once_and_fails_no_call(
    serve: Serve, log: Log, fault: str, when: str
) -> None:
    before, after = (fault, "pass") if when == "before" else ("pass", fault)
    code = (
        CODE
        + f"""
def broken(invocation):
    {before}
    yield
    {after}
"""
    )
    config = CONFIG.replace(
        'watch: {target: "main.py:watch"}',
        '{broken: {target: "main.py:broken"}, watch: {target: "main.py:watch"}}',
    )
    host = serve(code, config)
    for path in ("/plain", "/coroutine", "/plain"):
        assert host.get(path).status == 200
    assert [each[0] for each in recorded(host)].count("end") == 3
    entries = [each for each in log.entries() if each["message"] == "trace_hook_failed"]
    assert [(each["hook"], each["function"]) for each in entries] == [("broken", "plain")]


def test_reloading_switches_hooks_on_and_off(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG.replace("enabled: true", "enabled: false", 1))
    file = tmp_path / "functions.yaml"

    def switch(old: str, new: str) -> list[Any]:
        file.write_text(file.read_text().replace(old, new, 1))
        assert host.service.reload()
        before = len(recorded(host))
        assert host.get("/teapot").status == 418
        return [each[0] for each in recorded(host)[before:]]

    assert switch("version: 1", "version: 1") == []
    assert switch("enabled: false", "enabled: true") == ["begin", "end"]
    assert switch("enabled: true", "enabled: false") == []


BAD = [
    (
        'watch: {target: "main.py:plain"}',
        "functions.yaml:6:21: tracing.hooks.watch.target: "
        "main.py:plain is not a generator function",
    ),
    (
        'watch: {target: "main.py:wach"}',
        "functions.yaml:6:21: tracing.hooks.watch.target: main.py does not define 'wach'",
    ),
    (
        'watch: {target: "main.py:later"}',
        "functions.yaml:6:21: tracing.hooks.watch.target: "
        "main.py:later is an async generator function; a trace hook is a plain one",
    ),
    (
        'watch: {target: "main.py:watch", options: {level: 3}}',
        "functions.yaml:6:47: tracing.hooks.watch.options: watch takes no options",
    ),
    (
        'watch: {target: "main.py:typed", options: {limit: many}}',
        "functions.yaml:6:55: tracing.hooks.watch.options.limit: input should be a valid integer, "
        "unable to parse string as an integer",
    ),
    (
        "profile: {enabled: true}",
        "functions.yaml:6:14: tracing.hooks.profile.options: "
        "no calls are selected for profiles: set 'token' or 'longer_than'",
    ),
    (
        "otel: {options: {sampling: 2}}",
        "functions.yaml:6:32: tracing.hooks.otel.options.sampling: "
        "input should be less than or equal to 1",
    ),
    (
        "otel: {options: {smapling: 1}}",
        "functions.yaml:6:32: tracing.hooks.otel.options.smapling: unknown key",
    ),
]


@pytest.mark.parametrize(("hook", "message"), BAD)
def test_a_hook_that_cannot_run_is_a_mistake_in_the_configuration(
    tmp_path: Path, hook: str, message: str
) -> None:
    code = (
        CODE
        + """
from pydantic import BaseModel

class Limit(BaseModel):
    limit: int

def typed(invocation, options: Limit):
    yield

async def later(invocation):
    yield
"""
    )
    (tmp_path / "main.py").write_text(code)
    config = CONFIG.replace('watch: {target: "main.py:watch"}', hook)
    (tmp_path / "functions.yaml").write_text(config)
    service = Service(ConfigSources(config="functions.yaml", cwd=tmp_path), embedded=True)
    with pytest.raises(ConfigError) as raised:
        service.load()
    assert [str(each) for each in raised.value.problems] == [message]


def test_the_log_hook_writes_an_entry_at_each_end(serve: Serve, log: Log) -> None:
    host = serve(CODE, CONFIG.replace('watch: {target: "main.py:watch"}', "log: {}"))
    host.get("/teapot?secret=1")
    began, ended = (each for each in log.entries() if each["message"].startswith("call_"))
    assert (began["severity"], began["path"], began["function"]) == ("DEBUG", "/teapot", "teapot")
    assert (ended["outcome"], ended["status"], ended["response_bytes"]) == ("client_error", 418, 15)
    assert began["execution_id"] == ended["execution_id"]


@pytest.mark.parametrize("path", ["/plain", "/coroutine"])
def test_the_profile_hook_writes_calls_that_carry_the_token(
    serve: Serve, log: Log, tmp_path: Path, path: str
) -> None:
    hook = "profile: {options: {token: open sesame, folder: profiles, keep: 1}}"
    host = serve(CODE, CONFIG.replace('watch: {target: "main.py:watch"}', hook))
    for headers in ({}, {"x-ffhost-profile": "wrong"}, {"x-ffhost-profile": "open sesame"}):
        assert host.get(path, headers=headers).status == 200
    give_up = time.monotonic() + 10
    while "profile_written" not in log.messages() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert log.messages().count("profile_written") == 1
    (file,) = (tmp_path / "profiles").iterdir()
    assert file.name.startswith(f"{path[1:]}-")
    assert "<html" in file.read_text()


def test_the_profile_hook_keeps_calls_that_take_long(
    serve: Serve, log: Log, tmp_path: Path
) -> None:
    code = CODE + "\ndef nap(request):\n    time.sleep(0.06)\n    return 'slept'\n"
    hook = "profile: {options: {longer_than: 50ms, folder: profiles}}"
    config = CONFIG.replace('watch: {target: "main.py:watch"}', hook)
    host = serve(code, config.replace('"main.py:stream"', '"main.py:nap"'))
    assert [host.get(path).status for path in ("/plain", "/stream")] == [200, 200]
    give_up = time.monotonic() + 10
    while "profile_written" not in log.messages() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert [each.name.partition("-")[0] for each in (tmp_path / "profiles").iterdir()] == ["stream"]


STRUCK = """
import sys
from ffhost.testing import client

with client("functions.yaml", front="wsgi") as host:
    assert host.get("/busy").status == 504
    while host.service.in_flight:
        pass
    sys.setprofile(lambda *_: None)
    host.get("/busy")
"""


def test_a_process_can_be_profiled_after_a_deadline_has_struck(tmp_path: Path) -> None:
    code = "def busy(request):\n    while True:\n        pass\n"
    (tmp_path / "main.py").write_text(code)
    config = 'functions: {busy: {target: "main.py:busy", timeout: 50ms}}\n'
    (tmp_path / "functions.yaml").write_text("logging: {invocations: false}\n" + config)
    done = subprocess.run(
        [sys.executable, "-c", STRUCK], cwd=tmp_path, timeout=30, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


# What is off is absent


OFF = """
logging: {invocations: false}
tracing:
  enabled: false
  hooks: {watch: {target: "main.py:watch"}, otel: {}, profile: {options: {token: x}}}
metrics: {enabled: true}
functions:
  hello: {target: "main.py:hello"}
"""


COUNTING = """
import asyncio, sys, types
from importlib.util import find_spec
from pathlib import Path

if sys.argv[1] == "without":
    class Unobserved:
        hooks, keeps_context = (), False
        def codec(self, codec): return codec
        def around(self, run, is_async): return run, ()

    def replace(name, **names):
        assert find_spec(name), name
        sys.modules[name] = module = types.ModuleType(name)
        vars(module).update(names)

    observability = "ffhost.observability."
    replace(observability + "observers", observe_function=lambda *_, **__: Unobserved())
    replace(observability + "tracing", apply_trace_hooks=list, close_trace_hooks=id)
    replace(observability + "metrics")
    replace("ffhost.host.admin", admin_pages_of=lambda service: None, ADMIN="", LISTENER_KEY="")

from ffhost.asgi import create_app
from ffhost.config import ConfigSources
from ffhost.host.service import Service

service = Service(
    ConfigSources(config="functions.yaml", sets=sys.argv[2:], cwd=Path.cwd()), embedded=True
)
app = create_app(service)
counted = 0

def count(frame, event, argument):
    global counted
    counted += event == "call"

async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}

async def send(event):
    assert event.get("status", 200) == 200

async def main():
    for warm in (True, True, True, False):
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/hello",
            "raw_path": b"/hello", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
        }
        sys.setprofile(None if warm else count)
        try:
            await app(scope, receive, send)
        finally:
            sys.setprofile(None)

asyncio.run(main())
print(counted, file=sys.stderr)
"""


def python_calls(folder: Path, build: str, *sets: str) -> int:
    """Count the Python calls of one request, once everything is warm, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, build, *sets],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr)


def test_what_is_off_makes_as_many_python_calls_as_a_build_without_it(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("async def hello(request):\n    return 'hello'\n")
    (tmp_path / "functions.yaml").write_text(OFF)
    without = python_calls(tmp_path, "without")
    assert without > 0
    assert python_calls(tmp_path, "with") == without
    assert python_calls(tmp_path, "with", "admin.enabled=true") > without
