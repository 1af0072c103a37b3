"""User code that sets signal handlers of its own: the server still stops as it is told."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.serving import FUNCTIONS, Running, eventually, gunicorn, server

HANDLER = (
    FUNCTIONS
    + """
import signal, sys

def note(number, frame=None):
    with open("handled", "a") as file:
        file.write(signal.Signals(number).name + " ")

"""
)


def handled(running: Running) -> str:
    file = running.folder / "handled"
    return file.read_text() if file.exists() else ""


def stop(running: Running) -> None:
    """Stop the server while a call runs; the call is answered."""
    answers: list[str] = []
    call = threading.Thread(target=lambda: answers.append(running.get("/slow?seconds=1")))
    call.start()
    eventually((running.folder / "slow-begun").exists, "the call runs")
    running.send(signal.SIGTERM)
    call.join()
    assert answers == ["slow"]
    assert running.wait() == 0


ENDINGS = {
    "that returns": "",
    "that exits": "sys.exit(3)",
    "that fails": "raise OSError('no disk')",
    "that sends the signal again": "os.kill(os.getpid(), number)",
    "that calls the one before": "before(number, frame)",
    "that makes the next signal kill": "signal.signal(number, signal.SIG_DFL)",
}


@pytest.mark.parametrize("serve", [server, gunicorn])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_handler_of_user_code_is_called_once_and_stops_nothing(
    tmp_path: Path, serve: type[Running], ending: str
) -> None:
    source = HANDLER + (
        "before = signal.getsignal(signal.SIGTERM)\n"
        f"def bye(number, frame):\n    note(number)\n    {ending}\n"
        "signal.signal(signal.SIGTERM, bye)\n"
    )
    with serve(tmp_path, source=source) as running:  # type: ignore[call-arg, attr-defined]
        stop(running)
        assert handled(running) == "SIGTERM "
        (entry,) = running.entries("signal_handlers_replaced")
        assert entry["signals"] == ["SIGTERM"]


def test_a_handler_that_fails_is_logged(tmp_path: Path) -> None:
    source = HANDLER + "signal.signal(signal.SIGTERM, lambda *_: 1 / 0)\n"
    with server(tmp_path, source=source) as running:
        stop(running)
        (entry,) = running.entries("signal_handler_failed")
        assert entry["signal"] == "SIGTERM"


def test_signals_that_a_start_up_hook_takes_or_ignores_are_taken_again(tmp_path: Path) -> None:
    source = HANDLER + (
        "import ffhost\n"
        "@ffhost.on_startup\n"
        "async def connect():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):\n"
        "        signal.signal(number, note)\n"
    )
    with server(tmp_path, "config_reload.enabled=false", source=source) as running:
        assert running.get("/hello") == "hello"
        file = tmp_path / "functions.yaml"
        file.write_text(file.read_text() + "  again: {target: 'main.py:hello'}\n")
        running.send(signal.SIGHUP)
        eventually(lambda: running.get("/again") == "hello", "the reload")
        assert handled(running) == "SIGHUP "
        stop(running)
        (entry,) = running.entries("signal_handlers_replaced")
        assert entry["signals"] == ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"]


def test_a_handler_for_the_end_is_called_in_a_worker_that_is_replaced(tmp_path: Path) -> None:
    source = HANDLER + "signal.signal(signal.SIGTERM, note)\n"
    with server(tmp_path, source=source) as running:
        before = running.workers() if running.get("/hello") else set()
        running.send(signal.SIGUSR2)
        eventually(lambda: not running.workers() & before, "it is replaced")
        assert handled(running) == "SIGTERM "


LOOP = (
    HANDLER
    + """
import asyncio, ffhost

@ffhost.on_startup
async def connect():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, note, signal.SIGTERM)

async def remove(request):
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    return "removed"
"""
)


def test_a_handler_of_the_loop_is_called_once(tmp_path: Path) -> None:
    with server(tmp_path, source=LOOP, functions="hello slow remove") as running:
        stop(running)
        assert handled(running) == "SIGTERM "


def test_after_a_handler_of_the_loop_was_removed_the_server_still_stops_in_order(
    tmp_path: Path,
) -> None:
    with server(tmp_path, source=LOOP, functions="hello slow remove") as running:
        assert running.get("/remove") == "removed"
        (worker,) = running.workers()
        eventually(lambda: _catches(worker, signal.SIGTERM), "the signal is taken again")
        stop(running)
        assert handled(running) == ""
        assert running.entries("worker_died") == []


def _catches(pid: int, number: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    raise AssertionError(os.listdir(f"/proc/{pid}"))
