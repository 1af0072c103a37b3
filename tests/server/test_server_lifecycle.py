"""The server from its start to its end, with real processes."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from tests.serving import FUNCTIONS, Running, eventually, free_port, server


def test_connections_are_refused_until_a_worker_is_ready(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    source = FUNCTIONS + (
        "\npathlib.Path('loading').touch()\n"
        "while not pathlib.Path('gate').exists():\n"
        "    time.sleep(0.01)\n"
    )
    port = free_port()
    with server(tmp_path, f"server.port={port}", source=source) as running:
        eventually((tmp_path / "loading").exists, "the functions are loaded")
        assert running.refuses(("127.0.0.1", port))
        gate.touch()
        assert running.get("/hello") == "hello"


def test_the_date_of_an_answer_is_right_when_nobody_was_connected_for_a_while(
    tmp_path: Path,
) -> None:
    with server(tmp_path) as running:
        assert running.get("/hello") == "hello"
        time.sleep(2.1)  # the date counts seconds
        connection = running.connection()
        connection.request("GET", "/hello")
        date = connection.getresponse().headers["date"]
        connection.close()
        assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 2


def test_a_wrong_target_is_reported_once_and_ends_the_server_with_2(tmp_path: Path) -> None:
    with server(tmp_path, "server.workers=3", functions="hello helo") as running:
        assert running.wait() == 2
        assert running.errors.count("functions.helo.target") == 1
        assert "Traceback" not in running.errors
        assert running.entries("stopping") == []


def test_a_failed_start_up_hook_ends_the_server_with_1(tmp_path: Path) -> None:
    source = FUNCTIONS + (
        "\nimport ffhost\n@ffhost.on_startup\ndef connect():\n    raise OSError('no database')\n"
    )
    with server(tmp_path, "server.workers=2", source=source) as running:
        assert running.wait() == 1
        assert running.errors.count("no database") == 1
        assert running.entries("stopping") == []


def test_a_worker_that_is_killed_while_it_loads_ends_the_server(tmp_path: Path) -> None:
    with server(tmp_path, source="import os\nos.kill(os.getpid(), 9)") as running:
        assert running.wait() == 1


def test_an_address_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with server(tmp_path, f"server.port={port}") as running:
            assert running.wait() == 1
            message = f"cannot listen on 127.0.0.1:{port}: address already in use"
            assert message in running.errors


def test_hooks_run_and_atexit_functions_too_when_the_server_ends(tmp_path: Path) -> None:
    source = FUNCTIONS + (
        "\nimport atexit, ffhost, threading\n"
        "atexit.register(pathlib.Path('left').touch)\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "@ffhost.on_shutdown\ndef gone():\n    pathlib.Path('gone').touch()\n"
    )
    with server(tmp_path, source=source) as running:
        assert running.get("/hello") == "hello"
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert (tmp_path / "gone").exists()
        assert (tmp_path / "left").exists()


class Client(threading.Thread):
    """Calls over kept-alive connections until it was told ten times to connect anew."""

    def __init__(self, running: Running) -> None:
        super().__init__(daemon=True)
        self._running = running
        self.answered = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for _ in range(10):
                self._use(self._running.connection())
        except Exception as error:
            self.error = error

    def _use(self, connection: http.client.HTTPConnection) -> None:
        closes = False
        while not closes:
            connection.request("GET", "/hello")
            response = connection.getresponse()
            response.read()
            self.answered += 1
            closes = response.will_close
        connection.close()


def test_sigterm_cuts_no_kept_alive_client_and_no_call_in_flight(tmp_path: Path) -> None:
    sets = ("server.drain_delay=1s", "server.workers=2", "defaults.timeout=10s")
    with server(tmp_path, *sets) as running:
        address = running.address
        clients = [Client(running) for _ in range(3)]
        for client in clients:
            client.start()
        slow: list[str] = []
        call = threading.Thread(target=lambda: slow.append(running.get("/slow?seconds=2")))
        call.start()
        eventually(lambda: all(each.answered > 20 for each in clients), "all are answered")
        eventually((tmp_path / "slow-begun").exists, "the slow call runs")
        running.send(signal.SIGTERM)
        for client in clients:
            client.join()
        call.join()
        assert running.wait() == 0
        assert slow == ["slow"]
        assert [each.error for each in clients] == [None, None, None]
        assert running.refuses(address)
        assert [entry["draining"] for entry in running.entries("stopping")] == [True]


def test_sigterm_while_the_functions_load_ends_the_server_at_once(tmp_path: Path) -> None:
    source = FUNCTIONS + "\npathlib.Path('loading').touch()\ntime.sleep(60)\n"
    with server(tmp_path, source=source) as running:
        eventually((tmp_path / "loading").exists, "the functions are loaded")
        running.send(signal.SIGTERM)
        assert running.wait() == 0


def test_readiness_is_503_while_the_server_drains(tmp_path: Path) -> None:
    with server(tmp_path, "server.drain_delay=5s") as running:
        kept = running.connection()
        kept.request("GET", "/_ffhost/ready")
        assert kept.getresponse().read() == b'{"status":"ready"}\n'
        running.send(signal.SIGTERM)
        eventually(lambda: "draining" in running.get("/_ffhost/ready"), "it drains")
        kept.request("GET", "/_ffhost/live")
        answer = kept.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        running.send(signal.SIGINT)
        assert running.wait() == 0


def test_the_first_sigint_lets_calls_finish_and_the_second_does_not(tmp_path: Path) -> None:
    with server(tmp_path, "server.drain_delay=60s") as running:
        address = running.address
        failed: list[bool] = []

        def call() -> None:
            try:
                running.get("/slow?seconds=60")
            except OSError:
                failed.append(True)

        calling = threading.Thread(target=call)
        calling.start()
        eventually((tmp_path / "slow-begun").exists, "the call runs")
        running.send(signal.SIGINT)
        eventually(lambda: running.refuses(address), "the listener closes")
        assert running.process.poll() is None
        running.send(signal.SIGINT)
        assert running.wait() == 130


def test_workers_end_when_their_master_is_killed(tmp_path: Path) -> None:
    with server(tmp_path, "server.workers=2") as running:
        running.get("/hello")
        eventually(lambda: len(running.workers()) == 2, "both workers run")
        workers = running.workers()
        running.process.kill()
        running.process.wait()
        eventually(lambda: not any(_runs(pid) for pid in workers), "the workers end")


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_admin_listener_has_an_address_of_its_own(tmp_path: Path) -> None:
    with server(tmp_path, "admin.enabled=true", "admin.port=0") as running:
        public, admin = running.urls()
        assert public != admin
        assert running.get("/hello") == "hello"


def test_a_unix_socket_can_be_listened_on_and_its_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "ffhost.sock"
    with server(tmp_path, f"server.host=unix:{path}") as running:
        assert running.urls() == [f"unix:{path}"]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert not path.exists()


def test_an_ipv6_address_can_be_listened_on(tmp_path: Path) -> None:
    with server(tmp_path, "server.host=::1") as running:
        assert running.urls()[0].startswith("http://[::1]:")
        assert running.get("/hello") == "hello"
