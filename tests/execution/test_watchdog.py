"""The thread that watches the event loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
import uvloop

from ffhost.execution import watchdog
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CODE = """
import asyncio, time

async def f(request):
    time.sleep(2.2)
    return "f"

async def g(request):
    await asyncio.sleep(1.6)
    return "g"
"""
CONFIG = """
functions:
  f: {target: "main.py:f"}
  g: {target: "main.py:g"}
"""


def entries(caplog: pytest.LogCaptureFixture, event: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == event]


def test_a_function_that_blocks_the_loop_is_named_with_its_stack(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/f", headers={"Function-Execution-Id": "blocking"}).text == "f"
    assert eventually(lambda: bool(entries(caplog, "event_loop_resumed")))
    (entry,) = entries(caplog, "event_loop_blocked")
    fields = entry._ffhost_event  # type: ignore[attr-defined]
    assert fields["function"] == "f"
    assert fields["execution_id"] == "blocking"
    assert "time.sleep(2.2)" in fields["live_stack"]


def test_a_function_that_waits_blocks_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/g").text == "g"
    assert not entries(caplog, "event_loop_blocked")


class CountingLoop(uvloop.Loop):
    """Counts how often it was woken."""

    woken = 0

    def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]
        self.woken += 1
        return super().call_soon_threadsafe(*args, **options)


def test_a_loop_that_waits_for_events_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "TICK_SECONDS", 0.002)
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.002)
    loop = CountingLoop()
    try:
        watchdog.watch_for_blocked_loop(loop)
        loop.run_until_complete(asyncio.sleep(0.2))
        assert 1 <= loop.woken < 20  # it would be a hundred
    finally:
        loop.close()
