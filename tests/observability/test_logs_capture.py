"""What a call prints becomes entries of that call; outside calls nothing changes."""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
import threading
import traceback
import warnings

import pytest

from ffhost.invocation.logger import get_logger
from ffhost.observability import logs
from ffhost.observability.logs.framework_formats import FrameworkLogFormats, framework_log_formats
from tests.log_reading import parsed, reading, run

CALL = contextvars.ContextVar("call", default=None)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Begin to log, within the test: pytest puts streams of its own before each phase of one."""
    with reading(tmp_path) as log:

        def begin(**changes):
            streams = io.StringIO(), io.StringIO()
            monkeypatch.setattr(sys, "stdout", streams[0])
            monkeypatch.setattr(sys, "stderr", streams[1])
            logs.set_log_fields_source(CALL.get)
            log.configure(**({"capture_print": True} | changes))
            return log, streams

        yield begin
        logs.reset_logging()


def in_call(function, execution_id="e1", **more):
    def body():
        CALL.set({"function": "hello", "execution_id": execution_id, **more})
        try:
            return function()
        finally:
            logs.log_unfinished_output(execution_id)

    return contextvars.copy_context().run(body)


def write_err(text):
    print(text, file=sys.stderr)


def print_traceback():
    try:
        try:
            {}["inner"]
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError:
        traceback.print_exc()
    print("after", file=sys.stderr)


def print_group():
    try:
        raise ExceptionGroup("both", [ValueError("one"), OSError("two")])
    except ExceptionGroup:
        traceback.print_exc()


TABLE = {
    "print": (lambda: print("hello"), [("INFO", "hello")]),
    "several values": (lambda: print("a", 1, sep="-"), [("INFO", "a-1")]),
    "a newline inside": (lambda: print("a\nb"), [("INFO", "a\nb")]),
    "nothing but a newline": (lambda: print(), []),
    "piece by piece": (
        lambda: (print("a", end=""), print("b", end=" "), print("c")),
        [("INFO", "ab c")],
    ),
    "without a newline": (lambda: print("half", end="", flush=True), [("INFO", "half")]),
    "stdout.write": (lambda: sys.stdout.write("x\n"), [("INFO", "x")]),
    "writelines": (lambda: sys.stdout.writelines(["a\n", "b\n"]), [("INFO", "a"), ("INFO", "b")]),
    "stderr": (lambda: write_err("bad"), [("ERROR", "bad")]),
    "a lone surrogate": (lambda: print("\udcff"), [("INFO", "\\udcff")]),
    "a carriage return": (lambda: print("a\r"), [("INFO", "a")]),
    "print_exc": (print_traceback, [("ERROR", ...), ("ERROR", "after")]),
    "print_exc of a group": (print_group, [("ERROR", ...)]),
    "between entries": (
        lambda: (print("1"), logging.warning("2"), print("3")),
        [("INFO", "1"), ("WARNING", "2"), ("INFO", "3")],
    ),
    "very much without a newline": (
        lambda: print("x" * 70_000, end=""),
        [("INFO", "x" * 70_000)],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_a_call_prints_gives_exactly_these_entries(start, name):
    log, streams = start()
    act, expected = TABLE[name]
    in_call(act)
    # Threads that other tests have left behind may log something, too.
    entries = [entry for entry in log.entries() if entry.get("execution_id") == "e1"]
    assert [entry["severity"] for entry in entries] == [severity for severity, _ in expected]
    for entry, (_, message) in zip(entries, expected, strict=True):
        assert message is ... or entry["message"] == message
        assert (entry["function"], entry["execution_id"]) == ("hello", "e1")
    assert [stream.getvalue() for stream in streams] == ["", ""]


def test_a_printed_traceback_is_one_entry_with_all_that_led_to_it(start):
    log, _ = start()
    in_call(print_traceback)
    message = log.entries()[0]["message"]
    assert message.startswith("Traceback (most recent call last):\n")
    assert "KeyError: 'inner'\n\nThe above exception was the direct cause" in message
    assert message.endswith("ValueError: outer")


def test_outside_calls_prints_pass_unchanged(start):
    log, streams = start()
    print("plain", end="")
    print("bad", file=sys.stderr)
    assert log.entries() == []
    assert [stream.getvalue() for stream in streams] == ["plain", "bad\n"]


def test_prints_at_import_name_the_function(start):
    log, _ = start()
    with logs.binding_log_fields(function="resize"):
        print("loading")
    entry = log.only()
    assert (entry["function"], entry["message"]) == ("resize", "loading")


def test_threads_and_tasks_that_print_at_once_are_kept_apart(start):
    log, _ = start()

    def pieces(name):
        CALL.set({"execution_id": name})
        for _ in range(50):
            for character in name:
                sys.stdout.write(character)
            sys.stdout.write("\n")

    async def task(name):
        CALL.set({"execution_id": name})
        for character in name:
            print(character, end="")
            await asyncio.sleep(0)
        print()

    async def main():
        await asyncio.gather(*(task(f"task-{n}") for n in range(20)))

    threads = [threading.Thread(target=pieces, args=(f"thread-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    entries = log.entries()
    assert len(entries) == 6 * 50 + 20
    assert all(entry["message"] == entry["execution_id"] for entry in entries)


def test_what_a_call_leaves_without_a_newline_does_not_reach_the_next(start):
    log, _ = start()

    def first():
        CALL.set({"execution_id": "first"})
        print("first", end="")

    def second():
        CALL.set({"execution_id": "second"})
        print("second")

    contextvars.copy_context().run(first)  # nobody says that this call ends
    contextvars.copy_context().run(second)
    found = [(entry["execution_id"], entry["message"]) for entry in log.entries()]
    assert found == [("first", "first"), ("second", "second")]


def test_a_task_that_prints_belongs_to_its_call_and_ends_with_it(start):
    log, _ = start()

    async def main():
        CALL.set({"execution_id": "e7"})
        await asyncio.gather(part("a"), part("b"))
        logs.log_unfinished_output("e7")

    async def part(text):
        print(text, end="")

    asyncio.run(main())
    assert [(entry["execution_id"], entry["message"]) for entry in log.entries()] == [
        ("e7", "a"),
        ("e7", "b"),
    ]


def test_what_prints_while_its_own_entry_is_made_does_not_recurse(start):
    log, streams = start()

    class Printing:
        def __repr__(self):
            print("from repr")
            return "printing"

    def source():
        return {"execution_id": "e1", "value": Printing()}

    logs.set_log_fields_source(source)
    print("text")
    assert log.only()["value"] == "printing"
    assert streams[0].getvalue() == "from repr\n"


def test_a_stream_that_user_code_keeps_writes_on_after_capture_ends(start):
    log, streams = start()
    kept = sys.stdout
    log.configure(capture_print=False)
    assert sys.stdout is streams[0]
    in_call(lambda: kept.write("kept\n"))
    assert streams[0].getvalue() == "kept\n"


def test_the_root_level_does_not_hide_prints_and_their_own_does(start):
    log, _ = start(level="error")
    in_call(lambda: print("seen"))
    assert log.messages() == ["seen"]
    log.configure(capture_print=True, levels={"stdout": "error"})
    in_call(lambda: (print("quiet"), write_err("loud")))
    assert log.messages() == ["seen", "loud"]


def test_warnings_and_printed_text_do_not_disturb_each_other(start):
    log, _ = start()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        in_call(lambda: (print("a", end=""), warnings.warn("w", stacklevel=1), print("b")))
    assert log.messages() == ["w", "ab"]


def test_the_stream_is_one_to_code_that_looks_at_it(start):
    start()
    assert sys.stdout.writable()
    assert not sys.stdout.isatty()
    assert isinstance(sys.stdout, io.TextIOBase)
    with pytest.raises(TypeError, match=r"^write\(\) argument must be str, not bytes$"):
        sys.stdout.write(b"x")


def test_without_capture_prints_appear_line_by_line_in_a_pipe():
    _, out, _ = run(
        """
        import os
        logs.configure_logging(settings())
        print("seen")
        os._exit(0)
        """
    )
    assert out == b"seen\n"


# functions-framework's own formats: what its LoggingHandlerAddExecutionId and its
# _LoggingHandler write, but for one entry per print.


@pytest.mark.parametrize("value", ["y", "yes", "t", "true", "on", "1"])
def test_log_execution_id_is_on_for_the_words_of_the_original(value):
    assert framework_log_formats({"LOG_EXECUTION_ID": value}).execution_id
    assert not framework_log_formats({"LOG_EXECUTION_ID": value.upper() + "!"})
    assert not framework_log_formats({})


def test_log_execution_id_adds_the_label_and_the_span_to_prints_and_records(start):
    log, streams = start(legacy=FrameworkLogFormats(execution_id=True))
    span = "00000000000003e8"

    def body():
        print("hello")
        print('{"message": "own", "logging.googleapis.com/labels": {"a": "b"}}')
        print("[1, 2]")
        write_err("to stderr")
        logging.info("below the level of the original")
        logging.warning("a warning")

    in_call(body, span_id=span)
    labels = {"execution_id": "e1"}
    more = {"logging.googleapis.com/labels": labels, "logging.googleapis.com/spanId": "1000"}
    assert log.entries() == [
        {"message": "hello", **more},
        {"message": "own", **more, "logging.googleapis.com/labels": {"a": "b", **labels}},
        {"message": "[1, 2]", **more},
    ]
    assert log.entries(1) == [{"message": "to stderr", **more}, {"message": "a warning", **more}]
    assert [stream.getvalue() for stream in streams] == ["", ""]


def test_log_execution_id_leaves_text_outside_calls_as_it_is(start):
    log, streams = start(legacy=FrameworkLogFormats(execution_id=True))
    print("starting")
    logging.warning("plain")
    assert streams[0].getvalue() == "starting\n"
    assert log.text(1) == "plain\n"


def test_log_execution_id_keeps_the_fields_of_what_the_host_itself_says(start):
    log, _ = start(legacy=FrameworkLogFormats(execution_id=True))
    in_call(lambda: get_logger("ffhost.host").warning("deadline_exceeded", timeout_seconds=5))
    entry = log.only()
    assert entry["severity"] == "WARNING"
    assert entry["timeout_seconds"] == 5
    assert entry["logging.googleapis.com/labels"] == {"execution_id": "e1"}


def test_entries_in_these_formats_are_handed_on_with_the_fields_of_others(start):
    start(legacy=FrameworkLogFormats(execution_id=True))
    taken = []
    logs.hand_on_log_entries(taken.append)
    in_call(lambda: print("hello"))
    logging.warning("a warning")
    assert [(each["message"], each["severity"]) for each in taken] == [
        ("hello", "INFO"),
        ("a warning", "WARNING"),
    ]
    assert (taken[0]["function"], taken[0]["execution_id"]) == ("hello", "e1")


def test_entry_point_gives_severity_and_message_on_stderr_everywhere(start):
    log, streams = start(legacy=FrameworkLogFormats(entry_point=True))
    print("out")
    write_err("err")
    logging.info("info")
    logging.warning("warning")
    try:
        raise ValueError("x")
    except ValueError:
        logging.exception("failed")
    *simple, failed = log.entries(1)
    assert simple == [
        {"severity": "INFO", "message": "out"},
        {"severity": "ERROR", "message": "err"},
        {"severity": "INFO", "message": "info"},
        {"severity": "ERROR", "message": "warning"},
    ]
    assert failed["severity"] == "ERROR"
    assert failed["message"].startswith("failed\nTraceback (most recent call last):\n")
    assert log.text() == ""
    assert [stream.getvalue() for stream in streams] == ["", ""]


def test_an_uncaught_exception_of_a_process_is_one_entry():
    status, out, err = run(
        """
        logs.configure_logging(settings(capture_print=True))
        with logs.binding_log_fields(function="f"):
            raise SystemError("end")
        """
    )
    (entry,) = parsed(out)
    assert (status, err) == (1, b"")
    assert entry["severity"] == "CRITICAL"
    assert entry["exception"].endswith("SystemError: end")
