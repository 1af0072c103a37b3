"""Functions that call each other in a circle, as `check` tells of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config.call_circles import find_declared_call_circles
from tests.commands import ffhost

NAMES = st.sampled_from("abcde")


@pytest.mark.parametrize(
    ("calls", "circles"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [("a", "a")]),
        ({"a": ["b"], "b": ["a"]}, [("a", "b", "a")]),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, [("a", "b", "a")]),
        ({"a": ["elsewhere"]}, []),
    ],
)
def test_each_circle_is_found_once(
    calls: dict[str, list[str]], circles: list[tuple[str, ...]]
) -> None:
    assert find_declared_call_circles(calls) == circles


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True)))
def test_what_is_found_is_a_circle_and_none_means_that_there_is_none(
    calls: dict[str, list[str]],
) -> None:
    found = find_declared_call_circles(calls)
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(b in calls[a] for a, b in pairwise(circle))
    if not found:
        left = dict(calls)
        while leaves := [each for each, to in left.items() if not set(to) & set(left)]:
            for leaf in leaves:
                del left[leaf]
        assert not left


def test_check_warns_of_a_circle(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def a(request): ...\n")
    (tmp_path / "functions.yaml").write_text(
        "functions:\n"
        "  a: {target: 'main.py:a', calls: [b]}\n"
        "  b: {target: 'main.py:a', calls: [a]}\n"
    )
    ran = ffhost("check", cwd=tmp_path)
    assert ran.status == 0
    assert "functions call each other in a circle: a -> b -> a" in ran.err
