"""What user code may do, and the entries it gives: real servers, two workers, both fronts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli_serve import GUNICORN, SERVE, Served
from tests.execution.test_deadlines import eventually

HEAD = """
import asyncio, logging, sys, threading, warnings
import structlog
import ffhost
log = logging.getLogger("app")
slog = structlog.get_logger("structured")
logging.getLogger("app").info("at import")

class Broken:
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __str__
"""

# name: (code of the function, its status, its entries but for the summary).
# An entry is message, severity and fields that it must have; "..." stands for any text.
Entry = tuple[str, str, dict[str, Any]]
CASES: dict[str, tuple[str, int, list[Entry]]] = {
    "prints": ("print('hello')", 200, [("hello", "INFO", {})]),
    "prints_lines": ("print('a\\nb')", 200, [("a\nb", "INFO", {})]),
    "prints_pieces": (
        "print('a', end=''); print('b')",
        200,
        [("ab", "INFO", {})],
    ),
    "prints_without_end": ("print('partial', end='')", 200, [("partial", "INFO", {})]),
    "prints_to_stderr": ("print('oops', file=sys.stderr)", 200, [("oops", "ERROR", {})]),
    "prints_nothing": ("pass", 200, []),
    "logs": ("log.info('logged')", 200, [("logged", "INFO", {"logger": "app"})]),
    "logs_arguments": ("log.warning('%s and %d', 'x', 3)", 200, [("x and 3", "WARNING", {})]),
    "logs_bad_arguments": ("log.info('%d', 'x')", 200, [("...", "INFO", {})]),
    "logs_extra": ("log.info('m', extra={'user': 7})", 200, [("m", "INFO", {"user": 7})]),
    "logs_exception": (
        "try: 1 / 0\n    except ZeroDivisionError: log.exception('failed')",
        200,
        [("failed", "ERROR", {"exception_type": "ZeroDivisionError"})],
    ),
    "logs_exc_info": (
        "log.error('failed', exc_info=ValueError('x'))",
        200,
        [("failed", "ERROR", {"exception_type": "ValueError", "exception_message": "x"})],
    ),
    "logs_debug": ("log.debug('hidden')", 200, []),
    "logs_newline": ("log.info('one\\ntwo')", 200, [("one\ntwo", "INFO", {})]),
    "logs_megabyte": ("log.info('x' * 2**20)", 200, [("...", "INFO", {"truncated": True})]),
    "logs_bytes": ("log.info('b', extra={'b': b'\\xff\\x00'})", 200, [("b", "INFO", {})]),
    "logs_surrogate": ("log.info('\\ud800')", 200, [("...", "INFO", {})]),
    "logs_broken": ("log.info('b', extra={'value': Broken()})", 200, [("b", "INFO", {})]),
    "logs_nan": ("log.info('n', extra={'n': float('nan')})", 200, [("n", "INFO", {})]),
    "logs_structured": (
        "slog.warning('done', items=3)",
        200,
        [("done", "WARNING", {"items": 3})],
    ),
    "logs_bound": (
        "structlog.contextvars.bind_contextvars(user='ada'); slog.info('bound')",
        200,
        [("bound", "INFO", {"user": "ada"})],
    ),
    "logs_by_context": (
        "ffhost.current().log.info('mine', a=1)",
        200,
        [("mine", "INFO", {"a": 1})],
    ),
    "warns": ("warnings.warn('careful')", 200, [("careful", "WARNING", {})]),
    "crashes": (
        "raise ValueError('boom')",
        500,
        [("function_crashed", "ERROR", {"exception_type": "ValueError"})],
    ),
    "crashes_in_a_chain": (
        "try: 1 / 0\n    except ZeroDivisionError as error: raise KeyError('k') from error",
        500,
        [("function_crashed", "ERROR", {"exception_type": "KeyError"})],
    ),
    "crashes_in_a_group": (
        "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])",
        500,
        [("function_crashed", "ERROR", {"exception_type": "ExceptionGroup"})],
    ),
    "crashes_without_text": (
        "raise Exception(Broken())",
        500,
        [("function_crashed", "ERROR", {})],
    ),
    "exits": (
        "sys.exit(3)",
        500,
        [("function_crashed", "ERROR", {"exception_type": "SystemExit"})],
    ),
    "returns_nothing": ("return None", 500, [("function_crashed", "ERROR", {})]),
    "prints_in_the_executor": (
        "ffhost.executor.submit(print, 'from a thread').result()",
        200,
        [("from a thread", "INFO", {})],
    ),
    "logs_in_the_executor": (
        "ffhost.executor.submit(log.info, 'from a thread').result()",
        200,
        [("from a thread", "INFO", {})],
    ),
    "times_out": ("import time; time.sleep(1)", 504, [("deadline_exceeded", "ERROR", {})]),
}
ASYNC_CASES: dict[str, tuple[str, int, list[Entry]]] = {
    "aprints": ("print('hello')", 200, [("hello", "INFO", {})]),
    "alogs_in_a_task": (
        "await asyncio.create_task(asyncio.to_thread(log.info, 'in a task'))",
        200,
        [("in a task", "INFO", {})],
    ),
    "acrashes": (
        "raise ValueError('boom')",
        500,
        [("function_crashed", "ERROR", {"exception_type": "ValueError"})],
    ),
    "aexits": (
        "sys.exit(3)",
        500,
        [("function_crashed", "ERROR", {"exception_type": "SystemExit"})],
    ),
    "atimes_out": ("await asyncio.sleep(5)", 504, [("deadline_exceeded", "ERROR", {})]),
}


def write(folder: Path) -> None:
    code, config = [HEAD], ["functions:"]
    for cases, word in ((CASES, "def"), (ASYNC_CASES, "async def")):
        for name, (body, _, _) in cases.items():
            ending = "" if name == "returns_nothing" else "\n    return 'ok'"
            code.append(f"{word} {name}(request):\n    {body}{ending}\n")
            timeout = "500ms" if "times_out" in name else "5s"
            config.append(f"  {name}: {{target: 'main.py:{name}', timeout: {timeout}}}")
    (folder / "main.py").write_text("\n".join(code))
    head = "server: {workers: 2, drain_delay: 0s}\n"
    head += "logging: {capture_print: true, max_entry: 64KiB}\n"
    (folder / "functions.yaml").write_text(head + "\n".join(config) + "\n")


def _status(call: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module", params=[SERVE, GUNICORN], ids=["serve", "gunicorn"])
def entries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """Call every function once, and give the entries by execution id, the function's name."""
    folder = tmp_path_factory.mktemp("logs")
    write(folder)
    server = Served(folder, program=request.param)
    try:
        assert eventually(lambda: server.get("/_ffhost/ready") is not None, 20), server.log
        for name, (_, status, _) in {**CASES, **ASYNC_CASES}.items():
            call = urllib.request.Request(
                f"http://127.0.0.1:{server.port}/{name}?secret=1",
                headers={"Function-Execution-Id": name},
            )
            assert _status(call) == status, name
    finally:
        assert server.stop() == 0
    lines = server.log.splitlines()
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        entry = json.loads(line)  # every line is one whole entry
        found[entry.get("execution_id", "")].append(entry)
    return found


