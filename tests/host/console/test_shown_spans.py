"""Spans of calls in the console, also of tracing that begins after somebody has begun to look.

OpenTelemetry's provider is one for a process, so each case has a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

CODE = """
from opentelemetry import trace

def work(request):
    with trace.get_tracer("shop").start_as_current_span("look up") as span:
        span.set_attributes({"article": "tea", "api_key": "s3cret"})
    return "done"
"""
OWN_PROVIDER = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_tracer_provider

set_tracer_provider(TracerProvider())
"""
ASK = """
import sys
from pathlib import Path
from tests.host.console.asking import OPEN, Desk

functions = "functions: {work: {target: 'main.py:work'}}\\n"
tracing = "tracing: {enabled: true, hooks: {otel: {options: {exporter: none}}}}\\n"
folder = Path(sys.argv[1])
desk = Desk(folder, sys.stdin.read(), OPEN + functions)
desk.call("/work")
before = desk.last()["spans"]
(folder / "functions.yaml").write_text(OPEN + tracing + functions)
assert desk.service.reload()
desk.call("/work")
after = desk.last()["spans"]
desk.close()
import json
print(json.dumps([before, after]))
"""


def shown(folder: Path, code: str) -> tuple[Any, Any]:
    """Return the spans of a call before and after a reload that switches tracing on."""
    ran = subprocess.run(
        [sys.executable, "-c", ASK, str(folder)],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    before, after = json.loads(ran.stdout.splitlines()[-1])
    return before, after


@pytest.mark.parametrize("code", [CODE, OWN_PROVIDER + CODE], ids=["ours", "of user code"])
def test_spans_of_a_call_are_a_tree_once_a_reload_has_switched_tracing_on(
    tmp_path: Path, code: str
) -> None:
    before, after = shown(tmp_path, code)
    assert [each["name"] for each in before] == ["work"]
    call, inner = after
    assert (call["name"], call["parent"]) == ("GET /work", None)
    assert (inner["name"], inner["parent"]) == ("look up", call["id"])
    assert inner["start_ms"] >= call["start_ms"]
    assert inner["attributes"] == {"article": "tea", "api_key": "[masked]"}
