"""The admin listener: its pages, who gets them, and ``ffhost status``."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ffhost.cli.commands.status import command
from ffhost.config import ConfigSources
from ffhost.host import admin
from ffhost.host.service import Service
from ffhost.server import addresses
from tests.log_reading import reading
from tests.serving import Running, eventually, server

CODE = """
def hello(request):
    return "hello"
"""
CONFIG = """
logging: {invocations: false}
admin: {enabled: true}
functions:
  hello: {target: "main.py:hello", path: "/hi", methods: [GET], config: {token: {from_env: KEY}}}
  off: {target: "main.py:hello", enabled: false}
  broken: {target: "main.py:missing", on_load_error: unavailable}
  metrics: {target: "main.py:hello"}
"""

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


def make(tmp_path: Path, config: str = CONFIG, *, embedded: bool = True) -> Service:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(config)
    environ = {"KEY": "s3cr3t-value"}
    sources = ConfigSources(config="functions.yaml", environ=environ, cwd=tmp_path)
    return Service(sources, embedded=embedded)


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask the ASGI front, through the listener that is named."""
    service = make(tmp_path)

    def call(path: str, listener: str | None = "admin", method: str = "GET") -> Any:
        status, headers, body = _ask(service, method, path, listener)
        return status, {name.lower(): text for name, text in headers}, body

    return call


def _ask(service: Service, method: str, path: str, listener: str | None) -> Any:
    from ffhost.asgi import create_app
    from ffhost.testing import _AsgiExchange

    app = create_app(service)

    async def marked(scope: Any, receive: Any, send: Any) -> None:
        if listener is not None:
            scope = {**scope, "state": {admin.LISTENER_KEY: listener}}
        await app(scope, receive, send)

    answer = asyncio.run(_AsgiExchange([b""], None).run(marked, method, path, []))
    return answer.status, answer.fields, answer.body


def test_both_sides_know_the_listener_by_the_same_key() -> None:
    assert addresses.LISTENER_KEY == admin.LISTENER_KEY


@pytest.mark.parametrize("listener", [None, "public"])
def test_nothing_of_it_is_on_the_public_port(ask: Ask, listener: str | None) -> None:
    for path in ("/", "/functions", "/config", "/health"):
        assert ask(path, listener)[0] == 404
    assert ask("/metrics", listener)[2] == b"hello"  # a function of that name


@pytest.mark.parametrize("path", ["/hi", "/_ffhost/ready", "/metrics/", "/functions/hello"])
def test_nothing_of_the_functions_is_on_the_admin_port(ask: Ask, path: str) -> None:
    status, headers, _ = ask(path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


def test_its_pages_can_only_be_read(ask: Ask) -> None:
    status, headers, _ = ask("/config", method="POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    status, headers, body = ask("/functions", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 100


def test_the_functions_are_listed_with_origin_limits_and_numbers(ask: Ask) -> None:
    status, headers, body = ask("/functions")
    assert (status, headers["cache-control"]) == (200, "no-store")
    page = json.loads(body)
    hello, off, broken, _ = page["functions"]
    assert hello["declared"] == "functions.yaml:5:10"
    assert (hello["path"], hello["methods"], hello["signature"]) == ("/hi", ["GET"], "http")
    assert hello["limits_per_worker"] == {
        "timeout": "1m",
        "concurrency": 40,
        "queue": 100,
        "queue_timeout": "5s",
        "max_body_size": "32MiB",
    }
    assert (hello["in_flight"], hello["queued"], hello["stuck"]) == (0, 0, 0)
    assert [each["status"] for each in (hello, off, broken)] == [
        "ok",
        "switched off",
        "failed to load",
    ]


def test_the_configuration_is_shown_with_origins_and_without_secrets(ask: Ask) -> None:
    _, _, body = ask("/config")
    values = json.loads(body)["values"]
    assert values["functions.hello.path"] == {"value": "/hi", "origin": "functions.yaml:5"}
    assert values["admin.port"] == {"value": 9901, "origin": "default"}
    assert b"s3cr3t" not in body


def test_health_tells_of_each_function_with_the_status_of_the_probe(ask: Ask) -> None:
    ask("/_ffhost/ready", "public")
    status, _, body = ask("/health")
    page = json.loads(body)
    assert (status, page["status"]) == (200, "degraded")
    assert page["functions"]["hello"] == {"status": "ok"}
    assert "does not define 'missing'" in page["functions"]["broken"]["problem"]


def test_metrics_that_are_off_have_no_page(tmp_path: Path) -> None:
    service = make(tmp_path, CONFIG + "metrics: {enabled: false}\n")
    assert _ask(service, "GET", "/metrics", "admin")[0] == 404
    assert _ask(service, "GET", "/functions", "admin")[0] == 200
    assert service.host.functions["hello"].observers == ()


def test_under_a_foreign_server_it_is_off_with_one_warning(tmp_path: Path) -> None:
    from ffhost.host.admin import admin_pages_of
    from ffhost.observability import logs

    service = make(tmp_path)
    service.load()
    foreign = Service(embedded=False)
    foreign._host = service.host
    with reading(tmp_path) as log:
        log.configure()
        assert admin_pages_of(foreign) is None
        assert log.messages() == ["admin_listener_ignored"]
        logs.flush_log()


# With a real server


def page(running: Running, number: int, path: str, **headers: str) -> tuple[int, str]:
    host, _, port = running.urls()[number].removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_only_the_listener_makes_a_request_an_admins(tmp_path: Path) -> None:
    sets = ("admin.enabled=true", "admin.port=0", "logging.invocations=false")
    with server(tmp_path, *sets) as running:
        admins = running.urls()[1].removeprefix("http://")
        for headers in ({}, {"Host": admins}, {"Host": admins, "X-Forwarded-Host": admins}):
            assert page(running, 0, "/functions", **headers)[0] == 404
        assert page(running, 1, "/functions", Host=running.urls()[0][7:])[0] == 200
        assert page(running, 1, "/hello")[0] == 404
        eventually(lambda: page(running, 1, "/health")[0] == 200, "healthy")
        result = CliRunner().invoke(command, ["--url", running.urls()[1]])
        lines = result.output.splitlines()
        assert result.exit_code == 0
        assert lines[0].startswith("ready, 1 worker, revision ")
        assert [line.split()[:4] for line in lines[3:]] == [
            [name, "ok", f"/{name}", "http"] for name in ("hello", "pid", "slow")
        ]
        schemeless = CliRunner().invoke(command, ["--url", admins])
        assert (schemeless.exit_code, schemeless.output) == (0, result.output)
    lost = CliRunner().invoke(command, ["--url", "http://127.0.0.1:9"])
    assert lost.exit_code == 1
    assert str(lost.exception) == (
        "no answer from http://127.0.0.1:9/health: [errno 111] connection refused"
    )
