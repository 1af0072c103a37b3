"""CESQL: the conformance tests, and what they cannot say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.events.cesql import CesqlError, CesqlExpression
from tests.events.cesql_kit import Case, kit_cases


@pytest.mark.parametrize("case", kit_cases(), ids=lambda case: case.name)
def test_the_kit_agrees(case: Case) -> None:
    if case.error is None:
        value = CesqlExpression(case.expression).evaluate(case.event)
        assert (type(value), value) == (type(case.result), case.result)
        return
    with pytest.raises(CesqlError) as caught:
        CesqlExpression(case.expression).evaluate(case.event)
    assert caught.value.kind == case.error
    if case.result is not None:
        value = caught.value.value
        assert (type(value), value) == (type(case.result), case.result)


def test_an_error_says_where_the_expression_cannot_be_read() -> None:
    with pytest.raises(CesqlError) as caught:
        CesqlExpression("type = 'a' AND id = 'b' OR id = 'c'")
    assert str(caught.value) == "AND beside OR needs parentheses"
    assert caught.value.position == 24


def test_a_missing_function_is_known_before_any_event() -> None:
    assert CesqlExpression("NOW() > 1").missing == ("there is no function NOW",)
    assert CesqlExpression("LEFT(id) = 'a'").missing == (
        "there is no function LEFT with 1 argument",
    )
    assert CesqlExpression("LEFT(id, 1) = 'a'").missing == ()


def test_the_attributes_that_an_expression_reads_are_known() -> None:
    assert CesqlExpression("EXISTS a AND b IN (c, 'd') AND LEFT(Type, 1) = 'x'").names == frozenset(
        {"a", "b", "c", "type"}
    )


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "NOT " * 5000 + "TRUE",
        "+".join("1" for _ in range(5000)),
        "ABS(" * 5000 + "1" + ")" * 5000,
        "9" * 5000,
    ],
    ids=["parentheses", "prefixes", "sums", "functions", "digits"],
)
def test_an_endless_expression_is_a_parse_error(expression: str) -> None:
    with pytest.raises(CesqlError) as caught:
        CesqlExpression(expression)
    assert caught.value.kind == "parse"


def test_a_long_chain_of_alternatives_is_no_deep_one() -> None:
    expression = " OR ".join(f"id = '{number}'" for number in range(5000))
    assert CesqlExpression(expression).evaluate({"id": "4999"}) is True


def test_a_pattern_cannot_take_exponential_time() -> None:
    pattern = "%a" * 200 + "b"
    assert CesqlExpression(f"id LIKE '{pattern}'").evaluate({"id": "a" * 5000}) is False


WORDS = st.sampled_from(
    [
        "AND",
        "OR",
        "NOT",
        "LIKE",
        "IN",
        "EXISTS",
        "(",
        ")",
        ",",
        "=",
        "<>",
        "+",
        "-",
        "/",
        "%",
        "'a'",
        '"b"',
        "1",
        "-1",
        "TRUE",
        "id",
        "missing",
        "ABS(",
        "LEFT(",
        "CONCAT(",
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join)))
def test_whatever_is_written_gives_a_value_or_an_error_of_ours(expression: str) -> None:
    try:
        value = CesqlExpression(expression).evaluate({"id": "an-id"})
    except CesqlError as error:
        value = error.value
    assert type(value) in (bool, int, str)
