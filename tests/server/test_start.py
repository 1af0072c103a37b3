"""What a start costs, told by what it imports: a clock would tell of the machine instead."""

from __future__ import annotations

import gc
from importlib import metadata
from pathlib import Path

import pytest

from tests.cli.test_cli_serve import ServedFromNothing
from tests.execution.test_deadlines import eventually

CODE = """
import sys
import functions_framework

@functions_framework.http
def hello(request):
    media_types = sys.modules.get("mimetypes")
    read = ["/etc/mime.types"] if media_types and media_types.inited else []
    run = [name for name, module in sys.modules.items() if type(module).__name__ != "_Postponed"]
    return "\\n".join([*run, *read])
"""

NOT_NEEDED = [
    "/etc/mime.types",
    "cloudevents",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "pyinstrument",
    "starlette",
    "structlog",
    "urllib.request",
    "uvicorn.main",
    "uvicorn.supervisors",
    "xml.etree.ElementTree",
    "yaml",
    "ffhost.host.admin.reports",
    "ffhost.deploy.app",
    "ffhost.cli.code_watcher",
    "ffhost.loading.compat.create_app",
    "ffhost.loading.compat.cloudevents1",
    "ffhost.loading.compat.google_context",
    "ffhost.config.interpolation",
    "ffhost.config.masked_places",
    "ffhost.config.validation",
    "ffhost.config.yaml_reader",
    "ffhost.events",
    "ffhost.deploy.manifests",
    "ffhost.execution.isolation",
    "ffhost.execution.os_environ",
    "ffhost.fronts.calls_by_name",
    "ffhost.host.call_request",
    "ffhost.host.lazy_function",
    "ffhost.host.named_calls",
    "ffhost.host.streamed_answer",
    "ffhost.observability.logs.framework_formats",
    "ffhost.observability.metrics",
    "ffhost.signatures.requests.native_request",
    "ffhost.signatures.requests.starlette_request",
    "ffhost.execution.blocking_caller",
    "ffhost.server.code_check",
    "ffhost.server.gthread_hooks",
    "ffhost.signatures.cloudevent_function",
    "ffhost.signatures.falcon_responses",
    "ffhost.signatures.typed_function",
    "ffhost.loading.targets.static_check",
    "ffhost.loading.targets.source",
    "ffhost.testing",
    "ffhost.observability.tracing.otel_hook",
    "ffhost.wsgi",
]
"""Each costs a start something, and a plain function of functions-framework needs none."""


def test_a_plain_function_is_answered_without_what_only_others_need(tmp_path: Path) -> None:
    imported = answer(tmp_path, CODE).split()
    assert "ffhost.fronts.falcon_asgi" in imported
    assert "flask" in imported
    old = {"urllib.request"} if metadata.version("werkzeug") < "3.1" else set()  # it needs that
    assert [name for name in NOT_NEEDED if name in imported and name not in old] == []


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
    server = ServedFromNothing(folder, "--target", "hello")
    try:
        assert eventually(lambda: server.get("/") is not None, 15)
        return server.get("/") or ""
    finally:
        server.stop()
