"""A real ``ffhost serve``, and wrk beside it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def eventually(holds: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Wait until *holds*; give what it gave."""
    give_up_at = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"never: {what}")
        time.sleep(0.01)
    return found


class Server:
    """One run of ``ffhost serve``."""

    def __init__(self, folder: Path, config: Path, *sets: str) -> None:
        self.folder = folder
        self.beside: list[subprocess.Popen[str]] = []
        self._output = (folder / "output.txt").open("w+")
        given = ["server.port=0", "server.host=127.0.0.1", "logging.format=json", *sets]
        flags = [part for each in given for part in ("--set", each)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ffhost", "serve", "-c", str(config), *flags],
            cwd=folder,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        serving = eventually(lambda: self._ended() or self.entries("serving"), "serving", 60)
        address: str = serving[0]["addresses"][0]
        self.url = address
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.address = (host, int(port))

    def _ended(self) -> None:
        assert self.process.poll() is None, self.output()

    def output(self) -> str:
        """Give what it wrote."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Give the log entries named *event*."""
        marker = f'"{event}"'
        whole = self.output().rpartition("\n")[0]  # what comes after is still being written
        lines = [line for line in whole.splitlines() if marker in line and line[:1] == "{"]
        return [entry for entry in map(json.loads, lines) if entry.get("message") == event]

    def workers(self) -> list[int]:
        """Give the processes that serve."""
        return children(self.process.pid)

    def connection(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        """Open a connection that is kept alive."""
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def get(self, path: str) -> tuple[int, bytes]:
        """Call once."""
        connection = self.connection()
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        """End it, and what was started beside it."""
        for program in self.beside:
            if program.poll() is None:
                program.kill()
                program.wait()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in [*self.workers(), self.process.pid]:
                    os.kill(pid, signal.SIGKILL)
                self.process.wait()
        self._output.close()


def children(pid: int) -> list[int]:
    """Give the child processes of *pid*."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


@contextmanager
def serving(code: str, config: str, *sets: str) -> Iterator[Server]:
    """Serve ``main.py`` with *code*."""
    with tempfile.TemporaryDirectory(prefix="ffhost-soak-") as name:
        folder = Path(name)
        (folder / "main.py").write_text(code)
        (folder / "functions.yaml").write_text(config)
        server = Server(folder, folder / "functions.yaml", *sets)
        try:
            yield server
        finally:
            server.close()


_ALTERNATING = """
local paths = {%s}
local turn = 0
request = function()
  turn = turn + 1
  return wrk.format("GET", paths[turn %% #paths + 1])
end
"""


class Wrk:
    """wrk over connections that are kept alive, until it is stopped."""

    def __init__(self, server: Server, paths: list[str], connections: int = 16) -> None:
        script = server.folder / f"wrk-{time.monotonic_ns()}.lua"
        script.write_text(_ALTERNATING % ", ".join(f'"{path}"' for path in paths))
        command = ["wrk", "-t1", f"-c{connections}", "-d3600s", "--timeout", "30s"]
        self._process = subprocess.Popen(
            [*command, "-s", str(script), server.url], stdout=subprocess.PIPE, text=True
        )
        server.beside.append(self._process)
        time.sleep(0.3)

    def stop(self) -> dict[str, int]:
        """Stop it; give requests, socket errors and answers that are no 2xx."""
        self._process.send_signal(signal.SIGINT)
        text, _ = self._process.communicate(timeout=60)
        requests = re.search(r"(\d+) requests in", text)
        errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        assert requests is not None, text
        return {
            "requests": int(requests[1]),
            "socket errors": sum(map(int, errors.groups())) if errors else 0,
            "not 2xx": int(bad[1]) if bad else 0,
        }
