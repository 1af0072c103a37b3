"""A server for development and the terminal that it was started in."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.serving import PATIENCE_SECONDS, eventually, free_port

CODE = "def hello(request): return 'hello'\n"
CONFIG = "functions:\n  hello: {target: 'main.py:hello'}\n"
IN_TERMINAL = 'exec "$@" <"$0" >"$0" 2>&1'
"""For a shell that leads a session: the first terminal that it opens becomes its own."""


def is_served(port: int, path: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return bool(answer.read() == b"hello")
    return False


def test_a_server_for_development_ends_when_its_terminal_is_closed_and_at_no_other_hangup(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    port = free_port()
    screen, inner = pty.openpty()
    dev = [sys.executable, "-m", "ffhost", "dev", "--port", str(port)]
    shell = ["sh", "-c", IN_TERMINAL, os.ttyname(inner), *dev]
    process = subprocess.Popen(shell, cwd=tmp_path, start_new_session=True)
    try:
        eventually(lambda: is_served(port, "/hello"), "hello is served")
        process.send_signal(signal.SIGHUP)
        (tmp_path / "functions.yaml").write_text(CONFIG + "  again: {target: 'main.py:hello'}\n")
        eventually(lambda: is_served(port, "/again"), "the change is served")
        os.close(inner)
        os.close(screen)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert not is_served(port, "/hello")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
