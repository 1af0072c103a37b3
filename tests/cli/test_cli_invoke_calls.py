"""``ffhost invoke`` of functions that call functions by name."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.commands import ffhost, project

ORDER = """
    import ffhost

    def order(request):
        print("order calls")
        try:
            return ffhost.call_sync("stock", json={"item": "tea"}).raise_for_status().json()
        except ffhost.CallError as error:
            return {"refused": str(error)}
"""
STOCK = """
    print("stock is loaded")

    def stock(request):
        return request.get_json()
"""
BROKEN = """
    raise RuntimeError("this file is not loaded")
"""
CONFIG = """
    mcp: {path: /mcp}
    events: {path: /events}
    functions:
      order: {target: "order.py:order"%s}
      stock: {target: "stock.py:stock"}
      broken: {target: "broken.py:nothing"}
      tool: {target: "broken.py:tool", tool: true}
      listener: {target: "broken.py:listener", subscriptions: [{filters: [{exact: {type: x}}]}]}
"""


@pytest.mark.parametrize("calls", ["", ", calls: [stock]", ", lazy: true"])
def test_the_functions_that_one_calls_are_loaded_when_it_calls_them(
    tmp_path: Path, calls: str
) -> None:
    folder = project(tmp_path, CONFIG % calls, order=ORDER, stock=STOCK, broken=BROKEN)
    ran = ffhost("invoke", "order", cwd=folder)
    assert ran.status == 0, ran.err
    assert json.loads(ran.out) == {"item": "tea"}
    assert ran.err.startswith("order calls\nstock is loaded\n200 OK")


def test_one_that_may_call_none_is_served_alone(tmp_path: Path) -> None:
    folder = project(tmp_path, CONFIG % ", calls: []", order=ORDER, stock=STOCK, broken=BROKEN)
    ran = ffhost("invoke", "order", cwd=folder)
    assert "may not call 'stock'" in json.loads(ran.out)["refused"]
    assert "stock is loaded" not in ran.err


def test_without_a_file_the_decorated_functions_of_the_source_can_be_called(
    tmp_path: Path,
) -> None:
    code = """
    import ffhost

    @ffhost.http
    def order(request):
        return {"left": ffhost.call_sync("stock", json=[7]).json(), "path": request.path}

    @ffhost.http
    def stock(request):
        return request.get_json()
    """
    folder = tmp_path
    (folder / "main.py").write_text(dedent(code))
    for name in ("order", "main.py:order"):
        ran = ffhost("invoke", name, cwd=folder)
        assert ran.status == 0, ran.err
        assert json.loads(ran.out) == {"left": [7], "path": "/"}
