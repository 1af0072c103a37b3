"""Filters of subscriptions, compiled when they are loaded. No I/O.

The dialects are those of the CloudEvents subscriptions API and of Knative's Trigger:
``exact``, ``prefix``, ``suffix``, ``all``, ``any``, ``not`` and ``sql``, which Knative calls
``cesql``. A filter is plain data, as it stands in the file, and has exactly one dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeAlias

from ffhost.events.cesql import CesqlError, CesqlExpression
from ffhost.events.event_values import event_value_kind

Attributes: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str | int, ...]

DIALECTS: Final = ("exact", "prefix", "suffix", "all", "any", "not", "sql", "cesql")
NESTING_LIMIT: Final = 32
"""How deeply filters may nest; people write three levels."""

# Section "naming conventions" of the CloudEvents specification; `data` is reserved.
_NAME: Final = re.compile(r"[a-z0-9]+")
_NOT_ATTRIBUTES: Final = frozenset({"data", "data_base64"})


class EventFilterFault(NamedTuple):
    """What is wrong with a filter, and where: keys and indexes from the outermost list."""

    path: Path
    message: str


class EventFilterError(Exception):
    """Filters that cannot be compiled; ``faults`` are all that was found."""

    def __init__(self, faults: Sequence[EventFilterFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class EventFilterFailure(NamedTuple):
    """An expression that could not be evaluated for an event; such an event does not match."""

    expression: str
    error: CesqlError


Test: TypeAlias = Callable[[Attributes, list[EventFilterFailure]], bool]
"""Whether an event matches; failed expressions are appended to the list."""


class EventFilter(NamedTuple):
    """One filter: its source, its test, and the types of the events that it can match.

    ``types`` is None where they cannot be told beforehand.
    """

    source: Mapping[str, Any]
    test: Test
    types: frozenset[str] | None = None


def compile_event_filters(sources: object) -> tuple[EventFilter, ...]:
    """Make the compiled filters of a subscription, all of which an event has to match.

    Raises:
        EventFilterError: names every fault of every filter.
    """
    compiler = _Compiler()
    found = compiler.filters(sources, (), 0, may_be_empty=True)
    if compiler.faults:
        raise EventFilterError(compiler.faults)
    return found


def event_types_that_match(filters: Sequence[EventFilter]) -> frozenset[str] | None:
    """Return the types of the events that can match all of *filters*; None for any type."""
    known = [each.types for each in filters if each.types is not None]
    return frozenset.intersection(*known) if known else None


class _Compiler:
    def __init__(self) -> None:
        self.faults: list[EventFilterFault] = []

    def filters(
        self, sources: object, path: Path, depth: int, *, may_be_empty: bool = False
    ) -> tuple[EventFilter, ...]:
        if not isinstance(sources, list | tuple):
            self._fault(path, f"expected a list of filters, got {event_value_kind(sources)}")
            return ()
        if not sources and not may_be_empty:
            self._fault(path, "expected at least one filter")
        return tuple(
            self.filter(source, (*path, index), depth + 1) for index, source in enumerate(sources)
        )

    def filter(self, source: object, path: Path, depth: int) -> EventFilter:
        if depth > NESTING_LIMIT:
            return self._fault(path, "filters are nested too deeply")
        if not isinstance(source, Mapping):
            return self._fault(path, f"expected a filter, got {event_value_kind(source)}")
        for key in source:
            if key not in DIALECTS:
                return self._fault((*path, str(key)), _unknown_dialect(str(key)))
        if len(source) != 1:
            written = ", ".join(map(str, source)) or "none"
            return self._fault(path, f"expected exactly one dialect in a filter, got {written}")
        dialect, value = next(iter(source.items()))
        test, types = self._dialect(dialect, value, (*path, dialect), depth)
        return EventFilter(source, test, types)

    def _dialect(
        self, dialect: str, value: object, path: Path, depth: int
    ) -> tuple[Test, frozenset[str] | None]:
        if dialect in _TEXT_TESTS:
            wanted = self._attributes(value, path)
            exact_type = wanted.get("type") if dialect == "exact" else None
            types = None if exact_type is None else frozenset({exact_type})
            return _text_test(_TEXT_TESTS[dialect], wanted), types
        if dialect == "not":
            inner = self.filter(value, path, depth + 1).test
            return (lambda event, failures: not inner(event, failures)), None
        if dialect in ("sql", "cesql"):
            return self._expression(value, path), None
        parts = self.filters(value, path, depth)
        tests = [part.test for part in parts]
        if dialect == "all":
            return _all_of(tests), event_types_that_match(parts)
        known = [part.types for part in parts if part.types is not None]
        types = frozenset().union(*known) if len(known) == len(parts) else None
        return _any_of(tests), types

    def _attributes(self, value: object, path: Path) -> dict[str, str]:
        if not isinstance(value, Mapping) or not value:
            self._fault(path, "expected attributes and their values, such as {type: com.example}")
            return {}
        for name, text in value.items():
            if (problem := _name_problem(str(name))) is not None:
                self._fault((*path, str(name)), problem)
            elif not isinstance(text, str):
                self._fault((*path, str(name)), f"expected a string, got {event_value_kind(text)}")
            elif not text:
                self._fault((*path, str(name)), "an empty value matches no event")
        return {str(name): text for name, text in value.items() if isinstance(text, str)}

    def _expression(self, value: object, path: Path) -> Test:
        if not isinstance(value, str):
            return self._fault(path, f"expected an expression, got {event_value_kind(value)}").test
        try:
            expression = CesqlExpression(value)
        except CesqlError as error:
            where = f" at character {error.position + 1}" if error.position is not None else ""
            return self._fault(path, f"not a CESQL expression: {error}{where}").test
        for problem in expression.missing:
            self._fault(path, problem)
        for name in sorted(expression.names):
            if (name_problem := _name_problem(name)) is not None:
                self._fault(path, name_problem)
        if expression.type not in (bool, None):
            self._fault(path, "the expression is not a condition; it would never match")
        return _expression_test(expression)

    def _fault(self, path: Path, message: str) -> EventFilter:
        self.faults.append(EventFilterFault(path, message))
        return EventFilter({}, lambda event, failures: False)


_TEXT_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def _text_test(compare: Callable[[str, str], bool], wanted: Mapping[str, str]) -> Test:
    pairs = list(wanted.items())

    def test(event: Attributes, failures: list[EventFilterFailure]) -> bool:
        for name, text in pairs:
            value = event.get(name)
            if value is None or not compare(event_attribute_as_text(value), text):
                return False
        return True

    return test


def event_attribute_as_text(value: object) -> str:
    """Return the value of an attribute in the canonical form of its type."""
    if isinstance(value, str):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _expression_test(expression: CesqlExpression) -> Test:
    def test(event: Attributes, failures: list[EventFilterFailure]) -> bool:
        try:
            value = expression.evaluate(event)
            if isinstance(value, bool):
                return value
            # Section 1.2 of CESQL: what is not a Boolean does not pass.
            raise CesqlError("cast", f"the expression is worth {value!r}, which is not a Boolean")
        except CesqlError as error:
            failures.append(EventFilterFailure(expression.text, error))
            return False

    return test


def _all_of(tests: Sequence[Test]) -> Test:
    return lambda event, failures: all(test(event, failures) for test in tests)


def _any_of(tests: Sequence[Test]) -> Test:
    return lambda event, failures: any(test(event, failures) for test in tests)


def _name_problem(name: str) -> str | None:
    if name in _NOT_ATTRIBUTES:
        return "filters cannot look into the data of an event"
    if not _NAME.fullmatch(name):
        return f"no event can have an attribute {name!r}: names have lower-case letters and digits"
    return None


def _unknown_dialect(name: str) -> str:
    near = get_close_matches(name, DIALECTS, 1)
    if near:
        return f"unknown filter dialect; did you mean {near[0]!r}?"
    return f"unknown filter dialect; expected {', '.join(DIALECTS[:-2])} or {DIALECTS[-2]}"
