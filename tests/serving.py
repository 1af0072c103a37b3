"""A real server for tests: started as a process of its own, on ports that the system chooses."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tests.forking import Python

PATIENCE_SECONDS = 20.0
T = TypeVar("T")

FUNCTIONS = """
import os, pathlib, time

def hello(request):
    return "hello"

def pid(request):
    return str(os.getpid())

def slow(request):
    pathlib.Path("slow-begun").touch()
    time.sleep(float(request.args.get("seconds", "1")))
    return "slow"
"""


def eventually(probe: Callable[[], T | bool | None], what: str) -> T:
    """Call *probe* until it gives something; fail if it never does."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = probe()
        if found:
            return found  # type: ignore[return-value]
        assert time.monotonic() < give_up_at, f"never: {what}"
        time.sleep(0.02)


class Running:
    """One run of the server: its process, its addresses and what it wrote."""

    def __init__(self, folder: Path, command: list[str], environ: dict[str, str]) -> None:
        self.folder = folder
        self._announced = folder / f"announced-{time.monotonic_ns()}"
        written = [folder / name for name in ("output.txt", "errors.txt")]
        for file in written:
            file.write_text("")
        environ = {**os.environ, **environ, "TEST_ANNOUNCED": str(self._announced)}
        self.process = Python(command, folder, environ, *written)

    @property
    def output(self) -> str:
        """Give what was written to stdout."""
        return (self.folder / "output.txt").read_text()

    @property
    def errors(self) -> str:
        """Give what was written to stderr."""
        return (self.folder / "errors.txt").read_text()

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Give the log entries named *event*; one that is not yet written whole is left out."""
        whole = self.output.rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if event in (line.get("event"), line.get("message"))]

    def urls(self) -> list[str]:
        """Wait until the server says where it listens."""
        eventually(lambda: self._announced.exists() or self.process.poll() is not None, "announced")
        assert self._announced.exists(), self.output + self.errors
        found: list[str] = json.loads(self._announced.read_text())
        return found

    def served(self) -> dict[str, Any]:
        """Return what the first worker said that it serves."""
        found: dict[str, Any] = json.loads(self._announced.with_suffix(".served").read_text())
        return found

    @property
    def address(self) -> tuple[str, int]:
        """Give the public address."""
        host, _, port = self.urls()[0].removeprefix("http://").rpartition(":")
        return host.strip("[]"), int(port)

    def connection(self) -> http.client.HTTPConnection:
        """Open a connection that is kept alive."""
        return http.client.HTTPConnection(*self.address, timeout=PATIENCE_SECONDS)

    def get(self, path: str) -> str:
        """Call a path on a connection of its own."""
        connection = self.connection()
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def workers(self) -> set[int]:
        """Give the processes of the workers."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return {int(pid) for pid in Path(path).read_text().split()}

    def send(self, number: signal.Signals) -> None:
        """Send the master a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; give the exit status."""
        return self.process.wait(PATIENCE_SECONDS)

    def refuses(self, address: tuple[str, int]) -> bool:
        """Say whether a connection is refused."""
        try:
            socket.create_connection(address, timeout=1).close()
        except ConnectionRefusedError:
            return True
        return False

    def close(self) -> None:
        """End the processes and their files."""
        if self.process.poll() is None:
            workers = self.workers()
            if "COVERAGE_PROCESS_CONFIG" in os.environ:  # what is killed is not counted
                self.send(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
            self.process.kill()
            self.process.wait()
            for pid in workers:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


@contextmanager
def server(
    folder: Path,
    *sets: str,
    source: str = FUNCTIONS,
    functions: str = "hello pid slow",
    environ: dict[str, str] | None = None,
    check: str | None = None,
) -> Iterator[Running]:
    """Serve the functions of *source*, with ``path.to.value=YAML`` of *sets* in force."""
    _write(folder, source, functions)
    given = {**_DEFAULTS, "server.port": "0", **dict(each.split("=", 1) for each in sets)}
    arguments = [f"{path}={value}" for path, value in given.items()]
    variables = {**(environ or {}), "TEST_CODE_CHECK": check or ""}
    running = Running(folder, [__file__, *arguments], variables)
    try:
        yield running
    finally:
        running.close()


_DEFAULTS = {"server.host": "127.0.0.1", "server.drain_delay": "0s"}


def _write(folder: Path, source: str, functions: str) -> None:
    (folder / "main.py").write_text(source)
    lines = ["version: 1", "functions:"]
    lines += [f"  {name}: {{target: 'main.py:{name}'}}" for name in functions.split()]
    (folder / "functions.yaml").write_text("\n".join(lines) + "\n")


class Gunicorn(Running):
    """One run of somebody's own gunicorn with our configuration module."""

    def __init__(self, folder: Path, app: str, options: list[str], environ: dict[str, str]) -> None:
        self._port = free_port()
        command = ["-m", "gunicorn", "-c", "python:ffhost.gunicorn", *options, f"ffhost.{app}:app"]
        super().__init__(folder, command, {**environ, "PORT": str(self._port)})

    def urls(self) -> list[str]:
        """Wait until it listens."""
        address = ("127.0.0.1", self._port)
        eventually(
            lambda: self.process.poll() is not None or not self.refuses(address), "it listens"
        )
        assert self.process.poll() is None, self.output + self.errors
        return [f"http://127.0.0.1:{self._port}"]


@contextmanager
def gunicorn(
    folder: Path,
    *sets: str,
    app: str = "wsgi",
    options: tuple[str, ...] = (),
    source: str = FUNCTIONS,
    functions: str = "hello pid slow",
    environ: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Serve as `server` does, under gunicorn; the default is its gthread worker."""
    _write(folder, source, functions)
    given = {**_DEFAULTS, **dict(each.split("=", 1) for each in sets)}
    variables = {f"FFHOST_{path.upper().replace('.', '__')}": text for path, text in given.items()}
    running = Gunicorn(folder, app, list(options), {**variables, **(environ or {})})
    try:
        yield running
    finally:
        running.close()


def free_port() -> int:
    """Give a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Be the server."""
    from ffhost.cli.banner import ServeBanner
    from ffhost.cli.exit_messages import errors_as_exit_messages
    from ffhost.config import ConfigSources, load_config
    from ffhost.server import ListeningAddress, run_server

    announced = Path(os.environ["TEST_ANNOUNCED"])

    class Announced(ServeBanner):
        def serving(self, addresses: Any, serves: Any) -> None:
            found: list[ListeningAddress] = list(addresses)
            announced.with_suffix(".served").write_text(json.dumps(serves))
            half = announced.with_suffix(".half")
            half.write_text(json.dumps([each.url for each in found]))
            half.rename(announced)

    environ = {name: value for name, value in os.environ.items() if name != "PORT"}
    check = os.environ.get("TEST_CODE_CHECK")
    sources = ConfigSources(environ=environ, sets=tuple(sys.argv[1:]), cwd=Path.cwd())
    command = [sys.executable, "-c", check] if check else None
    with errors_as_exit_messages():
        config = load_config(sources)
        status = run_server(config, sources, announcer=Announced(config), check=command)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
