"""Servers as processes: how each side is started, waited for and ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environments import Pythons

FUNCTIONS = Path(__file__).parent / "functions"
WORKERS, THREADS = 1, 8
"""Of both sides."""
_PATIENCE_SECONDS = 90.0


class ServerError(Exception):
    """A server did not start; the message is the end of its log."""


@dataclass(frozen=True)
class Place:
    """Where a server runs.

    Args:
        folder: for its configuration and its log
        port: where it listens
        pythons: what runs the two sides
    """

    folder: Path
    port: int
    pythons: Pythons


@dataclass(frozen=True)
class Side:
    """One of the two servers that are compared.

    Args:
        label: what it is called in the table
        command: makes its command line
        environ: its environment, beside ours
        path: what is asked for
        beside: arguments for a Python that runs beside the server, such as a collector
    """

    label: str
    command: Callable[[Place], list[str]]
    environ: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    beside: tuple[str, ...] = ()


def ffhost(
    functions: Mapping[str, Any],
    path: str = "/hello",
    *,
    label: str = "ffhost serve",
    wsgi_server: bool = False,
    beside: tuple[str, ...] = (),
    as_user: bool = False,
    **sections: Any,
) -> Side:
    """Make a side of ours: ``ffhost serve``, or gunicorn with ``ffhost.wsgi:app``.

    Args:
        functions: as in functions.yaml
        as_user: run in the environment that users have, not in that for development
        sections: further sections of functions.yaml, over those of the benchmarks
    """

    def command(place: Place) -> list[str]:
        server = {
            "host": "127.0.0.1",
            "port": place.port,
            "workers": WORKERS,
            "drain_delay": "0s",
            **sections.get("server", {}),
        }
        quiet = {"logging": {"invocations": False}, "metrics": {"enabled": False}}
        config = {"version": 1, **quiet, **sections, "server": server, "functions": functions}
        file = place.folder / "functions.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        if not wsgi_server:
            python = str(place.pythons.user) if as_user else sys.executable
            return [python, "-m", "ffhost", "serve", "-c", str(file)]
        return gunicorn("ffhost.wsgi:app", "gthread", place, f"--env=FFHOST_CONFIG={file}")

    return Side(label, command, path=path, beside=beside)


def gunicorn(app: str, worker: str, place: Place, *options: str) -> list[str]:
    """Write the command line of a gunicorn of our environment."""
    bind = f"127.0.0.1:{place.port}"
    return [
        *(sys.executable, "-m", "gunicorn", app, "-b", bind, "-k", worker),
        *("-w", str(WORKERS), "--threads", str(THREADS), "--no-control-socket", *options),
    ]


def single_target(target: str, source: str, *, path: str = "/", as_user: bool = False) -> Side:
    """Make a side of ours that is started as functions-framework is."""

    def command(place: Place) -> list[str]:
        python = str(place.pythons.user) if as_user else sys.executable
        return [
            *(python, "-m", "ffhost", "serve", "--target", target),
            *("--source", str(FUNCTIONS / source), "--port", str(place.port)),
        ]

    environ = {
        "WORKERS": str(WORKERS),
        "THREADS": str(THREADS),
        "HOST": "127.0.0.1",
        "FFHOST_SERVER__DRAIN_DELAY": "0s",
        "FFHOST_METRICS__ENABLED": "false",
        "FFHOST_LOGGING__INVOCATIONS": "false",
    }
    return Side("ffhost serve --target", command, environ, path)


def functions_framework(
    target: str,
    source: str = "main.py",
    signature: str = "http",
    *,
    path: str = "/",
    asgi: bool = False,
) -> Side:
    """Make the other side."""

    def command(place: Place) -> list[str]:
        return [
            *(str(place.pythons.original), "-m", "functions_framework", "--target", target),
            *("--source", str(FUNCTIONS / source), "--signature-type", signature),
            *("--host", "127.0.0.1", "--port", str(place.port), *(["--asgi"] if asgi else [])),
        ]

    label = "functions-framework --asgi" if asgi else "functions-framework"
    return Side(label, command, {"WORKERS": str(WORKERS), "THREADS": str(THREADS)}, path)


def granian(app: str) -> Side:
    """Make a side that serves an ASGI application by granian, for orientation."""

    def command(place: Place) -> list[str]:
        return [
            *(str(place.pythons.others), "-m", "granian", "--interface", "asgi"),
            *("--host", "127.0.0.1", "--port", str(place.port), "--workers", str(WORKERS), app),
        ]

    return Side("granian", command, {"PYTHONPATH": str(FUNCTIONS)})


class Server:
    """A running side; use it in a ``with`` statement."""

    def __init__(self, side: Side, folder: Path, pythons: Pythons) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._side = side
        self._place = Place(folder, free_port(), pythons)
        self.url = f"http://127.0.0.1:{self._place.port}{side.path}"
        self.log = folder / "server.log"

    def __enter__(self) -> Server:
        command = self._side.command(self._place)
        environ = {
            **{key: value for key, value in os.environ.items() if key not in _NOT_HANDED_DOWN},
            **self._side.environ,
        }
        self._beside = None
        if self._side.beside:
            self._beside = subprocess.Popen([sys.executable, *self._side.beside])
        with self.log.open("w") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                command,
                cwd=self._place.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self._beside is not None:
            self._beside.kill()
            self._beside.wait()

    def wait(self, request_body: bytes = b"", headers: Mapping[str, str] | None = None) -> float:
        """Wait for the first answer of the function; give the seconds since the start.

        Raises:
            ServerError: none came, or it was no 2xx
        """
        method = "POST" if request_body else "GET"
        while self.process.poll() is None and time.monotonic() < self.started + _PATIENCE_SECONDS:
            connection = http.client.HTTPConnection("127.0.0.1", self._place.port, timeout=30)
            try:
                connection.request(method, self._side.path, request_body, dict(headers or {}))
                answer = connection.getresponse()
                text = answer.read()
            except OSError:
                time.sleep(0.002)
                continue
            finally:
                connection.close()
            if answer.status // 100 != 2:
                raise ServerError(f"{self._side.label} answered {answer.status}: {text[:300]!r}")
            return time.monotonic() - self.started
        raise ServerError(f"{self._side.label} did not start: {self.log.read_text()[-600:]}")


# Byte code is cached in production, so it is here, on both sides.
_NOT_HANDED_DOWN = frozenset(
    {
        *("PYTHONDONTWRITEBYTECODE", "FUNCTION_TARGET", "FUNCTION_SOURCE", "FFHOST_CONFIG"),
        *("PORT", "HOST", "WORKERS", "THREADS", "DEBUG", "FUNCTION_SIGNATURE_TYPE"),
    }
)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
