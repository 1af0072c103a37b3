"""Filters and subscriptions, against a plain reading of the specification."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.events.filters import EventFilterError, compile_event_filters
from ffhost.events.subscriptions import Subscription, SubscriptionTable
from tests.events.plain_filters import passes_all

NAMES = st.sampled_from(["type", "source", "subject", "region", "count", "urgent"])
TEXTS = st.sampled_from(["a", "ab", "abc", "com.a", "com.a.b", ".b", "true", "7", "12"])
PAIRS = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3)
EXPRESSIONS = st.sampled_from(
    [
        *("type = 'a'", "EXISTS region", "NOT EXISTS subject", "count > 6", "urgent"),
        *("missing = 'a'", "type LIKE 'com.%'", "source IN ('a', subject)", "NOT 10"),
        *("count / 0 = 1", "region"),
    ]
)
FILTERS = st.recursive(
    st.one_of(
        *(st.builds(dict, **{dialect: PAIRS}) for dialect in ("exact", "prefix", "suffix")),
        *(st.builds(dict, **{dialect: EXPRESSIONS}) for dialect in ("sql", "cesql")),
    ),
    lambda inner: st.one_of(
        st.builds(dict, all=st.lists(inner, min_size=1, max_size=3)),
        st.builds(dict, any=st.lists(inner, min_size=1, max_size=3)),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=6,
)
EVENTS = st.builds(
    lambda required, extensions: {"id": "1", "specversion": "1.0", **required, **extensions},
    st.fixed_dictionaries({"type": TEXTS, "source": TEXTS}),
    st.fixed_dictionaries(
        {},
        optional={"subject": TEXTS, "region": TEXTS, "count": st.integers(0, 12)}
        | {"urgent": st.booleans()},
    ),
)


@given(st.lists(FILTERS, max_size=3), EVENTS)
def test_compiled_filters_say_what_the_specification_says(
    filters: list[dict[str, Any]], event: dict[str, Any]
) -> None:
    table = SubscriptionTable([Subscription("f", compile_event_filters(filters))])
    assert (table.match(event).functions == ("f",)) is passes_all(filters, event)


@given(st.lists(st.lists(FILTERS, max_size=2), max_size=8), EVENTS)
def test_the_dictionary_by_type_changes_no_match(
    subscriptions: list[list[dict[str, Any]]], event: dict[str, Any]
) -> None:
    table = SubscriptionTable(
        Subscription(f"f{index % 5}", compile_event_filters(filters))
        for index, filters in enumerate(subscriptions)
    )
    wanted = {
        f"f{index % 5}" for index, filters in enumerate(subscriptions) if passes_all(filters, event)
    }
    matched = table.match(event).functions
    assert set(matched) == wanted
    assert len(matched) == len(wanted)


def test_functions_are_called_in_the_order_of_the_file() -> None:
    table = SubscriptionTable(
        [
            Subscription("first", compile_event_filters([{"exact": {"type": "a"}}])),
            Subscription("second", ()),
            Subscription("third", compile_event_filters([{"exact": {"type": "a"}}])),
        ]
    )
    assert table.match({"type": "a"}).functions == ("first", "second", "third")
    assert table.match({"type": "b"}).functions == ("second",)


def test_an_expression_that_fails_is_told_with_its_function() -> None:
    table = SubscriptionTable(
        [Subscription("f", compile_event_filters([{"sql": "missing = 'a'"}]))]
    )
    matches = table.match({"type": "a"})
    assert matches.functions == ()
    (failed,) = matches.failures
    assert failed.function == "f"
    assert failed.failure.expression == "missing = 'a'"
    assert failed.failure.error.kind == "missingAttribute"


def test_an_expression_that_is_not_a_boolean_does_not_match() -> None:
    table = SubscriptionTable([Subscription("f", compile_event_filters([{"sql": "region"}]))])
    matches = table.match({"type": "a", "region": "true"})
    assert matches.functions == ()
    assert str(matches.failures[0].failure.error) == (
        "the expression is worth 'true', which is not a Boolean"
    )


def test_the_first_filter_that_keeps_an_event_away_is_known() -> None:
    subscription = Subscription(
        "f", compile_event_filters([{"exact": {"type": "a"}}, {"prefix": {"source": "/x"}}])
    )
    assert subscription.failed_filter({"type": "a", "source": "/y"}, []) == 1
    assert subscription.failed_filter({"type": "a", "source": "/x"}, []) is None


@pytest.mark.parametrize(
    ("filters", "faults"),
    [
        ({}, [((), "expected a list of filters, got an object")]),
        ([1], [((0,), "expected a filter, got a number")]),
        ([{}], [((0,), "expected exactly one dialect in a filter, got none")]),
        (
            [{"exact": {"type": "a"}, "prefix": {"type": "a"}}],
            [((0,), "expected exactly one dialect in a filter, got exact, prefix")],
        ),
        ([{"exat": {}}], [((0, "exat"), "unknown filter dialect; did you mean 'exact'?")]),
        (
            [{"regex": {}}],
            [
                (
                    (0, "regex"),
                    "unknown filter dialect; expected exact, prefix, suffix, all, any, not or sql",
                )
            ],
        ),
        (
            [{"all": []}, {"any": [{"not": []}]}],
            [
                ((0, "all"), "expected at least one filter"),
                ((1, "any", 0, "not"), "expected a filter, got an array"),
            ],
        ),
        (
            [{"exact": {"my-type": "a", "data": "b", "type": 1, "source": ""}}],
            [
                (
                    (0, "exact", "my-type"),
                    "no event can have an attribute 'my-type': "
                    "names have lower-case letters and digits",
                ),
                ((0, "exact", "data"), "filters cannot look into the data of an event"),
                ((0, "exact", "type"), "expected a string, got a number"),
                ((0, "exact", "source"), "an empty value matches no event"),
            ],
        ),
        (
            [{"prefix": {}}],
            [
                (
                    (0, "prefix"),
                    "expected attributes and their values, such as {type: com.example}",
                )
            ],
        ),
        (
            [{"sql": "type = 'a' AND id = 'b' OR id = 'c'"}],
            [
                (
                    (0, "sql"),
                    "not a CESQL expression: AND beside OR needs parentheses at character 25",
                )
            ],
        ),
        ([{"cesql": "NOW() > 1"}], [((0, "cesql"), "there is no function NOW")]),
        ([{"sql": "data = 1"}], [((0, "sql"), "filters cannot look into the data of an event")]),
        (
            [{"sql": "count + 1"}],
            [((0, "sql"), "the expression is not a condition; it would never match")],
        ),
        ([{"sql": True}], [((0, "sql"), "expected an expression, got a boolean")]),
    ],
)
def test_every_fault_is_told_with_its_place(filters: object, faults: list[Any]) -> None:
    with pytest.raises(EventFilterError) as caught:
        compile_event_filters(filters)
    assert [tuple(fault) for fault in caught.value.faults] == faults


def test_endless_nesting_is_a_fault() -> None:
    nested: dict[str, Any] = {"exact": {"type": "a"}}
    for _ in range(5000):
        nested = {"not": nested}
    with pytest.raises(EventFilterError, match="nested too deeply"):
        compile_event_filters([nested])
