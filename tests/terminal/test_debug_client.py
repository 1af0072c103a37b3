"""Debugging as VS Code does it: ``ffhost dev`` is launched by debugpy, and changed meanwhile."""

from __future__ import annotations

import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serving import eventually, free_port
from tests.terminal.debug_client import Debugger

pytest.importorskip("debugpy", reason="debugpy is not installed; it is no requirement of ours")

CODE = """def hello(request):
    greeting = "{word} " + request.args.get("name", "you")
    return greeting
"""
CONFIG = "functions:\n  hello: {target: 'main.py:hello', timeout: 1s}\n"


def test_a_breakpoint_stops_and_the_deadline_waits_also_after_an_edit(tmp_path: Path) -> None:
    code, port = tmp_path / "main.py", free_port()
    code.write_text(CODE.format(word="hello"))
    (tmp_path / "functions.yaml").write_text(CONFIG)

    def answer() -> str | None:
        with suppress(OSError):
            url = f"http://127.0.0.1:{port}/hello?name=Ada"
            return urllib.request.urlopen(url, timeout=60).read().decode()
        return None

    debugger = Debugger(code, line=3, expression="greeting", pause_seconds=1.5)
    try:
        debugger.launch("dev", "--port", str(port))
        assert eventually(answer, "it serves") == "hello Ada"
        assert debugger.stops.get(timeout=1) == "'hello Ada'"
        code.write_text(CODE.format(word="bye"))
        assert eventually(lambda: answer() == "bye Ada", "the edit is served")
    finally:
        debugger.close()
