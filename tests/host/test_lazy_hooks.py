"""Trace hooks of functions that are loaded at their first call."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.host.loader import load_served_function
from ffhost.observability.tracing import span_provider
from ffhost.testing import Client
from tests.conftest import Serve

CODE = """
RECORD = []

def record(request):
    return RECORD

def watch(invocation):
    RECORD.append(["begin", invocation.function_name])
    outcome = yield
    RECORD.append(["end", outcome.kind, outcome.status, outcome.sent_bytes])
"""
LATER = """
import contextvars
import ffhost

VALUE = contextvars.ContextVar("value", default="unset")
SEEN = []

@ffhost.trace_hook
def own(invocation):
    token = VALUE.set("set")
    yield
    VALUE.reset(token)
    SEEN.append(VALUE.get())

def seen(request):
    return SEEN

def plain(request):
    return VALUE.get()

async def coroutine(request):
    return VALUE.get()

def stream(request):
    yield VALUE.get()
    yield "!"

def crash(request):
    raise ValueError("out of order")
"""
CONFIG = """
tracing:
  enabled: true
  hooks:
    watch: {{target: "main.py:watch"}}
functions:
  record: {{target: "main.py:record", tracing: {{enabled: false}}}}
  later:
    target: "later.py:{target}"
    lazy: true
    {more}
    tracing: {{hooks: {{own: {{target: "later.py:own"}}}}}}
  seen: {{target: "later.py:seen", lazy: true, tracing: {{enabled: false}}}}
"""


def served(serve: Serve, tmp_path: Path, target: str, more: str = "") -> Client:
    (tmp_path / "later.py").write_text(LATER)
    return serve(CODE, CONFIG.format(target=target, more=more))


@pytest.mark.parametrize(
    ("target", "text", "end"),
    [
        ("plain", "set", ["end", "ok", 200, 3]),
        ("coroutine", "set", ["end", "ok", 200, 3]),
        ("stream", "set!", ["end", "ok", 200, 4]),
    ],
)
def test_hooks_run_around_the_first_call_as_around_later_ones(
    serve: Serve, tmp_path: Path, target: str, text: str, end: list[object]
) -> None:
    host = served(serve, tmp_path, target)
    for _ in range(3):
        assert host.get("/later").text == text
    assert host.get("/record").json() == [["begin", "later"], end] * 3
    assert host.get("/seen").json() == ["unset"] * 3


def test_hooks_are_told_of_a_crash_in_the_first_call(serve: Serve, tmp_path: Path) -> None:
    host = served(serve, tmp_path, "crash")
    answers = [host.get("/later") for _ in range(2)]
    assert [answer.status for answer in answers] == [500, 500]
    ends = [each for each in host.get("/record").json() if each[0] == "end"]
    assert ends == [["end", "crash", 500, len(answer.body)] for answer in answers]


BROKEN = """
tracing: {{enabled: true}}
functions:
  hello: {{target: "main.py:record"}}
  later:
    target: "later.py:plain"
    lazy: true
    tracing: {{hooks: {{{hook}}}}}
"""


@pytest.mark.parametrize(
    ("hook", "where", "problem"),
    [
        (
            'own: {target: "later.py:onw"}',
            "functions.yaml:8:37: functions.later.tracing.hooks.own.target: ",
            "later.py does not define 'onw'",
        ),
        (
            'own: {target: "later.py:plain"}',
            "functions.yaml:8:37: functions.later.tracing.hooks.own.target: ",
            "later.py:plain is not a generator function",
        ),
        (
            "profile: {options: {tokne: x}}",
            "functions.yaml:8:50: functions.later.tracing.hooks.profile.options.tokne: ",
            "unknown key",
        ),
    ],
)
def test_a_hook_that_cannot_be_loaded_is_503_at_the_first_call_and_says_why_in_the_log(
    serve: Serve,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    hook: str,
    where: str,
    problem: str,
) -> None:
    (tmp_path / "later.py").write_text(LATER)
    host = serve(CODE, BROKEN.format(hook=hook))
    assert host.get("/_ffhost/ready").json() == {"status": "ready"}
    for _ in range(2):
        answer = host.get("/later")
        assert (answer.status, answer.json()["detail"]) == (503, "later failed to load")
    (entry,) = [each for each in caplog.records if each.msg == "function_failed_to_load"]
    said = entry._ffhost_event["problem"]  # type: ignore[attr-defined]
    assert said == where + problem
    ready = host.get("/_ffhost/ready")
    assert (ready.status, ready.json()) == (200, {"status": "degraded", "functions": ["later"]})
    assert host.get("/hello").status == 200


OTEL = """
logging: {invocations: false}
tracing: {enabled: true}
functions:
  traced:
    target: "main.py:traced"
    lazy: true
    tracing: {hooks: {otel: {options: {exporter: none}}}}
  bare: {target: "main.py:traced", lazy: true}
"""
TRACED = """
from ffhost import current

def traced(request):
    return str(current().trace_id is not None)
"""


def test_a_hook_is_in_force_from_the_first_call_on(serve: Serve) -> None:
    host = serve(TRACED, OTEL)
    assert [host.get(path).text for path in ("/traced", "/bare", "/traced")] == [
        "True",
        "False",
        "True",
    ]


def test_a_function_without_hooks_that_is_loaded_meanwhile_ends_nothing(serve: Serve) -> None:
    host = serve(TRACED, OTEL)
    service = host.service
    traced, bare = (
        load_served_function(service.config, name, service.store) for name in ("traced", "bare")
    )
    service._start_late(traced)
    service._start_late(bare)  # before the calls of the first are made with its hooks
    assert span_provider._exporting._options is not None
