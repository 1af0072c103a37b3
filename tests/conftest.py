"""What the tests share: the host on both fronts, made from files that a test writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import hypothesis
import pytest

from ffhost.config.validation import settings_adapter
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.observability import logs
from ffhost.testing import Client, client
from tests.forking import forks
from tests.leftovers import process_state

Serve = Callable[..., Client]

# Each run makes up other values, so that few are enough for one run; `make fuzz` takes many.
# How long an example takes says something about the machine only.
EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
hypothesis.settings.register_profile("ours", max_examples=EXAMPLES, deadline=None)
hypothesis.settings.load_profile("ours")


LONG = (
    *("host/console/test_console_b", "test_docs", "fronts/test_hot_path"),
    *("execution/test_isolation", "observability/test_tracing_otel", "deploy/test_function"),
    *("server/test_agents", "server/test_http_table", "server/", "test_examples"),
    *("test_plain_english", "cli/test_cli_serve", "test_libraries", "signatures/test_applications"),
    *("host/test_named", "execution/test_deadlines", "terminal/", "fronts/", "compat/"),
    *("observability/", "host/"),
)
"""What takes long, or waits long, the longest first: so all workers end at the same time."""


def pytest_configure(config: pytest.Config) -> None:
    """Do once, before the tests' processes are forked, what each would do for itself."""
    if config.getoption("workers", 1) > 1:
        forks()
        settings_adapter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""

    def place(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((at for at, long in enumerate(LONG) if name.startswith(long)), len(LONG))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail where a test leaves the process changed: others would depend on the order of tests."""
    before = process_state()
    yield
    after = process_state()
    changed = [name for name in after if after[name] != before[name]]
    assert {name: (before[name], after[name]) for name in changed} == {}


@pytest.fixture(params=["asgi", "wsgi"])
def front(request: pytest.FixtureRequest) -> str:
    """Name each front in turn."""
    return str(request.param)


@pytest.fixture
def serve(tmp_path: Path, front: str) -> Iterator[Serve]:
    """Serve ``main.py`` with the given configuration, in process, on each front."""
    with ExitStack() as stack:

        def start(code: str, config: str | None = None, **options: Any) -> Client:
            (tmp_path / "main.py").write_text(dedent(code))
            if config is not None:
                (tmp_path / "functions.yaml").write_text(dedent(config))
                options.setdefault("config", "functions.yaml")
            return stack.enter_context(client(front=front, cwd=tmp_path, **options))

        yield start


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates in what a test says: they cannot be printed."""
    report = yield
    report.sections = [(name, _escaped(text)) for name, text in report.sections]
    failure = str(report.longrepr)
    if report.failed and failure != _escaped(failure):
        report.longrepr = _escaped(failure)
    return report


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@pytest.fixture(autouse=True)
def stuck_calls_are_forgotten() -> Iterator[None]:
    """Forget the calls that a test leaves stuck: the watch would log them during another one."""
    yield
    for call in list(stuck_calls._calls):
        stuck_calls.discard(call)


@pytest.fixture
def no_main_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what plain module names leave in the interpreter."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("main", None)


@pytest.fixture
def no_log_is_left() -> Iterator[None]:
    """Undo that the log is set up."""
    yield
    logs.reset_logging()
