"""Workers that are replaced: by signals, by death, and because they ask for it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.serving import FUNCTIONS, Running, eventually, server


def settled(running: Running, count: int, without: set[int] = frozenset()) -> set[int]:  # type: ignore[assignment]
    """Wait until *count* workers run, none of them among *without*."""

    def look() -> set[int]:
        workers = running.workers()
        return workers if len(workers) == count and not workers & without else set()

    return eventually(look, f"{count} workers other than {without}")


def test_sighup_applies_the_configuration_and_replaces_no_worker(tmp_path: Path) -> None:
    with server(tmp_path, "config_reload.enabled=false") as running:
        assert running.get("/hello") == "hello"
        before = running.workers()
        file = tmp_path / "functions.yaml"
        file.write_text(file.read_text() + "  again: {target: 'main.py:hello'}\n")
        running.send(signal.SIGHUP)
        eventually(lambda: running.get("/again") == "hello", "the new path is served")
        assert running.workers() == before


def test_sigusr2_serves_new_code_without_cutting_a_client(tmp_path: Path) -> None:
    sets = ("server.workers=2", "server.drain_delay=1s")
    with server(tmp_path, *sets) as running:
        running.get("/hello")
        before = settled(running, 2)
        kept = running.connection()
        (tmp_path / "main.py").write_text(FUNCTIONS.replace('"hello"', '"new"'))
        running.send(signal.SIGUSR2)
        answers = []
        while answers[-20:] != [b"new"] * 20:
            kept.request("GET", "/hello")
            answer = kept.getresponse()
            answers.append(answer.read())
            assert set(answers) <= {b"hello", b"new"}
            time.sleep(0.01)
        assert not settled(running, 2, before) & before
        assert running.get("/hello") == "new"


def test_code_that_fails_its_check_changes_nothing(tmp_path: Path) -> None:
    check = "import main"
    with server(tmp_path, check=check) as running:
        running.get("/hello")
        before = running.workers()
        (tmp_path / "main.py").write_text("def hello(:")
        running.send(signal.SIGUSR2)
        (entry,) = eventually(lambda: running.entries("code_check_failed"), "it is logged")
        assert "SyntaxError" in entry["output"]
        assert running.workers() == before
        assert running.get("/hello") == "hello"


def test_code_that_passes_its_check_is_served(tmp_path: Path) -> None:
    with server(tmp_path, check="import main") as running:
        before = set(running.workers() if running.get("/hello") else ())
        running.send(signal.SIGUSR2)
        settled(running, 1, before)
        assert running.get("/hello") == "hello"


def test_a_replacement_that_cannot_start_leaves_the_old_worker(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello")
        before = running.workers()
        (tmp_path / "main.py").write_text("raise RuntimeError('broken')")
        running.send(signal.SIGUSR2)
        eventually(lambda: running.entries("replacement_failed"), "it is logged")
        assert settled(running, 1) == before
        assert running.get("/hello") == "hello"


def test_a_killed_worker_is_replaced_and_the_other_serves_on(tmp_path: Path) -> None:
    with server(tmp_path, "server.workers=2") as running:
        running.get("/hello")
        before = settled(running, 2)
        # Either may have it by now; a worker says itself which one it is.
        victim = int(running.get("/pid"))
        os.kill(victim, signal.SIGKILL)
        after = settled(running, 2, {victim})
        assert before - {victim} < after
        (entry,) = running.entries("worker_died")
        assert (entry["worker"], entry["signal"]) == (victim, "SIGKILL")
        assert running.get("/hello") == "hello"


def test_a_worker_that_exits_by_itself_takes_nobody_along(tmp_path: Path) -> None:
    source = FUNCTIONS + "\ndef leave(request):\n    os._exit(3)\n"
    with server(tmp_path, source=source, functions="hello leave") as running:
        with pytest.raises(ConnectionError):
            running.get("/leave")
        assert running.get("/hello") == "hello"


def test_ttin_and_ttou_change_the_number_of_workers(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello")
        running.send(signal.SIGTTIN)
        settled(running, 2)
        running.send(signal.SIGTTOU)
        settled(running, 1)
        assert running.get("/hello") == "hello"


def test_a_worker_with_too_many_stuck_calls_is_replaced(tmp_path: Path) -> None:
    sets = ("defaults.timeout=100ms", "defaults.stuck_limit=1")
    with server(tmp_path, *sets) as running:
        before = {int(running.get("/pid"))}
        for _ in range(2):
            running.get("/slow?seconds=60")
        settled(running, 1, before)
        assert running.get("/hello") == "hello"


def test_a_worker_that_dies_soon_is_replaced_with_growing_pauses(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        workers: set[int] = set()
        for _ in range(4):
            workers = settled(running, 1, workers)
            assert running.get("/hello") == "hello"
            os.kill(min(workers), signal.SIGKILL)
        assert running.get("/hello") == "hello"
        pauses = [entry["pause_seconds"] for entry in running.entries("worker_died")]
        assert pauses == [0.1, 0.2, 0.4, 0.8]


def test_workers_that_are_killed_while_they_load_do_not_end_the_server(tmp_path: Path) -> None:
    source = FUNCTIONS + "\nif pathlib.Path('slow-load').exists():\n    time.sleep(60)\n"
    with server(tmp_path, source=source) as running:
        assert running.get("/hello") == "hello"
        slow = tmp_path / "slow-load"
        slow.touch()
        workers: set[int] = set()
        for _ in range(3):
            workers = settled(running, 1, workers)
            os.kill(min(workers), signal.SIGKILL)
        slow.unlink()
        assert running.get("/hello") == "hello"
        died, starting = running.entries("worker_died"), running.entries("worker_could_not_start")
        assert [entry["pause_seconds"] for entry in died + starting] == [0.1, 0.2, 0.4]
        assert [entry["signal"] for entry in starting] == ["SIGKILL"] * 2


def test_a_server_whose_workers_cannot_start_any_more_tries_again(tmp_path: Path) -> None:
    source = FUNCTIONS + "\nif pathlib.Path('broken').exists():\n    raise OSError('no disk')\n"
    with server(tmp_path, source=source) as running:
        workers = settled(running, 1) if running.get("/hello") else set()
        broken = tmp_path / "broken"
        broken.touch()
        os.kill(min(workers), signal.SIGKILL)
        eventually(lambda: len(running.entries("worker_could_not_start")) == 2, "two attempts")
        assert running.process.poll() is None
        broken.unlink()
        assert running.get("/hello") == "hello"
        assert running.errors.count("no disk") >= 2
