"""What another thread is at, while the garbage collector is busy."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from ffhost.execution.thread_frames import frame_of_thread
from tests.forking import Python

LOOKS = """
import gc, threading, time
from ffhost.execution.thread_frames import frame_of_thread

def look():
    for _ in range(50):
        frame_of_thread(threading.main_thread().ident)
        time.sleep(0.0001)

gc.callbacks.append(lambda phase, info: time.sleep(0.0001))  # others run, as in finalizers
threads = [threading.Thread(target=look) for _ in range(4)]
gc.set_threshold(1)  # it begins again and again
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_look_at_each_other_never_wait_for_ever(tmp_path: Path) -> None:
    program = tmp_path / "looks.py"
    program.write_text(LOOKS)
    looking = Python([str(program)], tmp_path, os.environ, tmp_path / "out", tmp_path / "errors")
    try:
        assert looking.wait(20) == 0, (tmp_path / "errors").read_text()
    finally:
        looking.kill()


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was(collects: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        frame = frame_of_thread(threading.get_ident())
        assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()
    assert frame is not None
    assert frame.f_code.co_name == "frame_of_thread"


def test_a_thread_that_has_ended_is_nowhere() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert thread.ident is not None
    assert frame_of_thread(thread.ident) is None
