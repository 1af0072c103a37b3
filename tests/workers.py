"""Tests in several processes at once: one process collects them, and forks the others.

``pytest -p tests.workers --workers 4`` hands out one file after the other, in their order. With
pytest-xdist each process would collect all tests for itself, and send several messages about each
of them: together a tenth of the processor time of the suite.
"""

from __future__ import annotations

import gc
import multiprocessing
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

PATIENCE_SECONDS = 20
_FORK = multiprocessing.get_context("fork")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option ``--workers``."""
    parser.addoption("--workers", type=int, default=1, help="processes that run tests at once")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without searching for cycles: what is collected is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in workers, if there are to be several."""
    option = session.config.option
    if option.workers < 2 or option.collectonly or session.testsfailed:
        return None
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all
    gc.freeze()  # what was collected stays: nobody searches it for cycles again
    Crew(session).run(option.workers)
    return True


class Crew:
    """The workers of one run, and the files that nobody has taken yet."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._files = files(session.items)
        self._next = iter(range(len(self._files)))
        self._workers: dict[Connection, BaseProcess] = {}
        self._last_words: dict[Connection, str] = {}
        self._reported = 0

    def run(self, number: int) -> None:
        """Run all tests in *number* processes."""
        try:
            for _ in range(min(number, len(self._files))):
                self._start()
            while self._workers:
                for connection in wait(list(self._workers)):
                    assert isinstance(connection, Connection)
                    self._listen(connection)
        finally:
            self._stop()
        assert self._reported == len(self._session.items)

    def _stop(self) -> None:
        """End the workers that still run, after the test that each is at."""
        for connection in self._workers:
            with suppress(OSError):  # it has died
                connection.send(None)
        for worker in self._workers.values():
            worker.join(PATIENCE_SECONDS)
            worker.kill()

    def _start(self) -> None:
        here, there = _FORK.Pipe()
        worker = _FORK.Process(target=work, args=(self._session, self._files, there))
        worker.start()
        there.close()
        self._workers[here] = worker

    def _listen(self, connection: Connection) -> None:
        try:
            kind, said = connection.recv()
        except (EOFError, ConnectionResetError):
            self._end(connection)
            return
        if kind == "next":
            with suppress(OSError):  # it has died, which is heard next
                connection.send(next(self._next, None))
        elif kind == "warning":
            self._warn(**said)
        else:
            self._report(connection, **said)

    def _end(self, connection: Connection) -> None:
        worker = self._workers.pop(connection)
        worker.join()
        if worker.exitcode:
            last = self._last_words.get(connection, "its start")
            raise pytest.UsageError(f"a worker ended with {worker.exitcode}, after {last}")

    def _report(
        self, connection: Connection, nodeid: str, location: Any, reports: list[dict[str, Any]]
    ) -> None:
        hook = self._session.config.hook
        self._reported += 1
        self._last_words[connection] = nodeid
        hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        for data in reports:
            report = hook.pytest_report_from_serializable(config=self._session.config, data=data)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _warn(self, category: str, text: str, file: str, line: int, **where: Any) -> None:
        kind = type(category, (Warning,), {})
        message = warnings.WarningMessage(kind(text), kind, file, line)
        record = self._session.config.hook.pytest_warning_recorded
        record.call_historic(kwargs={"warning_message": message, **where})


def files(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    """Return the tests of each file, in the order in which the files come first.

    Files with the same `TOGETHER` count as one: they share what takes long to prepare.
    """
    found: dict[Any, list[pytest.Item]] = {}
    for item in items:
        module = getattr(item, "module", None)
        found.setdefault(getattr(module, "TOGETHER", item.path), []).append(item)
    return list(found.values())


def work(session: pytest.Session, files: list[list[pytest.Item]], crew: Connection) -> None:
    """Be a worker: run the files that it is told to run."""
    plugins = session.config.pluginmanager
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()  # its files are everybody's
    capture.start_global_capturing()
    plugins.unregister(name="terminalreporter")
    plugins.register(Reporter(session.config, crew))
    try:
        for item, after in pairwise(chain(handed_out(files, crew), [None])):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
    finally:
        session._setupstate.teardown_exact(None)  # type: ignore[attr-defined]  # if interrupted


def handed_out(files: list[list[pytest.Item]], crew: Connection) -> Iterator[pytest.Item]:
    """Yield the tests of the files that the crew hands out, until it says that this is all."""
    while True:
        crew.send(("next", None))
        number = crew.recv()
        if number is None:
            return
        for item in files[number]:
            if crew.poll():
                return
            yield item


class Reporter:
    """What tells the crew how a worker's tests end: one message for each test."""

    def __init__(self, config: pytest.Config, crew: Connection) -> None:
        self._config = config
        self._crew = crew
        self._reports: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what one phase of a test has to say."""
        to_data = self._config.hook.pytest_report_to_serializable
        self._reports.append(to_data(config=self._config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """Send it."""
        said = {"nodeid": nodeid, "location": location, "reports": self._reports}
        self._crew.send(("reports", said))
        self._reports = []

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        """Send a warning at once, in words: its arguments may be anything."""
        said = {
            "category": warning_message.category.__name__,
            "text": str(warning_message.message),
            "file": warning_message.filename,
            "line": warning_message.lineno,
        }
        where = {"when": when, "nodeid": nodeid, "location": location}
        self._crew.send(("warning", said | where))
