"""What each operator of CESQL does, composed into one callable when it is parsed.

An error ends the evaluation at once ("fail fast", section 4.1). The failed expression is
then worth the zero value of its own type, or what its outermost function says.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from ffhost.events.cesql.casts import cast_cesql_value, cesql_attribute_value, is_cesql_integer
from ffhost.events.cesql.faults import ZEROS, CesqlError, Value
from ffhost.events.cesql.library import find_cesql_function, is_cesql_function
from ffhost.events.cesql.patterns import compile_like_pattern

Attributes: TypeAlias = Mapping[str, Any]
Evaluate: TypeAlias = Callable[[Attributes], Any]

REQUIRED: Final = frozenset({"id", "source", "type", "specversion"})
"""EXISTS is always true for these (section 3.4.4)."""


class CesqlNode(NamedTuple):
    """A part of an expression: how it is evaluated, and the type that it has.

    ``type`` is None for an attribute, whose type is that of its value. ``names`` are the
    attributes that are read, ``missing`` says which functions do not exist.
    """

    evaluate: Evaluate
    type: type | None
    names: frozenset[str] = frozenset()
    depth: int = 1
    missing: tuple[str, ...] = ()


def cesql_literal(value: Value) -> CesqlNode:
    return CesqlNode(lambda event: value, type(value))


def cesql_attribute(name: str) -> CesqlNode:
    def evaluate(event: Attributes) -> Value:
        value = event.get(name)
        if value is None:
            raise CesqlError("missingAttribute", f"the event has no attribute {name!r}")
        return cesql_attribute_value(value)

    return CesqlNode(evaluate, None, frozenset({name}))


def cesql_exists(name: str) -> CesqlNode:
    if name in REQUIRED:
        return CesqlNode(lambda event: True, bool, frozenset({name}))
    return CesqlNode(lambda event: event.get(name) is not None, bool, frozenset({name}))


def cesql_minus(operand: CesqlNode) -> CesqlNode:
    return _node(
        lambda event: _whole(-cast_cesql_value(operand.evaluate(event), int)), int, [operand]
    )


def cesql_not(operand: CesqlNode) -> CesqlNode:
    """Return NOT *operand*; unlike any other cast to Boolean, that of an integer fails.

    The text of the specification allows it, its conformance tests do not (``NOT 10``).
    """

    def evaluate(event: Attributes) -> bool:
        value = operand.evaluate(event)
        try:
            if type(value) is int:
                raise CesqlError("cast", f"cannot cast the Integer {value} to Boolean")
            return not cast_cesql_value(value, bool)
        except CesqlError as error:
            error.value, error.origin = True, evaluate
            raise

    return _node(evaluate, bool, [operand])


def cesql_and(operands: Sequence[CesqlNode]) -> CesqlNode:
    parts = [operand.evaluate for operand in operands]
    return _node(
        lambda event: all(cast_cesql_value(part(event), bool) for part in parts), bool, operands
    )


def cesql_or(operands: Sequence[CesqlNode]) -> CesqlNode:
    parts = [operand.evaluate for operand in operands]
    return _node(
        lambda event: any(cast_cesql_value(part(event), bool) for part in parts), bool, operands
    )


def cesql_xor(operands: Sequence[CesqlNode]) -> CesqlNode:
    parts = [operand.evaluate for operand in operands]
    return _node(
        lambda event: sum([cast_cesql_value(part(event), bool) for part in parts]) % 2 == 1,
        bool,
        operands,
    )


def cesql_comparison(symbol: str, left: CesqlNode, right: CesqlNode) -> CesqlNode:
    if symbol in _ORDERS:
        order = _ORDERS[symbol]
        return _node(
            lambda event: order(
                cast_cesql_value(left.evaluate(event), int),
                cast_cesql_value(right.evaluate(event), int),
            ),
            bool,
            [left, right],
        )
    wanted = symbol == "="
    return _node(
        lambda event: _equal(left.evaluate(event), right.evaluate(event)) is wanted,
        bool,
        [left, right],
    )


def cesql_arithmetic(symbol: str, left: CesqlNode, right: CesqlNode) -> CesqlNode:
    operate = _ARITHMETIC[symbol]
    return _node(
        lambda event: _whole(
            # Both sides first: a missing attribute counts before a division by zero.
            operate(
                cast_cesql_value(left.evaluate(event), int),
                cast_cesql_value(right.evaluate(event), int),
            )
        ),
        int,
        [left, right],
    )


def cesql_in(operand: CesqlNode, members: Sequence[CesqlNode]) -> CesqlNode:
    parts = [member.evaluate for member in members]

    def evaluate(event: Attributes) -> bool:
        value = operand.evaluate(event)
        return any(cast_cesql_value(part(event), type(value)) == value for part in parts)

    return _node(evaluate, bool, [operand, *members])


def cesql_like(operand: CesqlNode, pattern: str) -> CesqlNode:
    matches = compile_like_pattern(pattern)
    return _node(
        lambda event: matches(cast_cesql_value(operand.evaluate(event), str)), bool, [operand]
    )


def cesql_opposite(operand: CesqlNode) -> CesqlNode:
    """Return NOT LIKE or NOT IN of a LIKE or an IN."""
    return _node(lambda event: not operand.evaluate(event), bool, [operand])


def cesql_call(name: str, arguments: Sequence[CesqlNode]) -> CesqlNode:
    found = find_cesql_function(name, len(arguments))
    if found is None:
        return _unknown(name, arguments)
    types = found.types_of(len(arguments)) or ()
    parts = [(each.evaluate, wanted) for each, wanted in zip(arguments, types, strict=True)]
    call = found.call

    def evaluate(event: Attributes) -> Value:
        values = [cast_cesql_value(part(event), wanted) for part, wanted in parts]
        try:
            return call(*values)
        except CesqlError as error:
            error.origin = evaluate
            raise

    return _node(evaluate, found.result, arguments)


def evaluate_cesql(root: CesqlNode, event: Attributes) -> Any:
    """Return the value of a whole expression.

    Raises:
        CesqlError: its ``value`` is that of the whole expression.
    """
    try:
        return root.evaluate(event)
    except CesqlError as error:
        if error.origin is not root.evaluate:
            error.value = ZEROS[root.type or bool]
        raise


def _node(evaluate: Evaluate, result: type | None, parts: Sequence[CesqlNode]) -> CesqlNode:
    names = frozenset().union(*(part.names for part in parts))
    depth = 1 + max((part.depth for part in parts), default=0)
    return CesqlNode(
        evaluate, result, names, depth, tuple(m for part in parts for m in part.missing)
    )


def _unknown(name: str, arguments: Sequence[CesqlNode]) -> CesqlNode:
    count = len(arguments)
    arity = f"with {count} argument{'s' if count != 1 else ''}"
    problem = f"there is no function {name}{f' {arity}' if is_cesql_function(name) else ''}"

    def evaluate(event: Attributes) -> Value:
        raise CesqlError("missingFunction", problem)

    node = _node(evaluate, None, arguments)
    return node._replace(missing=(*node.missing, problem))


def _equal(left: Value, right: Value) -> bool:
    return bool(cast_cesql_value(left, type(right)) == right)


def _whole(number: int) -> int:
    if not is_cesql_integer(number):
        raise CesqlError("math", f"{number} does not fit into 32 bits", 0)
    return number


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise CesqlError("math", "division by zero", 0)
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) is (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _divide(left, right)


_ORDERS: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
}
