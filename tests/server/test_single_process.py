"""Serving without fork, fcntl, resource, POSIX signals, gunicorn, uvloop and httptools.

That is what Windows lacks, where none of this suite runs.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.execution.test_deadlines import eventually
from tests.serving import free_port

WITHOUT = """
import os
import signal
import sys

BLOCKED = {"gunicorn", "uvicorn_worker", "uvloop", "httptools", "fcntl", "resource"}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())
for name in BLOCKED:
    sys.modules.pop(name, None)
for name in ("fork", "forkpty", "register_at_fork", "waitid", "getpgid", "killpg"):
    delattr(os, name)
for name in ("pthread_sigmask", "pthread_kill", "set_wakeup_fd_", "siginterrupt"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in [each for each in dir(signal) if each.startswith("SIG") and each not in (
    "SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"
)]:
    delattr(signal, name)
from ffhost.cli import main

main([sys.argv[2], "--port", sys.argv[1], "--host", "127.0.0.1", "--log-format", "console"])
"""
CODE = """
async def hello(request):
    return f"hello from {len(request.get_data())} bytes"


def plain(request):
    return "plain"
"""


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_requests_are_served_without_what_windows_lacks(tmp_path: Path, command: str) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(
        "functions: {hello: {target: 'main.py:hello'}, plain: {target: 'main.py:plain'}}\n"
    )
    port = free_port()
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", WITHOUT, str(port), command],
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: f"ffhost serves 2 functions on {url}" in log.read_text(), 20), (
            log.read_text()
        )
        with urllib.request.urlopen(f"{url}/hello", data=b"12345") as answer:
            assert answer.read() == b"hello from 5 bytes"
        with urllib.request.urlopen(f"{url}/plain") as answer:
            assert answer.read() == b"plain"
        process.terminate()
        assert process.wait(10) in (0, -15)
    finally:
        process.kill()
    assert "served_by_one_process" in log.read_text()
    assert "settings_are_ignored" not in log.read_text()
