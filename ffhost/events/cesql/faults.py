"""What can be wrong with a CESQL expression, by the kinds that the specification names."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "parse", "math", "cast", "missingAttribute", "missingFunction", "functionEvaluation"
]
Value: TypeAlias = bool | int | str
"""The three types of CESQL; integers have 32 bits."""

ZEROS: Final[dict[type, Value]] = {bool: False, int: 0, str: ""}
"""The value of an expression of each type that failed (section 3.3)."""


class CesqlError(Exception):
    """An expression that cannot be parsed or evaluated.

    ``value`` is what the failed operator or function is worth, where the specification names
    a value that is not the zero of its type; ``origin`` is that operator or function.
    ``position`` is the character at which an expression cannot be parsed, counted from 0.
    """

    def __init__(
        self, kind: Kind, message: str, value: Value = False, position: int | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.value = value
        self.origin: object = None
        self.position = position
