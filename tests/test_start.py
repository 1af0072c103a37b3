"""What a start costs, told by what it imports: a clock would tell of the machine instead."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.test_cli_serve import Served
from tests.test_deadlines import eventually

CODE = """
import sys
import functions_framework

@functions_framework.http
def hello(request):
    return "\\n".join(sys.modules)
"""

NOT_NEEDED = [
    "cloudevents",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "pyinstrument",
    "starlette",
    "yaml",
    "ffhost.admin.reports",
    "ffhost.building",
    "ffhost.cli.watching",
    "ffhost.compat.applications",
    "ffhost.compat.cloudevents1",
    "ffhost.compat.google_context",
    "ffhost.config.reader",
    "ffhost.events",
    "ffhost.exporting",
    "ffhost.isolation",
    "ffhost.lazy",
    "ffhost.logs.legacy",
    "ffhost.metrics",
    "ffhost.requests.native",
    "ffhost.requests.starlette",
    "ffhost.runners.blocking",
    "ffhost.server.code_check",
    "ffhost.server.gthread",
    "ffhost.signatures.cloudevent",
    "ffhost.signatures.falconry",
    "ffhost.signatures.typed",
    "ffhost.targets.checking",
    "ffhost.targets.source",
    "ffhost.testing",
    "ffhost.tracing.otel",
    "ffhost.wsgi",
]
"""Each costs a start something, and a plain function of functions-framework needs none."""


def test_a_plain_function_is_answered_without_what_only_others_need(tmp_path: Path) -> None:
    imported = answer(tmp_path, CODE).split()
    assert "ffhost.asgi.application" in imported
    assert "flask" in imported
    assert [name for name in NOT_NEEDED if name in imported] == []


@pytest.mark.parametrize(
    ("chosen", "found"), [("", gc.get_threshold()), ("gc.set_threshold(1234, 5, 6)", (1234, 5, 6))]
)
def test_garbage_is_looked_for_as_user_code_wants_it(
    tmp_path: Path, chosen: str, found: tuple[int, ...]
) -> None:
    code = f"import gc\n{chosen}\ndef hello(request): return str(gc.get_threshold())\n"
    assert answer(tmp_path, code) == str(found)


def answer(folder: Path, code: str) -> str:
    """Give what the function ``hello`` of *code* says, served as a single target."""
    (folder / "main.py").write_text(code)
    server = Served(folder, "--target", "hello")
    try:
        assert eventually(lambda: server.get("/") is not None, 15)
        return server.get("/") or ""
    finally:
        server.stop()
