"""Everything that is logged or raised is one entry, with the fields of its call."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import logging.config
import logging.handlers
import queue
import sys
import threading
import warnings

import pytest
import structlog
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ffhost.invocation.logger import get_logger
from ffhost.observability import logs
from ffhost.observability.logs.entries import log_timestamp
from tests.log_reading import reading

CALL = contextvars.ContextVar("call", default=None)


@pytest.fixture
def log(tmp_path):
    with reading(tmp_path) as log:
        logs.set_log_fields_source(CALL.get)
        log.configure()
        yield log


def call(function="hello", execution_id="e1", **more):
    return {"function": function, "execution_id": execution_id, **more}


class Broken:
    def __str__(self):
        raise ValueError("no")

    __repr__ = __str__


def test_an_entry_has_its_fields_in_order(log):
    CALL.set(call(trace_id="4bf9", span_id="00f0"))
    logging.getLogger("shop.cart").info("added %s", "a book", extra={"count": 2})
    CALL.set(None)
    entry = log.only()
    assert list(entry) == [
        "timestamp",
        "severity",
        "message",
        "logger",
        "function",
        "execution_id",
        "trace_id",
        "span_id",
        "config_revision",
        "count",
    ]
    del entry["timestamp"]
    assert entry == {
        "severity": "INFO",
        "message": "added a book",
        "logger": "shop.cart",
        "function": "hello",
        "execution_id": "e1",
        "trace_id": "4bf9",
        "span_id": "00f0",
        "config_revision": "r1",
        "count": 2,
    }


def test_the_timestamp_is_rfc_3339_in_utc():
    assert log_timestamp(0.5) == "1970-01-01T00:00:00.500000Z"
    assert log_timestamp(1_767_225_599.999_999) == "2025-12-31T23:59:59.999999Z"
    assert log_timestamp(1_767_225_600) == "2026-01-01T00:00:00.000000Z"


def raise_chained():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("outer\nsecond line") from error


def log_exception():
    try:
        raise_chained()
    except ValueError:
        logging.getLogger("x").exception("failed")


def log_structlog_exception():
    try:
        raise_chained()
    except ValueError:
        structlog.get_logger("x").exception("failed", order=7)


def log_group():
    group = ExceptionGroup("both", [ValueError("one"), ExceptionGroup("in", [OSError("two")])])
    logging.getLogger("x").error("failed", exc_info=group)


def log_broken_exception():
    kind = type("Bad", (Exception,), {"__str__": Broken.__str__})
    logging.getLogger("x").error("failed", exc_info=kind())


def warn():
    warnings.warn("old thing", DeprecationWarning, stacklevel=1)


def crash_thread():
    thread = threading.Thread(target=raise_chained, name="worker-9")
    thread.start()
    thread.join()


def exit_thread():
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()


def crash_finalizer():
    class Resource:
        def __del__(self):
            raise ValueError("in del")

    Resource()


def crash_task():
    async def main():
        logs.install_log_hook_on_loop(asyncio.get_running_loop())
        task = asyncio.ensure_future(fail())
        task.set_name("lost")
        del task
        await asyncio.sleep(0.01)
        import gc

        gc.collect()

    async def fail():
        raise ValueError("in task")

    asyncio.run(main())


def crash_callback():
    async def main():
        loop = asyncio.get_running_loop()
        logs.install_log_hook_on_loop(loop)
        loop.call_soon(raise_chained)
        await asyncio.sleep(0.01)

    asyncio.run(main())


def message_of_a_mebibyte():
    logging.getLogger("x").warning("m" * (1 << 20))


def uncaught():
    try:
        raise_chained()
    except ValueError:
        sys.excepthook(*sys.exc_info())


def wrapped_for_formatter():
    """Structlog as configured by users of ProcessorFormatter."""
    logger = structlog.wrap_logger(
        logging.getLogger("x"),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logger.error("failed", n=1)


def through_a_queue():
    records = queue.SimpleQueue()
    logging.handlers.QueueHandler(records).emit(
        logging.LogRecord("x", 40, "f.py", 1, "failed %s", ("now",), None)
    )
    logging.getLogger("x").handle(records.get())


TABLE = {
    "a plain message": (lambda: logging.getLogger("x").warning("m"), [("WARNING", "x", "m")]),
    "below the level": (lambda: logging.getLogger("x").debug("m"), []),
    "a newline in a message": (
        lambda: logging.warning("a\nb\r\n"),
        [("WARNING", "root", "a\nb\r\n")],
    ),
    "a percent sign": (lambda: logging.warning("100%"), [("WARNING", "root", "100%")]),
    "arguments that do not fit": (
        lambda: logging.warning("%d of", "x"),
        [("WARNING", "root", "%d of", {"args": ["x"]})],
    ),
    "an argument whose str fails": (
        lambda: logging.warning("%s", Broken()),
        [("WARNING", "root", "%s", {"logging_error": "ValueError: no"})],
    ),
    "a message whose str fails": (
        lambda: logging.warning(Broken()),
        [("WARNING", "root", "<Broken object, its str raised ValueError>")],
    ),
    "a message that is a dict": (
        lambda: logging.warning({"a": 1}),
        [("WARNING", "root", "{'a': 1}")],
    ),
    "a field whose repr fails": (
        lambda: logging.warning("m", extra={"f": Broken()}),
        [("WARNING", "root", "m", {"f": "<Broken object, its repr raised ValueError>"})],
    ),
    "a field with a name of ours": (
        lambda: logging.warning("m", extra={"severity": "mine", "timestamp": 0}),
        [("WARNING", "root", "m", {"severity_": "mine", "timestamp_": 0})],
    ),
    "binary data": (
        lambda: logging.warning(b"\xff", extra={"raw": b"\x00\xff"}),
        [("WARNING", "root", "b'\\xff'", {"raw": "\x00\\xff"})],
    ),
    "a lone surrogate": (lambda: logging.warning("\udc80"), [("WARNING", "root", "\\udc80")]),
    "a level of one's own": (
        lambda: logging.getLogger("x").log(25, "m"),
        [("INFO", "x", "m")],
    ),
    "a stack": (
        lambda: logging.getLogger("x").warning("m", stack_info=True),
        [("WARNING", "x", "m", {"stack": ...})],
    ),
    "structlog": (
        lambda: structlog.get_logger("x").info("m", n=1),
        [("INFO", "x", "m", {"n": 1})],
    ),
    "structlog without a name": (
        lambda: structlog.get_logger().info("m"),
        [("INFO", __name__, "m")],
    ),
    "structlog with bound fields": (
        lambda: structlog.get_logger("x").bind(a=1).new(b=2).info("m"),
        [("INFO", "x", "m", {"b": 2})],
    ),
    "structlog with arguments": (
        lambda: structlog.get_logger("x").info("m %s %s", 1, "two"),
        [("INFO", "x", "m 1 two")],
    ),
    "structlog with an event that is no text": (
        lambda: structlog.get_logger("x").info({"a": 1}),
        [("INFO", "x", "{'a': 1}")],
    ),
    "structlog without an event": (
        lambda: structlog.get_logger("x").info(n=1),
        [("INFO", "x", "", {"n": 1})],
    ),
    "structlog with names of ours": (
        lambda: structlog.get_logger("x").info("m", message="mine", logger="mine", level="mine"),
        [("INFO", "x", "m", {"message_": "mine", "logger_": "mine", "level": "mine"})],
    ),
    "structlog below the level": (lambda: structlog.get_logger("x").debug("m"), []),
    "structlog configured by its user": (
        wrapped_for_formatter,
        [("ERROR", "x", "failed", {"n": 1})],
    ),
    "a record that came through a queue": (through_a_queue, [("ERROR", "x", "failed now")]),
    "a logged exception": (
        log_exception,
        [("ERROR", "x", "failed", {"exception_type": "ValueError"})],
    ),
    "an exception logged by structlog": (
        log_structlog_exception,
        [("ERROR", "x", "failed", {"exception_type": "ValueError", "order": 7})],
    ),
    "an exception group": (
        log_group,
        [("ERROR", "x", "failed", {"exception_type": "ExceptionGroup"})],
    ),
    "an exception whose str fails": (
        log_broken_exception,
        [("ERROR", "x", "failed", {"exception_type": f"{__name__}.Bad"})],
    ),
    "a warning": (
        warn,
        [("WARNING", "py.warnings", "old thing", {"category": "DeprecationWarning"})],
    ),
    "a crash of a thread": (
        crash_thread,
        [("ERROR", "threading", "uncaught exception in thread", {"thread": "worker-9"})],
    ),
    "sys.exit in a thread": (exit_thread, []),
    "a crash of a finalizer": (
        crash_finalizer,
        [("ERROR", "python", "exception ignored in", {"exception_message": "in del"})],
    ),
    "a crash of a task that nobody awaits": (
        crash_task,
        [
            (
                "ERROR",
                "asyncio",
                "Task exception was never retrieved",
                {"task": "lost", "exception_message": "in task"},
            )
        ],
    ),
    "a crash of a callback of the loop": (
        crash_callback,
        [("ERROR", "asyncio", ..., {"exception_type": "ValueError"})],
    ),
    "an uncaught exception": (
        uncaught,
        [("CRITICAL", "python", "uncaught exception", {"exception_type": "ValueError"})],
    ),
    "a message of a mebibyte": (
        message_of_a_mebibyte,
        [("WARNING", "x", ..., {"truncated": True})],
    ),
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.filterwarnings("always")
def test_what_user_code_does_gives_exactly_these_entries(log, name):
    act, expected = TABLE[name]
    token = CALL.set(call())
    hooks = threading.excepthook, sys.unraisablehook, warnings.showwarning
    log.configure()
    try:
        act()
    finally:
        CALL.reset(token)
    assert hooks == (threading.excepthook, sys.unraisablehook, warnings.showwarning)
    entries = log.entries()
    assert len(entries) == len(expected)
    for entry, (severity, logger, message, *more) in zip(entries, expected, strict=True):
        assert (entry["severity"], entry["logger"]) == (severity, logger)
        assert message is ... or entry["message"] == message
        for key, value in (more[0] if more else {}).items():
            assert entry[key] == value or value is ...
        assert entry["config_revision"] == "r1"


def test_an_exception_is_one_entry_with_all_that_led_to_it(log):
    log_exception()
    text = log.only()["exception"]
    assert text.startswith("Traceback (most recent call last):\n")
    assert "KeyError: 'missing'\n\nThe above exception was the direct cause" in text
    assert text.endswith("ValueError: outer\nsecond line")


def test_an_exception_group_shows_every_one_of_its_exceptions(log):
    log_group()
    text = log.only()["exception"]
    assert "ExceptionGroup: both (2 sub-exceptions)" in text
    assert "ValueError: one" in text
    assert "OSError: two" in text


def test_private_names_are_shown_as_their_author_wrote_them(tmp_path):
    kind = type("Bad", (Exception,), {"__module__": "_private_1.app"})
    with reading(tmp_path) as log:
        log.configure(plain_name=lambda name: name.removeprefix("_private_1."))
        try:
            raise kind("x")
        except kind:
            logging.getLogger("_private_1.app.views").exception("failed")
        entry = log.only()
    assert entry["logger"] == "app.views"
    assert entry["exception_type"] == "app.Bad"
    assert entry["exception"].endswith("\napp.Bad: x")


def test_entries_are_cut_at_the_longest_that_they_may_be(log):
    log.configure(max_entry=1000)
    logging.warning("m" * 5000, extra={"small": 1})
    line = log.text()
    assert len(line) <= 1000
    entry = log.only()
    assert entry["truncated"] is True
    assert entry["small"] == 1
    assert entry["message"].startswith("mmm")


def test_warnings_and_errors_may_go_to_stderr(log):
    log.configure(stream="split")
    record = logs.configured_summary_recorder("f", "http")
    logging.info("i")
    logging.warning("w")
    logging.error("e")
    record("GET", "/", 200, "ok", 0.1)
    record("GET", "/", 500, "crash", 0.1)
    assert log.messages() == ["i", "invocation"]
    assert log.messages(1) == ["w", "e", "invocation"]


def test_levels_follow_the_settings_at_every_reload(log):
    log.configure(level="warning", levels={"noisy": "error", "chatty": "debug"})
    for name in ("noisy.inner", "chatty", "other"):
        for level in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger(name), level)(f"{name} {level}")
    assert log.messages() == [
        "noisy.inner error",
        "chatty debug",
        "chatty info",
        "chatty warning",
        "chatty error",
        "other warning",
        "other error",
    ]
    log.configure(level="error")
    logging.getLogger("noisy.inner").warning("w")
    logging.getLogger("chatty").warning("w")
    assert len(log.messages()) == 7


def test_a_level_that_user_code_set_stays_at_a_reload_that_does_not_change_it(log):
    logging.getLogger().setLevel(logging.DEBUG)
    log.configure(revision="r2")
    logging.debug("still there")
    assert log.messages() == ["still there"]


def test_debug_begins_at_debug_unless_a_level_is_named(log):
    log.configure(debug=True)
    logging.debug("d")
    logging.getLogger("asyncio").debug("using selector")
    assert log.messages() == ["d"]
    log.configure(level="error", debug=True)
    logging.warning("w")
    assert log.messages() == ["d"]


def test_a_reload_changes_the_revision_and_the_profile_and_doubles_nothing(log):
    logger = structlog.get_logger("kept")
    logger.info("one")
    log.configure(revision="r2", profile="ecs")
    logger.info("two")
    logging.info("three")
    one, two, three = log.entries()
    assert one["config_revision"] == "r1"
    assert two["labels.config_revision"] == three["labels.config_revision"] == "r2"


@pytest.mark.parametrize("configuring", [logging.config.dictConfig, lambda config: None])
def test_what_a_module_does_to_logging_as_a_whole_does_not_silence_the_host(log, configuring):
    ours = get_logger("ffhost.host")
    ours.info("before")
    configuring({"version": 1, "root": {"level": "INFO", "handlers": []}})
    logs.restore_logging()
    ours.info("after")
    logging.getLogger("user").info("from user code")
    assert log.messages() == ["before", "after", "from user code"]


def test_handlers_that_user_code_puts_on_the_root_logger_replace_ours_for_its_records(log):
    seen = []

    class Own(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    root = logging.getLogger()
    before = root.handlers
    root.handlers = [Own()]
    try:
        logs.restore_logging()
        logging.getLogger("user").warning("theirs")
        get_logger("ffhost.host").warning("ours")
    finally:
        root.handlers = before
    assert seen == ["theirs"]
    assert log.messages() == ["ours"]


def test_the_hosts_log_does_not_follow_what_user_code_makes_of_structlog(log):
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    try:
        log.configure(revision="r2")
        get_logger("ffhost.host").info("ready", port=1)
        assert log.only()["port"] == 1
    finally:
        structlog.reset_defaults()


def test_an_entry_that_cannot_be_rendered_at_all_leaves_its_message(log):
    entries = log.configure()

    def fail(logger, method, entry):
        raise RuntimeError("broken processor")

    entries.processors = [fail]
    logging.warning("the message")
    entry = log.only()
    assert entry["message"] == "the message"
    assert entry["logging_error"] == "RuntimeError: broken processor"


def test_a_context_source_that_fails_costs_no_entry(log):
    logs.set_log_fields_source(lambda: 1 / 0)
    logging.warning("m")
    assert log.messages() == ["m"]


def test_entries_of_threads_and_tasks_carry_the_call_that_they_belong_to(log):
    async def task(name):
        CALL.set(call(execution_id=name))
        structlog.contextvars.bind_contextvars(item=name)
        await asyncio.sleep(0)
        logging.info(name)
        await asyncio.gather(inner(name), inner(name))

    async def inner(name):
        logging.info(name)

    async def main():
        await asyncio.gather(*(asyncio.create_task(task(f"t{n}")) for n in range(20)))

    def thread(name):
        CALL.set(call(execution_id=name))
        for _ in range(20):
            logging.info(name)

    threads = [threading.Thread(target=thread, args=(f"w{n}",)) for n in range(8)]
    for one in threads:
        one.start()
    asyncio.run(main())
    for one in threads:
        one.join()
    entries = log.entries()
    assert len(entries) == 8 * 20 + 20 * 3
    assert all(entry["execution_id"] == entry["message"] for entry in entries)
    assert all(entry.get("item", entry["message"]) == entry["message"] for entry in entries)


def test_what_one_call_binds_on_a_thread_is_not_seen_by_the_next(log):
    def one_call(name):
        CALL.set(call(execution_id=name))
        logging.info(name)
        structlog.contextvars.bind_contextvars(user=name)
        logs.bind_log_fields(tenant=name)
        logging.info(name)

    def thread():
        contextvars.copy_context().run(one_call, "first")
        one_call("second")
        logs.forget_log_fields()
        one_call("third")

    worker = threading.Thread(target=thread)
    worker.start()
    worker.join()
    assert [entry.get("user") for entry in log.entries()] == [
        None,
        "first",
        None,
        "second",
        None,
        "third",
    ]
    assert [entry.get("tenant") for entry in log.entries()][::2] == [None, None, None]


def test_what_is_logged_while_a_function_is_imported_names_the_function(log):
    with logs.binding_log_fields(function="resize"):
        logging.info("loading the model")
    logging.info("done")
    first, second = log.entries()
    assert first["function"] == "resize"
    assert "function" not in second


@pytest.mark.parametrize("profile", ["default", "gcp", "ecs"])
@pytest.mark.parametrize("event", [{}, {"event_id": "1", "event_type": "a.b", "principal": "ada"}])
@pytest.mark.parametrize("trace", [{}, {"trace_id": "4b", "span_id": "00"}])
@pytest.mark.parametrize(
    ("status", "outcome", "path"),
    [
        (200, "ok", "/hello"),
        (404, "client_error", '/a"b\\c\n\udcff'),
        (500, "crash", "/é"),
        (504, "timeout", "/"),
        (429, "rejected", "/"),
        (200, "duplicate", "/"),
        (None, "ok", "/"),
    ],
)
def test_a_summary_is_what_structlog_would_have_written(
    log, profile, event, trace, status, outcome, path
):
    environ = {"GOOGLE_CLOUD_PROJECT": "p"}
    log.configure(profile=profile, environ=environ)
    record = logs.configured_summary_recorder("hello", "http")
    record("GET", path, status, outcome, 0.1234567, 3, None, "e1", **trace, **event)

    logger = get_logger("ffhost.invocations")
    write = logger.info if outcome in ("ok", "client_error", "duplicate") else logger.warning
    token = CALL.set(call(**trace))
    write(
        "invocation",
        signature="http",
        method="GET",
        path=path,
        status=status,
        outcome=outcome,
        duration_seconds=0.123457,
        request_bytes=3,
        **event,
    )
    CALL.reset(token)

    by_hand, by_structlog = log.entries()
    for name in ("timestamp", "time", "@timestamp"):
        assert (name in by_hand) == (name in by_structlog)
        by_hand.pop(name, None)
        by_structlog.pop(name, None)
    assert list(by_hand.items()) == list(by_structlog.items())


def test_summaries_keep_their_place_among_other_entries(log):
    record = logs.configured_summary_recorder("f", "http")
    record("GET", "/1", 200, "ok", 0.1)
    logging.info("between")
    record("GET", "/2", 200, "ok", 0.1)
    assert [entry.get("path") for entry in log.entries()] == ["/1", None, "/2"]


def test_summaries_obey_switch_and_levels(log):
    log.configure(invocations=False)
    assert logs.configured_summary_recorder("f", "http") is None
    log.configure(level="error")
    assert logs.configured_summary_recorder("f", "http") is None
    log.configure(levels={"ffhost.invocations": "warning"})
    record = logs.configured_summary_recorder("f", "http")
    record("GET", "/good", 200, "ok", 0.1)
    record("GET", "/bad", 500, "crash", 0.1)
    assert [entry["path"] for entry in log.entries()] == ["/bad"]


def test_a_summary_is_cut_like_every_entry(log):
    log.configure(max_entry=600)
    logs.configured_summary_recorder("f", "http")("GET", "/" + "x" * 5000, 200, "ok", 0.1)
    assert len(log.text()) <= 600
    assert log.only()["truncated"] is True


def test_the_gcp_profile_has_the_names_that_cloud_logging_reads(log):
    log.configure(profile="gcp", environ={"GOOGLE_CLOUD_PROJECT": "shop"})
    token = CALL.set(call(trace_id="4bf9", span_id="00f0"))
    logging.error("m", exc_info=ValueError("x"), extra={"n": 1})
    CALL.reset(token)
    entry = log.only()
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "severity": "ERROR",
        "message": "m",
        "logger": "root",
        "function": "hello",
        "logging.googleapis.com/trace": "projects/shop/traces/4bf9",
        "logging.googleapis.com/spanId": "00f0",
        "config_revision": "r1",
        "n": 1,
        "stack_trace": "ValueError: x",
        "exception_type": "ValueError",
        "exception_message": "x",
        "logging.googleapis.com/labels": {"execution_id": "e1"},
    }


def test_the_ecs_profile_has_the_names_of_the_elastic_common_schema(log):
    log.configure(profile="ecs")
    token = CALL.set(call(trace_id="4bf9", span_id="00f0"))
    logging.error("m", exc_info=ValueError("x"), extra={"n": 1})
    CALL.reset(token)
    entry = log.only()
    assert entry.pop("@timestamp").endswith("Z")
    assert entry == {
        "log.level": "error",
        "message": "m",
        "log.logger": "root",
        "faas.name": "hello",
        "faas.execution": "e1",
        "trace.id": "4bf9",
        "span.id": "00f0",
        "labels.config_revision": "r1",
        "n": 1,
        "error.stack_trace": "ValueError: x",
        "error.type": "ValueError",
        "error.message": "x",
        "ecs.version": "8.11.0",
    }


def test_the_console_format_is_for_people(log):
    log.configure(format="console")
    token = CALL.set(call())
    logging.getLogger("shop").warning("low \x1b[2J stock", extra={"left": 2})
    logs.configured_summary_recorder("hello", "http")(
        "GET", "/hello", 200, "ok", 0.0123, execution_id="e1"
    )
    CALL.reset(token)
    first, second = log.text().splitlines()
    assert "\x1b" not in log.text()
    shown = "[warning ] low \\x1b[2J stock [shop] function=hello execution_id=e1 left=2"
    assert " ".join(first.split()[1:]) == shown
    assert second.split(" ", 1)[1] == "GET  /hello  200  12.3 ms"


def test_values_of_several_lines_stand_below_their_entry_at_a_terminal(log):
    log.configure(format="console")
    said = "main.py:1\n\tbad\x1b[2J line\n\nSyntaxError\n"
    logging.getLogger("shop").error("refused", extra={"output": said, "kept": 7, "stack": "a\nb"})
    logging.getLogger("shop").info("next", extra={"one": "a line"})
    first, *rest = log.text().splitlines()
    assert " ".join(first.split()[1:]) == "[error ] refused [shop] kept=7"
    assert rest[:-1] == [
        "a",
        "b",
        "  output:",
        "    main.py:1",
        "    \tbad\\x1b[2J line",
        "    ",
        "    SyntaxError",
    ]
    assert rest[-1].replace("'", "").endswith("one=a line")  # structlog 24 does not quote it


hostile = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.builds(Broken),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    message=st.text(st.characters()),
    fields=st.dictionaries(st.text(st.characters(), min_size=1), hostile, max_size=4),
)
@example(message="", fields={"stacklevel": None})
@example(message="", fields={"stack_info": "", "exc_info": ""})
def test_whatever_is_logged_is_one_entry_with_its_message(log, message, fields):
    before = len(log.entries())
    structlog.get_logger("x").bind(**fields).info(message)
    entries = log.entries()
    assert len(entries) == before + 1
    expected = message.encode("utf-8", "backslashreplace").decode()
    assert entries[-1]["message"] == expected or "event" in fields
