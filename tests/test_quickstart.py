"""The quickstart's README against the server of ``make serve``."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import eventually, free_port

ROOT = Path(__file__).parent.parent
README = ROOT / "examples" / "quickstart" / "README.md"


def commands() -> list[tuple[str, str]]:
    """Give each command of the README with the output that it shows."""
    found = re.findall(r"```sh\n(curl .*?)\n```\n\n((?:    .*\n)+)", README.read_text())
    return [(command, re.sub(r"^    ", "", shown, flags=re.MULTILINE)) for command, shown in found]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the examples with the very command of the README."""
    chosen = free_port()
    # It is served from where the tests run, and nothing is installed for it (-o).
    environ = {**os.environ, "PORT": str(chosen), "MAKEFLAGS": ""}
    server = subprocess.Popen(
        ["make", "-s", "serve", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.installed"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: server.poll() is not None or listens(chosen), "it is served")
        assert server.poll() is None
        yield chosen
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(("command", "shown"), commands(), ids=lambda text: text[-30:])
def test_each_command_answers_what_the_readme_says(port: int, command: str, shown: str) -> None:
    command = command.replace("localhost:8080", f"127.0.0.1:{port}")
    run = subprocess.run(
        ["sh", "-c", command.replace("curl ", "curl -sS ", 1)], capture_output=True, text=True
    )
    assert run.stderr == ""
    assert run.stdout == shown


def test_the_readme_shows_every_function() -> None:
    shown = "".join(command for command, _ in commands())
    config = (ROOT / "examples" / "quickstart" / "functions.yaml").read_text()
    paths = [*re.findall(r"path: (\S+)", config), "/hello", "/countdown", "/order"]
    assert [path for path in paths if path not in shown] == []
