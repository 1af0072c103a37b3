"""What one function does to itself is no concern of its neighbours."""

from __future__ import annotations

import os
from pathlib import Path

from ffhost.testing import client

CONFIG = Path(__file__).parents[1] / "functions.yaml"


def test_an_isolated_function_runs_in_another_process() -> None:
    with client(CONFIG) as host:
        assert host.get("/crunch").json()["pid"] != os.getpid()


def test_neighbours_go_on_while_one_is_ended_or_dies() -> None:
    with client(CONFIG, sets=["functions.crunch.timeout=200ms"]) as host:
        assert host.get("/crunch?seconds=30").status == 504
        assert host.get("/fragile?crash").status == 502
        assert host.get("/ping").text == "pong\n"
        assert host.get("/fragile").text == "still here\n"
