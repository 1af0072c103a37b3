"""A call as text to copy: a command of curl, and a test of pytest. What is masked stays so."""

from __future__ import annotations

import base64
import re
import shlex
from typing import Any

_LEFT_OUT = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}
    | {"function-execution-id", "x-ffhost-token"}
)
"""Fields that a client adds by itself, or that belong to one call."""


def _fields(request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request["headers"] if name not in _LEFT_OUT]


def console_call_path(request: dict[str, Any]) -> str:
    """Return path and query."""
    query = request.get("query")
    return f"{request['path']}?{query}" if query else str(request["path"])


def console_call_as_curl(request: dict[str, Any], base: str) -> str:
    """Return the command that sends *request* to the host at *base*."""
    method = request["method"]
    parts = ["curl"]
    if method == "HEAD":
        parts.append("--head")
    elif method != "GET" or _has_body(request):
        parts += ["-X", method]
    parts.append(shlex.quote(base + console_call_path(request)))
    for name, value in _fields(request):
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    if request.get("body") is not None:
        # curl reads a file for a text that begins with @, unless it is told not to
        parts += ["--data-raw", shlex.quote(request["body"])]
    elif request.get("body_base64") is not None:
        parts = [f"printf %s {request['body_base64']} | base64 -d |", *parts]
        parts += ["--data-binary", "@-"]
    return " ".join(parts)


def _has_body(request: dict[str, Any]) -> bool:
    return request.get("body") is not None or request.get("body_base64") is not None


def console_call_as_pytest(
    request: dict[str, Any], response: dict[str, Any] | None, function: str
) -> str:
    """Return a test that sends *request* with the fixture of ffhost, and expects the same."""
    name = re.sub(r"\W+", "_", function).strip("_").lower() or "function"
    lines = [
        f"def test_{name}(ffhost_client):",
        "    answer = ffhost_client.request(",
        f"        {request['method']!r},",
        f"        {console_call_path(request)!r},",
    ]
    fields = dict(_fields(request))
    if fields:
        lines.append(f"        headers={fields!r},")
    if request.get("body") is not None:
        lines.append(f"        body={request['body']!r},")
    elif request.get("body_base64") is not None:
        lines.append(f"        body={base64.b64decode(request['body_base64'])!r},")
    lines.append("    )")
    if response is not None:
        lines.append(f"    assert answer.status == {response['status']}")
        if response.get("body") is not None and not response["cut"]:
            lines.append(f"    assert answer.text == {response['body']!r}")
    return "\n".join(lines) + "\n"
