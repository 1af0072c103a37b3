"""Start-up at the first request, under servers that do not start the host: some fail."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import ffhost.asgi
import ffhost.wsgi
from ffhost.config import ConfigSources
from ffhost.host.readiness import readiness_answer
from ffhost.host.service import Service

CODE = """
import ffhost

attempts = []

@ffhost.on_startup
def begin():
    attempts.append("begin")

@ffhost.on_startup
def connect():
    attempts.append("connect")
    if len(attempts) == 2:
        raise OSError("no database")

def f(request):
    return attempts
"""
CONFIG = "functions: {f: {target: 'main.py:f'}}"
IDENTITY = "of-the-first"


def ask_wsgi(service: Service) -> list[Any]:
    app = ffhost.wsgi.create_app(service)
    answers = []
    for _ in range(2):
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/f",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_FUNCTION_EXECUTION_ID": IDENTITY,
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        statuses: list[str] = []
        body = b"".join(app(environ, lambda status, *_rest, told=statuses: told.append(status)))
        answers.append((int(statuses[0][:3]), json.loads(body)))
        answers.append(readiness_answer(service)[0])
    return answers


def ask_asgi(service: Service) -> list[Any]:
    app = ffhost.asgi.create_app(service)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/f",
        "raw_path": b"/f",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"function-execution-id", IDENTITY.encode())],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def main() -> list[Any]:
        answers: list[Any] = []
        for _ in range(2):
            sent: list[dict[str, Any]] = []

            async def send(event: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
                sent.append(event)

            await app(scope, receive, send)
            body = b"".join(event.get("body", b"") for event in sent)
            answers.append((sent[0]["status"], json.loads(body)))
            answers.append(readiness_answer(service)[0])
        return answers

    return asyncio.run(main())


@pytest.mark.parametrize("ask", [ask_wsgi, ask_asgi])
def test_a_failed_start_is_answered_and_the_next_request_starts_the_rest(
    tmp_path: Path, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    service = Service(ConfigSources(config="functions.yaml", cwd=tmp_path), embedded=True)
    first, not_ready, *others = ask(service)
    service.stop()
    assert first == (
        500,
        {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "the host failed; its log entry host_error says why",
            "execution_id": IDENTITY,
        },
    )
    assert not_ready == 503
    started = (200, ["begin", "connect", "connect"])
    assert others == [started, 200]
    assert "no database" in caplog.text
