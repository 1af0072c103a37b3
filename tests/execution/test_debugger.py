"""Breakpoints in user code, for which deadlines wait."""

from __future__ import annotations

import pdb
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ffhost.testing
from ffhost.execution import debugger

CODE = """
import io
import pdb
import time


class Slow(io.StringIO):
    def readline(self, *_):
        time.sleep(0.6)
        return "continue\\n"


def stop():
    pdb.Pdb(stdin=Slow(), stdout=io.StringIO(), nosigint=True).set_trace()
    return "looked at"


def plain(request):
    return stop()


async def coroutine(request):
    return stop()


def slow(request):
    time.sleep(0.6)
    return "too late"
"""
CONFIG = """
defaults: {timeout: 200ms}
functions:
  plain: {target: 'main.py:plain'}
  coroutine: {target: 'main.py:coroutine'}
  slow: {target: 'main.py:slow'}
"""


@pytest.fixture
def installed() -> Iterator[None]:
    before = pdb.Pdb.interaction
    debugger.install_debugger_watch()
    yield
    pdb.Pdb.interaction = before  # type: ignore[method-assign]


@pytest.mark.parametrize("name", ["plain", "coroutine"])
def test_a_deadline_waits_while_a_breakpoint_is_open(
    installed: None, tmp_path: Path, name: str
) -> None:
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    with ffhost.testing.client(tmp_path / "functions.yaml") as client:
        assert client.get(f"/{name}").text == "looked at"
        assert client.get("/slow").status == 504
    assert not debugger.is_at_breakpoint()


def test_it_is_installed_once(installed: None) -> None:
    once = pdb.Pdb.interaction
    debugger.install_debugger_watch()
    assert pdb.Pdb.interaction is once
    assert "pydevd" not in sys.modules