@pytest.mark.parametrize("name", [*CASES, *ASYNC_CASES])
def test_it_gives_exactly_these_entries(
    entries: dict[str, list[dict[str, Any]]], name: str
) -> None:
    _, status, expected = {**CASES, **ASYNC_CASES}[name]
    found = entries[name]
    summaries = [entry for entry in found if entry["logger"] == "ffhost.invocations"]
    others = [entry for entry in found if entry["logger"] != "ffhost.invocations"]
    assert [(entry["status"], entry["path"]) for entry in summaries] == [(status, f"/{name}")]
    assert len(others) == len(expected), others
    for entry, (message, severity, fields) in zip(others, expected, strict=True):
        assert message in ("...", entry["message"])
        assert entry["severity"] == severity
        assert entry["function"] == name
        assert {key: entry.get(key) for key in fields} == fields
        assert entry["timestamp"].endswith("Z")
        assert entry["config_revision"]
        if message == "function_crashed":
            assert "Traceback" in entry["exception"] or name == "returns_nothing"


def test_the_whole_chain_and_every_member_of_a_group_stand_in_one_entry(
    entries: dict[str, list[dict[str, Any]]],
) -> None:
    (chain,) = [e for e in entries["crashes_in_a_chain"] if "exception" in e]
    assert "ZeroDivisionError" in chain["exception"]
    assert "KeyError" in chain["exception"]
    (group,) = [e for e in entries["crashes_in_a_group"] if "exception" in e]
    assert "ValueError: a" in group["exception"]
    assert "TypeError: b" in group["exception"]


def test_what_is_logged_at_import_is_an_entry_of_each_worker(
    entries: dict[str, list[dict[str, Any]]],
) -> None:
    at_import = [entry for entry in entries[""] if entry["message"] == "at import"]
    assert len(at_import) == 2
    assert {entry["logger"] for entry in at_import} == {"app"}


def test_nothing_shows_the_query(entries: dict[str, list[dict[str, Any]]]) -> None:
    assert "secret" not in json.dumps(entries)
