"""``ffhost serve`` as a process: what it says, and how it follows changed code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.test_deadlines import eventually
from tests.forking import Python
from tests.fronts.test_parity import free_port

CONFIG = "functions:\n  hello: {target: 'main.py:hello'}\n"


SERVE = ("ffhost", "serve", "--port", "PORT")
GUNICORN = (
    *("gunicorn", "-c", "python:ffhost.gunicorn", "-b", "127.0.0.1:PORT"),
    "ffhost.wsgi:app",
)


Process = Python | subprocess.Popen[bytes]


class Served:
    """One run of the command, or of another that serves."""

    def __init__(
        self, folder: Path, *arguments: str, program: tuple[str, ...] = SERVE, **variables: str
    ) -> None:
        self.port = free_port()
        self._log = folder / "log.txt"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FUNCTION_")}
        words = [word.replace("PORT", str(self.port)) for word in program]
        self.process = self._start(["-m", *words, *arguments], folder, {**environ, **variables})

    def _start(self, command: list[str], folder: Path, environ: dict[str, str]) -> Process:
        return Python(command, folder, environ, self._log, self._log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return None

    def problem(self, path: str) -> dict[str, str]:
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        found: dict[str, str] = json.load(raised.value)
        return found

    def answers(self, text: str, path: str = "/hello") -> bool:
        return eventually(lambda: self.get(path) == text, 15)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(15)


class ServedFromNothing(Served):
    """As `Served`, with nothing imported before, and slower."""

    def _start(self, command: list[str], folder: Path, environ: dict[str, str]) -> Process:
        with self._log.open("w") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "functions.yaml").write_text(CONFIG)
    (tmp_path / "main.py").write_text("def hello(request): return 'one'\n")
    return tmp_path


@pytest.fixture
def started() -> Iterator[list[Served]]:
    servers: list[Served] = []
    yield servers
    for server in servers:
        server.stop()


def test_one_entry_says_what_is_served_where(folder: Path, started: list[Served]) -> None:
    server = Served(folder)
    started.append(server)
    assert server.answers("one")
    entries = [json.loads(line) for line in server.log.splitlines()]
    serving = [entry for entry in entries if entry["message"] == "serving"]
    assert len(serving) == 1
    assert serving[0]["addresses"] == [f"http://0.0.0.0:{server.port}"]
    assert serving[0]["functions"] == [
        {
            "name": "hello",
            "path": "/hello",
            "methods": ["*"],
            "signature": "http",
            "target": "main.py:hello",
        }
    ]
    assert server.stop() == 0


def test_for_people_a_table_shows_the_address_of_every_function(
    folder: Path, started: list[Served]
) -> None:
    server = Served(folder, "--log-format", "console")
    started.append(server)
    assert server.answers("one")
    url = f"http://localhost:{server.port}"
    assert f"ffhost serves 1 function on {url}, revision " in server.log
    assert f"hello  *  {url}/hello  http  main.py:hello\n" in server.log


def test_changed_code_is_served_and_broken_code_is_shown_and_not_served(
    folder: Path, started: list[Served]
) -> None:
    server = Served(folder, "--reload", "--set", "server.drain_delay=0s")
    started.append(server)
    assert server.answers("one")
    (folder / "main.py").write_text("def hello(request: return 'two'\n")
    assert eventually(lambda: "syntax error" in server.log, 15)
    assert server.get("/hello") == "one"
    (folder / "main.py").write_text("def hello(request): return 'three'\n")
    assert server.answers("three")


def test_an_import_that_hangs_does_not_block_the_next_change(
    folder: Path, started: list[Served]
) -> None:
    server = Served(folder, "--host", "127.0.0.1", program=("ffhost", "dev", "--port", "PORT"))
    started.append(server)
    assert server.answers("one")
    (folder / "main.py").write_text("import time\nopen('begun', 'w')\ntime.sleep(600)\n")
    assert eventually((folder / "begun").exists, 15)
    assert server.get("/hello") == "one"
    assert eventually(lambda: "still loading: main.py:3: time.sleep(600)" in server.log, 15)
    (folder / "main.py").write_text(
        "def hello(request): return 'two'\ndef new(request): return 'new'\n"
    )
    (folder / "functions.yaml").write_text(CONFIG + "  new: {target: 'main.py:new'}\n")
    assert server.answers("two")
    assert eventually(lambda: server.get("/new") == "new", 15)
    assert f"new  *  http://127.0.0.1:{server.port}/new" in server.log
    assert "reloaded in" in server.log


def test_all_decorated_functions_of_a_file_are_served_also_one_that_is_added(
    folder: Path, started: list[Served]
) -> None:
    one = "import ffhost\n@ffhost.http\ndef hello(request): return 'one'\n"
    (folder / "main.py").write_text(one)
    # The fork answers before the watcher watches, and what changes in between is not seen.
    server = ServedFromNothing(folder, program=("ffhost", "dev", "main.py", "--port", "PORT"))
    started.append(server)
    assert server.answers("one", "/")
    (folder / "main.py").write_text(f"{one}@ffhost.http\ndef crash(request): 1 / 0\n")
    assert eventually(lambda: server.get("/") is None, 15)
    assert server.get("/hello") == "one"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=5)
    answer = json.load(raised.value)
    named = "no function is served at this path; there are /hello, /crash; see what is served at "
    assert answer["detail"].startswith(f"{named}http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/crash", timeout=5)
    stack = json.load(raised.value)["traceback"]
    assert stack[1] == f'  File "{folder / "main.py"}", line 5, in crash'


def test_a_taken_admin_port_is_passed_over_and_what_fails_names_the_console(
    folder: Path, started: list[Served]
) -> None:
    (folder / "main.py").write_text("def hello(request): return str(1 // len(request.args))\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        program = ("ffhost", "dev", "--port", "PORT", "--set", f"admin.port={taken}")
        server = Served(folder, program=program)
        started.append(server)
        assert server.answers("1", "/hello?a=b"), server.log
    console = re.search(r"^console: (http://127\.0\.0\.1:(\d+))$", server.log, re.MULTILINE)
    assert console is not None
    assert console[2] not in (str(taken), str(server.port))
    with urllib.request.urlopen(f"{console[1]}/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ready"
    crash = server.problem("/hello")
    assert crash["console"] == f"{console[1]}/#/calls/{crash['execution_id']}"
    assert server.problem("/helo")["detail"] == (
        "no function is served at this path; did you mean /hello?; "
        f"see what is served at {console[1]}"
    )


def test_without_compatibility_the_imports_are_left_alone(
    folder: Path, started: list[Served]
) -> None:
    (folder / "main.py").write_text(
        "from ffhost import http\n"
        "import functions_framework\n"
        "@http\n"
        "def hello(request): return str(hasattr(functions_framework, 'http'))\n"
    )
    server = ServedFromNothing(folder)
    started.append(server)
    assert server.answers("True")
    server.stop()
    (folder / "functions_framework.py").write_text("")
    server = ServedFromNothing(folder, "--no-compat")
    started.append(server)
    assert server.answers("False")


def test_a_port_that_is_taken_is_named(folder: Path, started: list[Served]) -> None:
    first = Served(folder)
    started.append(first)
    assert first.answers("one")
    command = [sys.executable, "-m", "ffhost", "serve", "--port", str(first.port)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20)
    assert run.returncode == 1
    assert str(first.port) in run.stderr
    assert "Traceback" not in run.stderr
