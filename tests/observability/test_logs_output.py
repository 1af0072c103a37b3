"""An entry stays whole, whoever else writes, and none is lost that could be written."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from ffhost.errors import DeadlineExceeded
from ffhost.observability.logs.output import LogOutput
from tests.log_reading import PREAMBLE, ROOT, parsed, run
from tests.serving import eventually

WRITER = """
import json, sys
from ffhost.observability.logs.output import LogOutput
out = LogOutput(1)
name, count, sizes = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
for number in range(count):
    size = sizes[number % len(sizes)]
    line = json.dumps({"who": name, "n": number, "text": name[-1] * size}).encode() + b"\\n"
    out.hold(bytes, line) if number % 3 == 0 else out.write(line)
"""


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_entries_of_many_processes_stay_whole_in_one_pipe(pipe):
    # No process shares anything with another but the pipe; long and short ones are mixed,
    # because a short write is never torn but may land inside a long one.
    reader, writer = pipe
    count, sizes = 40, json.dumps([100_000, 50, 6_000])
    command = [sys.executable, "-c", WRITER]
    processes = [
        subprocess.Popen([*command, f"w{i}", str(count), sizes], stdout=writer, cwd=ROOT)
        for i in range(4)
    ]
    os.close(writer)
    with open(reader, "rb", closefd=False) as stream:
        entries = [json.loads(line) for line in stream]
    assert [process.wait() for process in processes] == [0] * 4
    for i in range(4):
        mine = [entry["n"] for entry in entries if entry["who"] == f"w{i}"]
        assert mine == list(range(count))


def test_entries_of_forked_workers_and_their_threads_stay_whole_in_one_pipe():
    _, out, err = run(
        """
        import os, threading
        logs.configure_logging(settings())
        record = logs.configured_summary_recorder("f", "http")
        log = logging.getLogger("worker")
        logging.info("before")
        for _ in range(3):
            if os.fork() == 0:
                def work():
                    for n in range(15):
                        log.info("x" * 100_000)
                        record("GET", "/p", 200, "ok", 0.1)
                        log.info("short")
                threads = [threading.Thread(target=work) for _ in range(2)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                logs.flush_log()
                os._exit(0)
        for _ in range(3): os.wait()
        """
    )
    assert err == b""
    messages = [entry["message"] for entry in parsed(out)]
    assert messages.count("before") == 1
    assert messages.count("x" * 100_000) == 3 * 2 * 15
    assert messages.count("short") == 3 * 2 * 15
    assert messages.count("invocation") == 3 * 2 * 15


def test_what_is_held_is_written_before_any_later_entry(pipe):
    reader, writer = pipe
    out = LogOutput(writer)
    out.hold(bytes, b"1\n")
    out.hold(bytes, b"2\n")
    out.write(b"3\n")
    out.hold(bytes, b"4\n")
    out.flush()
    assert os.read(reader, 100) == b"1\n2\n3\n4\n"


def test_what_is_held_is_written_soon_without_anybody_asking(pipe):
    reader, writer = pipe
    out = LogOutput(writer)
    for line in (b"1\n", b"2\n"):
        out.hold(bytes, line)
        assert os.read(reader, 100) == line


def test_an_entry_that_is_made_while_others_are_made_follows_them(pipe):
    reader, writer = pipe
    out = LogOutput(writer)

    def make(line):  # a signal handler may run here
        out.write(b"nested\n")
        return line

    out.hold(make, b"1\n")
    out.hold(bytes, b"2\n")
    out.write(b"3\n")
    assert os.read(reader, 100) == b"1\n2\n3\nnested\n"


def test_what_is_held_is_bounded(pipe):
    reader, writer = pipe
    out = LogOutput(writer)
    for _ in range(1000):
        out.hold(bytes, b"1\n")
    out.flush()
    assert os.read(reader, 10_000) == b"1\n" * 1000


def test_many_threads_hold_and_write_and_nothing_is_lost(tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        out = LogOutput(file.fileno())

        def work(who):
            for number in range(500):
                line = b"%d %d\n" % (who, number)
                out.write(line) if number % 50 == 0 else out.hold(bytes, line)

        threads = [threading.Thread(target=work, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        out.flush()
    lines = path.read_text().splitlines()
    for who in range(8):
        mine = [int(line.split()[1]) for line in lines if line.split()[0] == str(who)]
        assert mine == list(range(500))


def test_what_is_held_at_the_end_of_the_process_is_written():
    _, out, _ = run(
        """
        logs.configure_logging(settings())
        logs.configured_summary_recorder("f", "http")("GET", "/", 200, "ok", 0.1)
        """
    )
    assert [entry["message"] for entry in parsed(out)] == ["invocation"]


def test_what_is_held_at_a_fork_is_written_once():
    _, out, _ = run(
        """
        import os, warnings
        warnings.simplefilter("ignore")  # from Python 3.12 on: of the thread that writes
        logs.configure_logging(settings())
        record = logs.configured_summary_recorder("f", "http")
        record("GET", "/parent", 200, "ok", 0.1)
        if os.fork() == 0:
            record("GET", "/child", 200, "ok", 0.1)
            logs.flush_log()
            os._exit(0)
        os.wait()
        """
    )
    assert sorted(entry["path"] for entry in parsed(out)) == ["/child", "/parent"]


def test_a_fork_while_a_thread_writes_leaves_the_child_able_to_write():
    _, out, _ = run(
        """
        import os, threading
        logs.configure_logging(settings())
        end = threading.Event()
        def chatter():
            while not end.is_set():
                logging.info("parent")
        thread = threading.Thread(target=chatter)
        thread.start()
        for _ in range(20):
            if os.fork() == 0:
                logging.info("child")
                os._exit(0)
            os.wait()
        end.set()
        thread.join()
        """
    )
    assert [entry["message"] for entry in parsed(out)].count("child") == 20


def test_a_pipe_that_does_not_block_gets_the_whole_entry(pipe):
    reader, writer = pipe
    os.set_blocking(writer, False)
    out = LogOutput(writer)
    line = b"x" * 500_000 + b"\n"
    thread = threading.Thread(target=lambda: [out.write(line) for _ in range(3)])
    thread.start()
    got = b""
    while len(got) < 3 * len(line):
        got += os.read(reader, 1 << 20)
    thread.join()
    assert got == line * 3
    assert out.lost == 0


def test_a_reader_that_has_gone_away_loses_entries_and_no_more():
    reader, writer = os.pipe()
    os.close(reader)
    out = LogOutput(writer)
    out.write(b"1\n")
    out.hold(bytes, b"2\n")
    out.flush()
    assert out.lost == 2
    os.close(writer)


def test_a_closed_descriptor_loses_entries_and_no_more():
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    out = LogOutput(writer)
    out.write(b"1\n")
    assert out.lost == 1


def test_an_entry_made_while_another_is_written_waits_for_its_end(pipe, tmp_path):
    # As from a signal handler or a finalizer, in the middle of a long entry.
    reader, writer = pipe
    os.set_blocking(writer, False)
    out = LogOutput(writer)
    size = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
    line = b"x" * (size * 2) + b"\n"
    code = f"""
        import os, signal, threading, time
        from ffhost.observability.logs.output import LogOutput
        out = LogOutput(1)
        def nest(*_):
            out.write(b"nested\\n")
            open({str(tmp_path / "nested")!r}, "w").close()
        signal.signal(signal.SIGALRM, nest)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        out.write(b"x" * {len(line) - 1} + b"\\n")
        """
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PREAMBLE.format(tests=str(ROOT / "tests"), root=str(ROOT)) + textwrap.dedent(code),
        ],
        stdout=writer,
    )
    os.close(writer)
    eventually((tmp_path / "nested").exists, "the signal has come, while the pipe is full")
    with open(reader, "rb", closefd=False) as stream:
        assert stream.read() == line + b"nested\n"
    assert process.wait() == 0
    assert out.lost == 0


@pytest.mark.parametrize("kind", [DeadlineExceeded, TimeoutError])
def test_an_exception_raised_into_a_writing_thread_waits_for_the_end_of_the_entry(pipe, kind):
    reader, writer = pipe
    out, err = LogOutput(writer), []
    line = b"x" * 1_000_000 + b"\n"
    started = threading.Event()

    def write():
        started.set()
        try:
            out.write(line)
            time.sleep(5)
        except BaseException as error:
            err.append(type(error))

    thread = threading.Thread(target=write)
    thread.start()
    started.wait()
    time.sleep(0.1)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(kind))
    got = b""
    while len(got) < len(line):
        got += os.read(reader, 1 << 20)
    thread.join()
    assert got == line
    assert err == [kind]
