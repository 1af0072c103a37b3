"""A small share of ``python -m tests.soak graph``; set GRAPH_REQUESTS for more."""

from __future__ import annotations

import os

from tests.soak.graph import BURST, QUEUE, soak


def test_every_answer_of_a_graph_of_calls_is_right_while_the_host_reloads() -> None:
    found = soak(int(os.environ.get("GRAPH_REQUESTS", "60")))
    assert found.wrong == []
    assert found.refused == found.bursts * (BURST - 1 - QUEUE)
    assert not any(found.left.values())
    assert found.reloads
