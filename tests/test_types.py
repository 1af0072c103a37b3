"""What strict type checkers see of the public names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

PROJECT = """
from typing import assert_type

from pydantic import BaseModel

import ffhost
import ffhost.testing


class Order(BaseModel):
    item: str
    count: int = 1


@ffhost.http
def hello(request: ffhost.Request) -> str:
    assert_type(request.args.get("name", ""), str)
    assert_type(request.args.get("name"), str | None)
    assert_type(request.args.get("count", 1, type=int), int)
    assert_type(request.args.get("count", type=int), int | None)
    assert_type(request.args.getlist("tag"), list[str])
    assert_type(request.args.getlist("tag", type=int), list[int])
    assert_type(request.headers.get("x-user", ""), str)
    assert_type(request.form.get("name", ""), str)
    assert_type(request.args["name"], str)
    return "Hello, " + request.args.get("name", "world")


@ffhost.typed
async def order(order: Order) -> Order:
    ffhost.current().log.info("ordered", item=order.item)
    return order


@ffhost.error_handler(ValueError)
def refuse(error: ValueError) -> tuple[str, int]:
    return str(error), 400


def test_hello() -> None:
    with ffhost.testing.client("functions.yaml") as client:
        assert client.get("/hello").text == "Hello, world"
"""


def test_a_users_project_passes_a_strict_type_checker(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(PROJECT)
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--config-file", "", "--cache-dir", str(ROOT / ".mypy_cache"), "main.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout + checked.stderr == ""
