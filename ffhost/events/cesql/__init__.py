"""CESQL 1.0, the CloudEvents SQL expression language, whole. No I/O.

`CesqlExpression` parses once and evaluates often. Where the text of the specification and its
conformance tests disagree the tests hold; where its text and the grammar of the other engines
disagree the expression is refused, so that one which works here means the same elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ffhost.events.cesql.faults import CesqlError, Value
from ffhost.events.cesql.grammar import parse_cesql
from ffhost.events.cesql.operators import evaluate_cesql

__all__ = ["CesqlError", "CesqlExpression", "Value"]


class CesqlExpression:
    """A parsed expression.

    ``names`` are the attributes that it reads, ``type`` is None where only an event can tell,
    ``missing`` says which functions do not exist.

    Raises:
        CesqlError: kind ``parse``; the text is not an expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._root = parse_cesql(text)
        self.names = self._root.names
        self.type = self._root.type
        self.missing = self._root.missing

    def evaluate(self, attributes: Mapping[str, Any]) -> Value:
        """Return the value of the expression for an event with these attributes.

        Raises:
            CesqlError: the evaluation failed; ``value`` is what the expression is worth then.
        """
        value: Value = evaluate_cesql(self._root, attributes)
        return value
