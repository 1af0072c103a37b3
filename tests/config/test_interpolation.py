"""``${NAME}``: what it is replaced by, and what is refused."""

from __future__ import annotations

import pytest

from ffhost.config.interpolation import MissingVariable, interpolate_variables

VARIABLES = {"A": "1", "_b2": "two", "EMPTY": "", "NESTED": "${A}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "1"),
        ("x${A}y${_b2}z", "x1ytwoz"),
        ("${A}${A}", "11"),
        ("${EMPTY}", ""),
        ("${NESTED}", "${A}"),
        ("${A:-default}", "1"),
        ("${NONE:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${NONE:-}", ""),
        ("${NONE:-a b:-c}", "a b:-c"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $ $$", "$A $ $$"),
        ("$${", "${"),
        ("}{", "}{"),
    ],
)
def test_a_reference_becomes_its_value(text: str, expected: str) -> None:
    assert interpolate_variables(text, VARIABLES) == expected


def test_a_variable_that_is_missing_is_named() -> None:
    with pytest.raises(MissingVariable) as caught:
        interpolate_variables("x${NONE}", VARIABLES)
    assert caught.value.name == "NONE"
    assert str(caught.value) == "the environment variable 'NONE' is not set"


@pytest.mark.parametrize(
    "text",
    ["${", "${}", "${A", "${1A}", "${A-x}", "${A:x}", "${ A }", "${A:-${B}}", "${A:-{}", "${é}"],
)
def test_what_only_begins_like_a_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="begins a reference") as caught:
        interpolate_variables(text, VARIABLES)
    assert not isinstance(caught.value, MissingVariable)
    assert str(caught.value) == ("'${' begins a reference such as ${NAME} or ${NAME:-default}")
