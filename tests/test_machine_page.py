"""docs/machine.md: systemd takes its unit, and nginx serves a function through its socket."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.serving import eventually, free_port

PAGE = (Path(__file__).parents[1] / "docs" / "machine.md").read_text()
CODE = """def hello(request):
    return f"{request.headers['host']} {request.scheme} {request.remote_addr}"
"""


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "greetings.service"
    unit.write_text(_block("ini").replace("/srv/greetings/.venv/bin/ffhost", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "greetings" in line] == []


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Serve the page's configuration behind the page's nginx, and give nginx's port."""
    socket, port = tmp_path / "http.sock", free_port()
    (tmp_path / "main.py").write_text(CODE)
    config = _block("yaml").replace("/run/greetings/http.sock", str(socket))
    (tmp_path / "functions.yaml").write_text(config.replace("workers: 2", "workers: 1"))
    site = _block("nginx").replace("/run/greetings/http.sock", str(socket))
    (tmp_path / "site.conf").write_text(site.replace("listen 80", f"listen 127.0.0.1:{port}"))
    (tmp_path / "nginx.conf").write_text(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\n"
        "http {\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n"
        "fastcgi_temp_path f;\nuwsgi_temp_path u;\nscgi_temp_path s;\ninclude site.conf;\n}\n"
    )
    commands = (
        [sys.executable, "-m", "ffhost", "serve", "--set", "server.drain_delay=0s"],
        ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", "nginx.conf"],
    )
    log = (tmp_path / "log").open("w")
    running = [
        subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for words in commands
    ]
    try:
        eventually(lambda: _status(port, "/hello") == 200, "nginx reaches the function")
        yield port
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        log.close()


def _status(port: int, path: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_serves_a_function_through_the_socket_and_keeps_the_probes_to_itself(
    port: int,
) -> None:
    request = Request(f"http://127.0.0.1:{port}/hello", headers={"Host": "greetings.example.com"})
    with urlopen(request, timeout=5) as answer:
        assert answer.read() == b"greetings.example.com http 127.0.0.1"
    assert _status(port, "/_ffhost/ready") == 404
