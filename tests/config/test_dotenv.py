"""Dotenv files: every form of a value, and the line of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.dotenv import read_dotenv
from ffhost.config.nodes import ConfigText


def read(text: str | None) -> tuple[dict[str, tuple[str, int]], list[ConfigProblem]]:
    problems: list[ConfigProblem] = []
    return read_dotenv(ConfigText(".env", file=Path(".env"), text=text), problems), problems


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("  A  =  1  ", "1"),
        ("A=1\r", "1"),
        ("export A=1", "1"),
        ("export\tA=1", "1"),
        ("A=", ""),
        ("A=a=b", "a=b"),
        ("A=two words", "two words"),
        ("A=a#b", "a#b"),
        ("A=a #b", "a"),
        ("A=a\t# b # c", "a"),
        ("A=#b", ""),
        ("A='single # $A \\n'", "single # $A \\n"),
        ("A='x' # comment", "x"),
        ("A='x'#comment", "x"),
        ('A="x"  ', "x"),
        ('A=""', ""),
        ("A=''", ""),
        ('A="a\\nb\\tc\\rd"', "a\nb\tc\rd"),
        ('A="\\"\\\\\\x"', '"\\x'),
        ("A=it's", "it's"),
        ("A=${B}", "${B}"),
    ],
)
def test_a_value_may_be_plain_or_in_quotes(line: str, value: str) -> None:
    assert read(line) == ({"A": (value, 0)}, [])


def test_lines_without_an_assignment_mean_nothing_and_are_counted() -> None:
    assert read("\n # A=0\n\t\nA=1\n#\n_b2=2\n") == ({"A": ("1", 3), "_b2": ("2", 5)}, [])
    assert read(None) == ({}, [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A", "expected NAME=value"),
        ("1A=x", "a name consists of letters, digits and underscores"),
        ("=x", "a name consists of letters, digits and underscores"),
        ("A-B=x", "a name consists of letters, digits and underscores"),
        ("A='x", "the value of A has a quote that is not closed on the same line"),
        ('A="x', "the value of A has a quote that is not closed on the same line"),
        ('A="x\\"', "the value of A has a quote that is not closed on the same line"),
        ("A='x' y", "the value of A has a quote that is not closed on the same line"),
    ],
)
def test_a_mistake_is_shown_at_its_line_and_without_the_line_itself(
    line: str, message: str
) -> None:
    found, problems = read(f"B=1\n{line}\nC=2\n")
    assert found == {"B": ("1", 0), "C": ("2", 2)}
    assert [str(problem) for problem in problems] == [f".env:2:1: {message}"]
    assert problems[0].hint == "write NAME=value"
    assert problems[0].origin is not None
    assert problems[0].origin.text is None  # it may hold a secret


def test_a_name_that_is_set_twice_is_a_mistake_and_keeps_its_first_value() -> None:
    found, problems = read("\nA=1\nA=2\n")
    assert found == {"A": ("1", 1)}
    assert [str(problem) for problem in problems] == [".env:3:1: A is set twice, first on line 2"]
