"""The process that watches code: no change is missed, and its end is told."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import watchfiles

from ffhost.cli import code_watcher
from tests.cli.test_cli_serve import Served
from tests.execution.test_deadlines import eventually


def begun_now() -> code_watcher.LastLook:
    """Return the look before the first one."""
    now = time.time()
    return code_watcher.LastLook(now, now)


def test_a_change_while_the_watch_begins_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "main.py"

    def slow_to_begin(*_folders: str, **_options: object) -> Iterator[set[object]]:
        edited.write_text("")  # nothing is watched yet
        yield set()

    monkeypatch.setattr(watchfiles, "watch", slow_to_begin)
    places = {"folders": [str(tmp_path)]}
    code_watcher._watch_until_asked(-1, begun_now(), places)
    assert json.loads(capsys.readouterr().out) == [str(edited)]


def test_a_change_during_the_first_look_counts_for_the_next_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed_at = []

    def slow_look(*_arguments: object) -> Iterator[str]:
        missed_at.append(time.time())  # of a file that was looked at already
        time.sleep(0.01)
        return iter(())

    monkeypatch.setattr(watchfiles, "watch", lambda *_folders, **_options: iter([set()]))
    monkeypatch.setattr(code_watcher, "code_changed_since", slow_look)
    look = code_watcher._watch_until_asked(-1, begun_now(), {"folders": [str(tmp_path)]})
    assert look.at <= missed_at[0]


def test_a_folder_that_is_asked_for_counts_from_the_last_change_that_was_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").touch()  # before anybody asked for its folder
    changed_at = (tmp_path / "main.py").stat().st_mtime
    look = code_watcher.LastLook(changed_at + 5, changed_at - 5, ["/another"])
    assert list(look.missed([str(tmp_path)], lambda *_: True)) == [str(tmp_path / "main.py")]
    look.folders.append(str(tmp_path))
    assert not list(look.missed([str(tmp_path)], lambda *_: True))


def test_a_log_that_is_written_all_the_time_hides_no_change_and_no_question(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "main.py").touch()  # before the watch begins, and after the server did
    command = [sys.executable, "-m", "ffhost.cli.code_watcher", str(os.getpid()), "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0) as watcher:
        assert watcher.stdin is not None

        def noticed() -> bool:
            (first / "log.txt").write_text("one call more")
            return bool(select.select([watcher.stdout], [], [], 0.01)[0])

        def tells_of(file: Path) -> bool:
            assert watcher.stdout is not None
            return eventually(noticed, 5) and json.loads(watcher.stdout.readline()) == [str(file)]

        try:
            watcher.stdin.write(json.dumps({"folders": [str(first)]}).encode() + b"\n")
            assert tells_of(first / "main.py")
            watcher.stdin.write(json.dumps({"folders": [str(first), str(second)]}).encode() + b"\n")
            (second / "main.py").touch()
            assert tells_of(second / "main.py")
        finally:
            watcher.terminate()


def test_two_questions_that_arrive_together_are_both_answered(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    asked = [{"folders": [str(first)]}, {"folders": [str(second)]}]
    command = [sys.executable, "-m", "ffhost.cli.code_watcher", str(os.getpid()), str(time.time())]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0) as watcher:
        assert watcher.stdin is not None
        watcher.stdin.write("".join(json.dumps(each) + "\n" for each in asked).encode())

        def noticed() -> bool:
            (second / "main.py").touch()
            return bool(select.select([watcher.stdout], [], [], 0.05)[0])

        assert eventually(noticed, 15)
        watcher.terminate()


def test_a_watcher_that_ends_is_told_and_the_server_serves_on(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text("functions:\n  hello: {target: 'main.py:hello'}\n")
    (tmp_path / "main.py").write_text("def hello(request): return 'one'\n")
    server = Served(tmp_path, program=("ffhost", "dev", "--port", "PORT"))
    try:
        assert server.answers("one")
        subprocess.run(["pkill", "-P", str(server.process.pid), "-f", "code_watcher"], check=True)
        assert eventually(lambda: "code is no longer watched; start again" in server.log, 15)
        assert server.get("/hello") == "one"
    finally:
        server.stop()
