"""The filters of the subscriptions API, as its text reads: slow, short, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ffhost.events.cesql import CesqlError, CesqlExpression


def passes_all(filters: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    return all(passes(each, event) for each in filters)


def passes(source: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    ((dialect, value),) = source.items()
    if dialect in ("sql", "cesql"):
        return _holds(value, event)
    if dialect == "not":
        return not passes(value, event)
    if dialect == "all":
        return False not in [passes(each, event) for each in value]
    if dialect == "any":
        return True in [passes(each, event) for each in value]
    return all(name in event and _fits(dialect, event[name], text) for name, text in value.items())


def _fits(dialect: str, value: Any, text: str) -> bool:
    value = str(value).lower() if isinstance(value, bool) else str(value)
    if dialect == "exact":
        return value == text
    return value[: len(text)] == text if dialect == "prefix" else value[-len(text) :] == text


def _holds(expression: str, event: Mapping[str, Any]) -> bool:
    try:
        return CesqlExpression(expression).evaluate(event) is True
    except CesqlError:
        return False
